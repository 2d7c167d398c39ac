"""What a parse of real and invented text gives: questions that stand alone, with the answer that the sentence states."""

import pytest

from rag_instruct.corpus.passages import Passage
from rag_instruct.synthesis.facts import Fact
from rag_instruct.synthesis.reading import find_facts, plain
from rag_instruct.synthesis.subjects import as_written, is_human, topic_of

pytestmark = pytest.mark.slow  # the parser loads for seconds


def facts(title: str, *texts: str) -> list[Fact]:
    passages = [Passage(str(number), title, text) for number, text in enumerate(texts)]
    return [fact for one in find_facts(passages) for fact in one.facts]


def asked(title: str, *texts: str) -> dict[str, str]:
    """The answers by question."""
    return {fact.question: fact.target for fact in facts(title, *texts) if fact.asks != "link"}


@pytest.mark.parametrize(
    ("title", "text", "question", "target"),
    [
        ("Ida Holm", "Ida Holm (3 May 1871 - 1940) was a painter. ", "When was Ida Holm born?", "3 May 1871"),
        ("Ida Holm", "Ida Holm (3 May 1871 - 1940) was a painter. ", "When did Ida Holm die?", "1940"),
        ("Ida Holm", "Ida Holm was a Danish painter. She was born in Aarhus.", "Where was Ida Holm born?", "Aarhus"),
        ("Ida Holm", "Ida Holm was a Danish painter. She moved to Paris in 1901.", "When did Ida Holm move to Paris?", "1901"),
        ("Ida Holm", "Ida Holm was a Danish painter.", "Who was Ida Holm?", "a Danish painter"),
        (
            "Two Rivers (film)",
            "Two Rivers is a 1949 drama film directed by Anna Lind. The film was released in Norway in 1950.",
            "Who directed the film Two Rivers?",
            "Anna Lind",
        ),
        (
            "Two Rivers (film)",
            "Two Rivers is a drama film directed by Anna Lind. The film was released in 1950.",
            "When was the film Two Rivers released?",
            "1950",
        ),
        ("north_pier", "The North Pier is 190 metres long.", "How long is the North Pier?", "190 metres"),
        ("School", "The school has eighteen pupils.", "How many pupils does the school have?", "eighteen pupils"),
        ("Harbour crane", "The harbour crane is made of oak.", "What is the harbour crane made of?", "oak"),
        ("Vik", "Vik is a village. Its population was 320.", "What was Vik's population?", "320"),
    ],
)  # fmt: skip
def test_a_part_of_a_sentence_is_asked_for(title, text, question, target):
    assert asked(title, text).get(question) == target


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Ardholm", "A second village was left empty in 1938."),  # which one?
        ("Ida Holm", "Ida Holm was a painter. The award was given to her in 1920."),  # which award?
        ("Notes", "I water my tomatoes every day in July 2020."),
        ("Ida Holm", "Ida Holm never won the Prix de Rome in 1920."),  # denied
        ("Ida Holm", "Bo Lind met Ida Holm. He died in 1930."),  # he is another one
        ("Ida Holm", "Three years later she moved there."),
        ("List", "Apples; pears; plums: see p. 3 ..."),
    ],
)
def test_what_does_not_stand_alone_is_not_asked(title, text):
    found = asked(title, text)
    assert not [question for question in found if "When" in question or "Where" in question], found


def test_every_text_stands_alone_and_fits():
    text = "Ida Holm was a painter. She was born in Aarhus in 1871 and moved to Paris in 1901. There she met Degas."
    for fact in facts("Ida Holm", text):
        if fact.asks != "link":
            assert fact.subject == "Ida Holm"
            assert fact.question.endswith("?")
            assert fact.target in fact.statement
            assert fact.statement.startswith(fact.open) or fact.target in fact.statement
            assert fact.sentence in text


def test_a_clause_describes_the_names_in_it():
    found = {fact.target: fact.relative for fact in facts("Vienna", "Vienna is the capital of Austria. Vienna lies on the Danube.")}  # fmt: skip
    assert found.get("Danube") == "on which Vienna lies"


@pytest.mark.parametrize(
    "text", ["", "...", "( )", "-", "Ünïcödé — “quoted” … text.", "One\n\nTwo\n- three\n| a | b |", "A" * 500, "," * 50 + "."]
)  # fmt: skip
def test_odd_texts_have_no_facts_and_no_errors(text):
    assert facts("", text) == facts("Title", text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bath (RP: ; local) is a city.", "Bath is a city."),
        ("The song\" Help\" was a hit .", "The song Help was a hit."),
        ("A ((nested) one) stays.", "A stays."),
    ],
)  # fmt: skip
def test_parentheses_and_quotation_marks_go(text, said):
    assert plain(text) == said


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("knitting_cooperative", "In 1922 the knitting cooperative was founded.", "the knitting cooperative"),
        ("Grey seals", "In autumn grey seals come ashore.", "grey seals"),
        ("Rhine", "Basel lies on the Rhine.", "the Rhine"),
        ("henrik_voll", "Henrik Voll came in 1897.", "Henrik Voll"),
        ("Warsaw", "The mayor of Warsaw spoke.", "Warsaw"),
    ],
)
def test_a_title_is_said_as_in_a_sentence(title, text, said):
    assert topic_of(title, [text]).name == said


def test_a_title_that_the_text_does_not_have_is_no_subject():
    assert topic_of("IMG 0042", ["The bridge was built in 1901."]).name == ""
    assert as_written("The Jump", "The Jump is a series.") == "The Jump"
    assert is_human(["painter"])
    assert not is_human(["river"])
