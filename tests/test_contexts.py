"""The documents of questions: own ones, a search's, a file's; and every way in which a file is of no use."""

import gzip
import json
import re

import pytest
from conftest import ROOT

from rag_instruct.corpus.importing import import_passages
from rag_instruct.errors import UserError
from rag_instruct.evaluation.contexts import from_file, from_search, queries
from rag_instruct.retrieval.foreign_runs import import_run
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question

PLAIN = Question("q1", "Which river?", ("Danube",))
CHOICE = Question("q2", "Which is largest?", ("B",), choices=(("A", "Main"), ("B", "Rhine")))
OWN = Question("q3", "What does it cost?", ("14",), documents=("Price list\n14 euros",))


def test_queries_are_the_questions_that_need_a_search_with_their_options():
    assert queries([PLAIN, OWN, CHOICE]) == [
        {"id": "q1", "question": "Which river?"},
        {"id": "q2", "question": "Which is largest?\nA. Main\nB. Rhine"},
    ]


def test_a_kind_that_the_questions_belie_is_said():
    with pytest.raises(UserError, match="every question has its own documents"):
        queries([OWN])
    with pytest.raises(UserError, match="question q1 has no documents, and no search was made"):
        list(from_search([OWN, PLAIN], None, 2))


def test_a_search_and_own_documents_keep_to_their_questions(tmp_path):
    import_passages(ROOT / "resources/demo/passages.tsv", {}, None, tmp_path / "p.arrow", tmp_path / "p.json")
    lines = [f"{query} Q0 {row} 1 {1 / row} x" for query, rows in {"q1": (5, 9), "q2": (7, 8)}.items() for row in rows]
    (tmp_path / "run.trec").write_text("\n".join(lines) + "\n")
    import_run(
        tmp_path / "run.trec", 2, ["q1", "q2"], tmp_path / "p.arrow", tmp_path / "r.parquet", tmp_path / "r.trec"
    )
    rows = list(from_search([PLAIN, OWN, CHOICE], Run(tmp_path / "r.parquet", tmp_path / "p.arrow"), 2))
    assert [(row["id"], row["origin"], [p["id"] for p in row["passages"]]) for row in rows] == [
        ("q1", "search", ["5", "9"]),
        ("q3", "own", []),
        ("q2", "search", ["7", "8"]),
    ]
    assert rows[1]["documents"] == ["Price list\n14 euros"]
    assert all("\n" in document for document in rows[0]["documents"])


def contexts_file(path, records, as_list=False):
    path.write_text(json.dumps(records) if as_list else "".join(json.dumps(r) + "\n" for r in records))
    return path


def test_ready_contexts_as_ragas_writes_them(tmp_path):
    path = tmp_path / "ragas.csv"
    path.write_text("user_input,retrieved_contexts\nWhich river?,\"['It\\'s \"\"long\"\".', 'b', 'c']\"\n")
    assert [row["documents"] for row in from_file([PLAIN], path, 2)] == [['It\'s "long".', "b"]]


@pytest.mark.parametrize("name", ["ctxs", "retrieval_ctxs", "docs"])
@pytest.mark.parametrize("as_list", [True, False])
def test_ready_contexts_of_both_names_by_id_or_by_the_words(tmp_path, name, as_list):
    found = [{"title": f"T{n}", "text": f"text {n}", "id": n, "score": str(10 - n)} for n in range(4)]
    records = [
        {"question": " which  RIVER? ", name: found},
        {"id": "q2", "question": "Which is largest? A: Main B: Rhine", name: found[1:]},
    ]
    rows = list(from_file([PLAIN, CHOICE, OWN], contexts_file(tmp_path / "c.json", records, as_list), 2))
    assert rows[0]["documents"] == ["T0\ntext 0", "T1\ntext 1"]
    assert rows[0]["passages"] == [{"id": "0", "rank": 1, "score": "10"}, {"id": "1", "rank": 2, "score": "9"}]
    assert rows[1]["documents"] == ["T1\ntext 1", "T2\ntext 2"]
    assert rows[2]["origin"] == "own"


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([{"question": "Which river?", "hits": []}], "line 1: the record has none of ctxs, retrieval_ctxs, docs"),
        ([{"question": "Which river?", "ctxs": [{"title": "T"}]}], "has no `text`"),
        ([{"ctxs": []}], "the record has neither id nor question"),
        ([{"question": "another", "ctxs": []}], "no documents for 1 of 1 questions, the first is 'q1'"),
        (
            [{"id": "q1", "question": "Which lake?", "ctxs": []}],
            "line 1 has the id 'q1' and asks 'which lake', but the benchmark's question",
        ),
        ([{"id": 1, "ctxs": []}], "line 1: the id 1 may be only a record number, and the record has no question"),
        ([{"id": "abc", "q_id": "1", "ctxs": []}], "line 1: the id 1 may be only a record number"),
        ([{"question": "Which river?", "ctxs": "a text"}], "ctxs must be a list of documents, but is 'a text'"),
        ([{"question": "Which river?", "ctxs": [{"text": ["a"]}]}], "the text in ctxs must be a text, but is ['a']"),
        (
            [{"question": "Which river?", "ctxs": [{"text": "a", "id": 1.5}]}],
            "the id in ctxs must be a text or a whole",
        ),
        ([{"question": 7, "ctxs": []}], "the question must be a text, but is 7"),
    ],
)
def test_files_of_no_use_are_refused_with_their_place(tmp_path, records, said):
    with pytest.raises(UserError, match=re.escape(said)):
        list(from_file([PLAIN], contexts_file(tmp_path / "c.jsonl", records), 2))


def test_ids_of_another_numbering_give_nobody_anothers_documents(tmp_path):
    """The records are numbered from 0, the questions from 1."""
    asked = [Question("1", "Who wrote Faust?", ("Goethe",)), Question("2", "Who wrote Emma?", ("Austen",))]
    records = [{"id": n, "question": q.question, "ctxs": [{"text": q.answers[0]}]} for n, q in enumerate(asked)]
    with pytest.raises(UserError, match="line 2 has the id '1' and asks 'who wrote emma'"):
        list(from_file(asked, contexts_file(tmp_path / "c.jsonl", records), 1))
    for record in records:
        del record["id"]
    found = from_file(asked, contexts_file(tmp_path / "d.jsonl", records), 1)
    assert [row["documents"] for row in found] == [["Goethe"], ["Austen"]]


def test_a_question_that_contains_another_does_not_get_its_documents(tmp_path):
    """The records are shifted by one, and each neighbour's words contain the question's."""
    asked = [Question("a", "Who wrote Faust?", ("Goethe",)), Question("b", "Who wrote Faust II?", ("Goethe",))]
    records = [{"id": "a", "question": "Who wrote Faust II?", "ctxs": [{"text": "II"}]}]
    with pytest.raises(UserError, match="line 1 has the id 'a' and asks 'who wrote faust ii'"):
        list(from_file(asked, contexts_file(tmp_path / "c.jsonl", records), 1))
    records = [{"id": q.id, "question": f"Answer briefly. {q.question}", "ctxs": [{"text": q.id}]} for q in asked]
    found = from_file(asked, contexts_file(tmp_path / "d.jsonl", records), 1)
    assert [row["documents"] for row in found] == [["a"], ["b"]]


def test_two_records_that_ask_the_same_are_told_apart_by_id_or_refused(tmp_path):
    asked = [Question("a", "Which?", ("x",)), Question("b", "Which?", ("y",))]
    records = [{"id": q.id, "question": "Which?", "ctxs": [{"text": q.id}]} for q in asked]
    found = from_file(asked, contexts_file(tmp_path / "c.jsonl", records), 1)
    assert [row["documents"] for row in found] == [["a"], ["b"]]
    without = [{"question": "Which?", "ctxs": record["ctxs"]} for record in records]
    with pytest.raises(UserError, match=r"line 2 asks the same as .*line 1 and has other documents: give the records"):
        list(from_file(asked, contexts_file(tmp_path / "d.jsonl", without), 1))
    twice = [records[0], {**records[1], "id": "a"}]
    with pytest.raises(UserError, match="line 2 has the id 'a' of another record"):
        list(from_file(asked, contexts_file(tmp_path / "e.jsonl", twice), 1))


def test_half_a_surrogate_pair_and_compressed_files_are_read(tmp_path):
    line = json.dumps({"question": "Which river?", "ctxs": [{"text": "cut \ud83d"}]}) + "\n"
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    assert [row["documents"] for row in from_file([PLAIN], tmp_path / "c.jsonl.gz", 1)] == [["cut ?"]]
