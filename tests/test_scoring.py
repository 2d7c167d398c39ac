"""The scorers against what a careful human says of adversarial outputs."""

import pytest
from conftest import ROOT

from rag_instruct.benchmarks import names
from rag_instruct.benchmarks.comparison import cases
from rag_instruct.schema import Question
from rag_instruct.scoring.scores import score_choice, score_closed, score_open, token_f1

ADVERSARIAL = sorted((ROOT / "tests/data/adversarial").glob("*.yaml"))


def parameters():
    """The cases; those that are known to be missed have to be missed, so that an improvement is noticed."""
    for path in ADVERSARIAL:
        for number, case in enumerate(cases(path)):
            marks = [pytest.mark.xfail(reason="a known limit", strict=True)] if case.missed else []
            yield pytest.param(case, marks=marks, id=f"{path.stem}-{number}")


@pytest.mark.parametrize("case", list(parameters()))
def test_an_adversarial_output_gets_the_score_that_a_careful_human_gives(case):
    assert case.ours == case.human, f"{case.output!r} to {case.question}: {case.why}"


def test_every_benchmark_has_twenty_adversarial_outputs_of_both_kinds():
    assert {path.stem for path in ADVERSARIAL} == set(names()) - {"own"}
    for path in ADVERSARIAL:
        scores = [case.human for case in cases(path)]
        assert len(scores) >= 20
        assert 5 <= sum(scores) <= len(scores) - 5, f"{path.stem}: either kind has to be there"


def test_exact_match_and_f1_are_those_of_the_field():
    question = Question("1", "?", ("the Arctic fox", "polar fox"))
    assert score_open(question, "Arctic fox.") == {"accuracy": 1, "exact_match": 1, "f1": 1}
    found = score_open(question, "It is an arctic fox")
    assert (found["accuracy"], found["exact_match"]) == (1, 0)
    assert found["f1"] == pytest.approx(2 * 2 / (4 + 2)), "two of four words are both of the answer's two"
    assert token_f1("fox fox", "fox") == pytest.approx(2 / 3), "a word said twice counts once"
    assert token_f1("wolf", "fox") == token_f1("", "fox") == 0


@pytest.mark.parametrize(
    "output",
    [
        "The documents at hand do not say whether it was held in Paris.",
        "I could not find in the documents where it was held.",
        "The documents at hand do not say which of these is right.",
        "No document at hand tells whether this is true or false.",
        "It is not stated in the documents. The Rhine passes Cologne, but they do not say where the fair in Paris was.",
    ],
)
def test_an_output_that_declines_is_right_for_no_question(output):
    """A model that was trained on rows that decline says such things; "not" and "no" in them are no verdicts."""
    assert score_open(Question("1", "Where was it held?", ("Paris",)), output)["accuracy"] == 0
    assert score_open(Question("1", "Was it held?", ("no",)), output)["accuracy"] == 0
    closed = Question("2", "It was held in Rome.", ("false",), (("true", "true"), ("false", "false")))
    assert score_closed(closed, output)["accuracy"] == 0
    choice = Question("3", "Where was it held?", ("A",), (("A", "Paris"), ("B", "Rome"), ("C", "Nowhere")))
    assert score_choice(choice, output)["accuracy"] == 0


def test_citations_in_an_output_do_not_count():
    assert score_open(Question("1", "Where was it held?", ("Paris",)), "Paris [2][3].")["exact_match"] == 1
    assert score_open(Question("1", "How many?", ("3",)), "It is not known [3].")["accuracy"] == 0
