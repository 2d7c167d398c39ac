"""Recall by ids and by titles, against numbers counted by hand."""

import csv
import json

import pytest
from conftest import SHARED, needs_shared

from rag_instruct.evaluation.retrieval_quality import quality
from rag_instruct.schema import Question


def row(identifier, documents, ids=None, origin="search"):
    passages = [{"id": name, "rank": rank} for rank, name in enumerate(ids or [], start=1)]
    return {"id": identifier, "origin": origin, "documents": documents, "passages": passages}


def test_recall_by_ids_and_by_titles_counted_by_hand():
    questions = [
        Question("a", "?", ("Rome",), gold_passage_ids=("7", "8")),
        Question("b", "?", ("Oslo",), gold_titles=("Norway", "Edvard_Grieg")),
        Question("c", "?", ("Bern",)),
    ]
    rows = [
        row("a", ["x\nno", "y\nno", "z\nin Rome", "w\nno", "v\nno"], ["1", "7", "2", "3", "8"]),
        row("b", ["NORWAY\nfjords", "Norway\nOslo", "x\nno", "Bergen\nno", "Edvard Grieg\nno"], list("abcde")),
        row("c", ["x\nBerne", "y\nno", "z\nno", "w\nno", "v\nno"], list("fghij")),
    ]
    found = quality(questions, rows)
    assert found["questions"] == 2
    assert found["recall"] == {1: 0.25, 5: 1.0}, "one of b's two articles is first; all are among five"
    assert found["answer_in_documents"] == {1: 0.0, 5: pytest.approx(2 / 3, abs=1e-4)}


def test_own_documents_and_choices_are_no_matter_of_search():
    questions = [
        Question("a", "?", ("yes",), documents=("x",)),
        Question("b", "?", ("A",), choices=(("A", "x"), ("B", "y"))),
    ]
    found = quality(questions, [row("a", ["x"], origin="own"), row("b", ["A\nA"], ["1"])])
    assert (found["questions"], found["questions_with_free_answers"]) == (0, 0)
    assert found["recall"] == found["answer_in_documents"] == {}


def test_gold_that_is_never_found_counts():
    questions = [
        Question("a", "?", ("x",), gold_passage_ids=("1",)),
        Question("b", "?", ("x",), gold_passage_ids=("2",)),
    ]
    assert quality(questions, [row("a", ["d"], ["1"]), row("b", [], [])])["recall"] == {1: 0.5}


@pytest.mark.parametrize(("gold", "title"), [("A &amp; B", "A & B"), ("E\u0301tienne", "\u00c9tienne")])
def test_titles_may_be_written_otherwise(gold, title):
    assert quality([Question("a", "?", ("x",), gold_titles=(gold,))], [row("a", [f"{title}\nd"])])["recall"] == {1: 1}


def test_contexts_without_ids_say_nothing_of_gold_ids():
    found = quality([Question("a", "?", ("x",), gold_passage_ids=("1",))], [row("a", ["d"], [""])])
    assert (found["questions"], found["recall"]) == (0, {})


@needs_shared
def test_answers_of_real_questions_stand_in_their_gold_passages():
    """SQuAD's answers are spans of the gold passage, so nearly all have to be found there, and few in another."""
    records = [json.loads(line) for line in (SHARED / "corpus/dev_qas.jsonl").read_text().splitlines()]
    records = [record for record in records if record["dataset"].startswith("squad")][:400]
    with (SHARED / "corpus/dev_psgs.tsv").open(encoding="utf-8", newline="") as file:
        passages = {row["id"]: f"{row['title']}\n{row['text']}" for row in csv.DictReader(file, delimiter="\t")}
    questions = [
        Question(r["id"], r["question"], tuple(r["answers"]), gold_passage_ids=tuple(r["gold"])) for r in records
    ]
    others = list(passages)[-4:]
    rows = []
    for number, record in enumerate(records):
        ids = others.copy()
        ids.insert(number % 5, record["gold"][0])
        rows.append(row(record["id"], [passages[name] for name in ids], ids))
    found = quality(questions, rows)
    assert found["recall"] == {1: 0.2, 5: 1.0}
    assert found["answer_in_documents"][5] > 0.95
    assert found["answer_in_documents"][1] < 0.25
