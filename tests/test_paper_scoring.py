"""The paper's rules by their description: every branch, faults included, and the table of where ours differ."""

import re

import pytest
from conftest import ROOT

from rag_instruct.benchmarks import benchmark
from rag_instruct.benchmarks.comparison import cases, differences, summary
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import (
    lone_letter,
    lone_letter_is_answer,
    mentions_answer,
    mentions_stripped_number,
    mentions_verdict,
    own_rule,
)

FOUR = (("A", "ice"), ("B", "steam"), ("C", "rain"), ("D", "dew"))
CLOSED = (("yes", "yes"), ("no", "no"), ("maybe", "maybe"))


def asked(*answers, choices=()):
    return Question("1", "?", answers, choices=choices)


@pytest.mark.parametrize(
    ("answers", "output", "score"),
    [
        (("Paris",), "PARIS!", 1),  # lower-cased
        (("Paris",), "parisian", 0),  # whole words
        (("Paris", "Lutetia"), "in lutetia, then", 1),  # any alias
        (("Paris",), "Not Paris. " + "word " * 400, 1),  # anywhere, denied too
        (("Paris",), "word " * 499 + "Paris", 1),  # at the end of 500 words
        (("Dvořák",), "Dvorak", 0),  # no accent folding
        (("Paris",), "", 0),
        (("U.S.",), "the u.s. army", 1),  # punctuation as it is
        (("C++",), "I like c++.", 1),  # no letter of a pattern
    ],
)
def test_open_answers_are_mentions(answers, output, score):
    assert mentions_answer(asked(*answers), output) == score


@pytest.mark.parametrize(
    ("output", "letter"),
    [
        ("B", "B"),
        ("I think the answer is B", "I"),  # the pronoun counts
        ("not A, it is B", "A"),  # the denied one counts
        ("A is correct", "D"),  # taken for an article: missed, so the last option
        ("", "D"),  # empty: the last option
        ("(C) rain", "C"),
        ("b", "D"),  # small letters do not count
        ("It is steam.", "B"),  # no letter: the option whose text occurs
        ("E", "E"),  # a letter that is no option
        ("Answer: B", "B"),
    ],
)
def test_the_first_lone_letter_is_the_choice(output, letter):
    question = asked("B", choices=FOUR)
    assert lone_letter(question, output) == letter
    assert lone_letter_is_answer(question, output) == (letter == "B")


@pytest.mark.parametrize(
    ("answer", "output", "score"),
    [
        ("yes", "yes no maybe", 1),
        ("no", "yes no maybe", 1),
        ("maybe", "yes no maybe", 1),
        ("yes", "It is true.", 1),  # true counts for yes
        ("true", "Yes", 1),  # and yes for true
        ("true", "It is not true.", 1),  # denied too
        ("false", "No way.", 1),
        ("false", "It is not true.", 0),
        ("no", "There is no doubt.", 1),  # as a determiner
        ("no", "nothing", 0),
        ("maybe", "unclear", 0),
        ("yes", "", 0),
    ],
)
def test_any_mention_of_a_verdict_counts(answer, output, score):
    assert mentions_verdict(asked(answer), output) == score


@pytest.mark.parametrize(
    ("answer", "output", "score"),
    [
        ("1.05", "10.5", 1),  # zeros, points and commas are deleted
        ("1.05", "It is 1,5.", 1),
        ("5", "see [5]", 1),  # a citation
        ("5", "500", 1),
        ("5", "15", 0),
        ("-3.2%", "decrease of 3.2%", 0),  # the sign in words
        ("-3.2%", "-3.2%", 1),
        ("0", "anything", 1),  # of zero nothing is left, which is everywhere
        ("3", "", 0),
    ],
)
def test_numbers_are_compared_without_zeros_points_and_commas(answer, output, score):
    assert mentions_stripped_number(asked(answer), output) == score


def test_a_question_of_ones_own_is_judged_by_its_form():
    assert own_rule(asked("Paris"), "in paris") == 1
    assert own_rule(asked("B", choices=FOUR), "I say B") == 0
    assert own_rule(asked("no", choices=CLOSED), "no or yes") == 1


@pytest.mark.parametrize(
    ("name", "rule"),
    [("popqa", mentions_answer), ("musique", mentions_answer), ("arc", lone_letter_is_answer), ("pubhealth", mentions_verdict), ("pubmedqa", mentions_verdict), ("convfinqa", mentions_stripped_number)],
)  # fmt: skip
def test_each_benchmark_has_its_rule(name, rule):
    assert benchmark(name).paper_score is rule


def test_the_page_on_scoring_has_the_table_as_it_is_now():
    found = [case for path in sorted((ROOT / "tests/data/adversarial").glob("*.yaml")) for case in cases(path)]
    page = squeezed((ROOT / "docs/scoring.md").read_text("utf-8"))
    again = (
        "run `python -m scripts.compare_scorers tests/data/adversarial/*.yaml` and put its tables into docs/scoring.md"
    )
    assert squeezed(summary(found)) in page, again
    assert squeezed(differences(found)) in page, again


def squeezed(markdown):
    """Without what makes a table's columns even."""
    return re.sub(r" +", " ", re.sub(r"^\|[-:| ]+\|\n", "", markdown, flags=re.M))
