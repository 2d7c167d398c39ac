"""Retrievers side by side, against numbers counted by hand."""

import math

import pytest
from ir_measures import Qrel, R, calc_aggregate, nDCG
from test_fusion import run_of
from test_search import passages

from rag_instruct.evaluation.records import Context
from rag_instruct.evaluation.retrieval_quality import quality, ranking
from rag_instruct.evaluation.retrievers import draw_recall, measurements, page
from rag_instruct.schema import Question


def questions(**given):
    return [Question("q", "?", ("x",), **given)]


@pytest.fixture
def run(tmp_path):
    passages(tmp_path, 30)
    return run_of(tmp_path, "bm25", [7, 3, 9, 4, 1, 12, 25])


def values(found):
    return {one.measure: one.value for one in found}


def test_recall_and_ndcg_counted_by_hand(run):
    found = values(measurements("b", questions(gold_passage_ids=("id3", "id12", "id29")), "bm25", run))
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found["recall@1"] == 0
    assert found["recall@5"] == pytest.approx(100 / 3)
    assert found["recall@10"] == found["recall@100"] == pytest.approx(200 / 3)
    assert found["nDCG@10"] == pytest.approx(100 * (1 / math.log2(3) + 1 / math.log2(7)) / ideal, abs=1e-3)


@pytest.mark.parametrize("gold", [{"gold_passage_ids": ("id3",)}, {"gold_titles": ("T",)}])
def test_questions_with_their_own_documents_are_not_searched_and_do_not_count(run, gold):
    own = Question("own", "?", ("x",), documents=("T\nx",), **gold)
    assert values(measurements("b", [own, *questions(**gold)], "bm25", run)) == values(
        measurements("b", questions(**gold), "bm25", run)
    )
    assert not list(measurements("b", [own], "bm25", run))


def test_with_titles_an_article_counts_once(run):
    """All passages here have the title T."""
    found = values(measurements("b", questions(gold_titles=("t", "Other")), "bm25", run))
    assert found["recall@1"] == found["recall@100"] == 50


def test_with_titles_k_counts_passages_and_not_articles(tmp_path):
    """Ranks A, A, B: the article B is not among the first two passages, here and in the table of an evaluation."""
    counted = calc_aggregate([R @ 2, R @ 3, nDCG @ 10], [Qrel("q", "b", 1)], list(ranking("q", ["a", "a", "b"])))
    assert counted == pytest.approx({R @ 2: 0, R @ 3: 1, nDCG @ 10: 1 / 2})
    documents = ["A\nOne.", "A\nTwo.", "B\nThree."]
    context = Context(id="q", origin="search", documents=documents, passages=[])
    assert quality(questions(gold_titles=("B",)), [context])["recall"] == {1: 0, 3: 1}


def test_a_page_and_a_plot_of_two_retrievers(tmp_path, run):
    asked = [Question(name, "?", ("x",), gold_passage_ids=("id3",)) for name in ("q",)]
    found = [*measurements("b", asked, "dense", run), *measurements("b", asked, "bm25", run)]
    assert not list(measurements("n", [Question("q", "?", ("x",))], "dense", run))
    labels = {"b": "Mine", "n": "Without"}
    text = page("set", labels, found, "retrieval.svg")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")]
    assert [cell.strip() for cell in rows[0][1:4]] == ["retriever", "recall@1", "recall@5"]
    assert [row[1].strip() for row in rows[1:]] == ["dense", "bm25"]
    assert rows[1][2].strip() == "0.0 (0.0-97.5)"
    assert text.endswith("is not measured: Without.\n")
    found += measurements("g", asked, "given", run)
    labels["g"] = "Given"
    found[0] = found[0]._replace(low=found[0].value + 1e-14)  # rounding may put an end beyond the mean
    draw_recall(labels, found, tmp_path / "a.svg")
    draw_recall(labels, found, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "Mine" in (tmp_path / "a.svg").read_text()
