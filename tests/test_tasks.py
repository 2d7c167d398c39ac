"""Questions that are made of facts, without a parser: what follows from dates and numbers, and from two documents."""

from dataclasses import replace

import pytest
from msgspec import structs

from rag_instruct.corpus.passages import Passage
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.synthesis.facts import Fact
from rag_instruct.synthesis.sentence_focus import CANDIDATES, focuses
from rag_instruct.synthesis.tasks import bridged, combined, compared, inferred, same_relation, stated


def when(name: str, year: str, said: str = "was born", relation: str = "bear", **more) -> Fact:
    verb, _, rest = said.partition(" ")
    inverted = f"{verb} {name} {rest}" if verb == "was" else f"did {name} {verb.removesuffix('d')} {rest}".strip()
    return Fact(
        f"{name} {said} in {year}.", name, "when", year, f"When {inverted}?", f"when {name} {said}", f"{name} {said} in {year}",
        f"{name} {said}", relation, "DATE", **{"person": True, "about": True, **more},
    )  # fmt: skip


def count(name: str, target: str, unit: str) -> Fact:
    return Fact(
        f"{name} has {target}.", name, "count", target, f"How many {unit} does {name} have?", f"how many {unit} {name} has",
        f"{name} has {target}", f"{name} has", f"have {unit}", "CARDINAL",
    )  # fmt: skip


ANN, BO = when("Ann Lee", "1871"), when("Bo Lind", "1889")


def pairs(tasks):
    return {task.question: task.answer for task in tasks}


def either(one, other):
    """What is combined from two facts: a hash chooses their order."""
    return pairs([*combined(one, other), *combined(other, one)])


def test_a_century_a_decade_and_a_round_year_follow_from_a_date():
    assert pairs(inferred([ANN])) == {
        "In which century was Ann Lee born?": "Ann Lee was born in the 19th century.",
        "Was Ann Lee born after 1900?": "No, Ann Lee was born before 1900.",
    }
    assert "In which decade was Ann Lee born?" in pairs(inferred([when("Ann Lee", "1912")]))
    assert not list(inferred([when("Ann Lee", "from 1871 to 1880")]))


def test_an_age_follows_from_two_dates():
    died = when("Ann Lee", "2 May 1940", "died", "die")
    born = when("Ann Lee", "3 May 1871")
    assert pairs(inferred([ANN, died]))["At what age did Ann Lee die?"] == "Ann Lee died at the age of about 69."
    assert pairs(inferred([born, died]))["At what age did Ann Lee die?"] == "Ann Lee died at the age of 68."


@pytest.mark.parametrize("year", ["1800", "1801", "1850", "1899", "1900", "1999", "2000", "2001"])
def test_what_is_said_of_a_date_is_true(year):
    for task in inferred([when("It", year)]):
        if task.question.startswith("Was"):
            verdict, order, mark = task.answer.split(",")[0], *task.answer.rstrip(".").split()[-2:]
            assert (int(year) < int(mark)) == (order == "before")
            assert (order in task.question) == (verdict == "Yes")
            assert int(year) != int(mark)


@pytest.mark.parametrize("target", ["44 rooms", "1,200 rooms", "90 rooms", "about 350 rooms"])
def test_more_or_less_than_a_round_number(target):
    for task in inferred([count("It", target, "rooms")]):
        mark = int(task.question.split("more than ")[1].split()[0].replace(",", ""))
        number = int("".join(one for one in target if one.isdigit()))
        assert task.answer.startswith("Yes" if number > mark else "No")
        assert ("more than" in task.answer) == (number > mark)


def test_who_bore_a_child_is_not_born_then():
    son = when("Ann Lee", "1900", "bore a son", "bear")
    moved = when("Ann Lee", "1910", "moved", "move")
    assert not [task.question for task in inferred([son, moved]) if task.question.startswith("At what age")]
    assert "At what age did Ann Lee move?" in pairs(inferred([ANN, son, moved]))


@pytest.mark.parametrize(
    ("target", "number"),
    [
        ("44 rooms", 44),
        ("1,200 rooms", 1200),
        ("2.5 million people", 2_500_000),
        ("12 thousand people", 12_000),
        ("3 millionaires", 3),
        ("two million people", None),
        ("one hundred and fifty rooms", None),
        ("10 to 12 rooms", None),
    ],
)
def test_a_number_is_read_whole_or_not_at_all(target, number):
    assert count("It", target, "rooms").number == number


def test_facts_without_a_subject_at_the_front_are_not_the_same():
    one, other = (structs.replace(when(name, "1900"), open=f"in {name}") for name in ("Ann", "Bo"))
    assert not same_relation(one, other)
    assert same_relation(ANN, BO)


def test_two_unknown_kinds_are_not_the_same_kind():
    def grades(noun: str) -> set[int]:
        born = {name: when(name, year, noun=noun) for name, year in (("Ann Lee", "1871"), ("Bo Lind", "1889"))}
        facts = {name: [fact] for name, fact in born.items()}
        return {one.grade for one in CANDIDATES["multi_doc_answer"](PASSAGES[:2], facts)}

    assert len(grades("painter")) == len(grades("")) == 1
    assert max(grades("painter")) < min(grades(""))


def test_two_documents_tell_an_order():
    right = {
        "Was Ann Lee born before Bo Lind?": "Yes. Ann Lee was born in 1871. Bo Lind was born in 1889.",
        "Was Bo Lind born before Ann Lee?": "No. Bo Lind was born in 1889. Ann Lee was born in 1871.",
        "How many years before Bo Lind was Ann Lee born?": (
            "About 18 years. Ann Lee was born in 1871. Bo Lind was born in 1889."
        ),
    }
    (asked,) = pairs([*compared(ANN, BO), *compared(BO, ANN)]).items()
    assert asked in right.items()
    ((question, answer),) = either(ANN, BO).items()
    assert question in ("Who was born first, Ann Lee or Bo Lind?", "Who was born first, Bo Lind or Ann Lee?")
    assert answer.startswith("Ann Lee was born first. ")
    assert "Bo Lind was born in 1889." in answer
    ((question, answer),) = either(when("the mill", "1880", "was built", "build", person=False), BO).items()
    assert question.startswith("What happened first: ")
    assert answer.startswith("First, the mill was built. ")
    assert not list(compared(ANN, when("Cy", "1871")))


def test_two_documents_tell_which_has_more():
    found = either(count("the inn", "44 rooms", "rooms"), count("the hotel", "90 rooms", "rooms"))
    assert list(found) == ["Which has more rooms, the inn or the hotel?"]
    assert found["Which has more rooms, the inn or the hotel?"].startswith("The hotel has more rooms. ")
    assert not either(count("the inn", "44 rooms", "rooms"), count("the inn 2", "45 rooms", "rooms"))
    assert not either(count("the inn", "44 rooms", "rooms"), count("the hotel", "over 90 rooms", "rooms"))


def test_a_name_is_replaced_by_what_another_document_says_of_it():
    way = Fact(
        "Jaws was directed by Ann Lee.", "Jaws", "who", "Ann Lee", "Who directed Jaws?", "who directed Jaws",
        "Jaws was directed by Ann Lee", "Jaws was directed", "direct", "PERSON", relative="who directed Jaws",
    )  # fmt: skip
    assert pairs(bridged(way, ANN)) == {
        "When was the person who directed Jaws born?": "Jaws was directed by Ann Lee. Ann Lee was born in 1871."
    }
    assert not list(bridged(way, BO))


PASSAGES = [Passage(fact.subject, fact.subject, f"{fact.sentence} It is known for that.") for fact in (ANN, BO)]
PASSAGES += [
    Passage("inn", "The inn", "The inn has 44 rooms. It lies on a hill."),
    Passage("sea", "The sea", "The sea is blue."),
]
FACTS = {"Ann Lee": [ANN], "Bo Lind": [BO], "inn": [count("the inn", "44 rooms", "rooms")]}


@pytest.mark.parametrize("paradigm", PARADIGMS)
def test_a_focus_shows_what_the_paradigm_needs(paradigm):
    found = list(focuses(paradigm, "x?", PASSAGES, FACTS, "seed"))
    assert found or paradigm in ("useless_doc", "single_doc_answer"), "a hash divides the facts of these two"
    for focus in found:
        assert PARADIGMS[paradigm].least <= len(focus.sources) <= PARADIGMS[paradigm].most
        assert not {p.id for p in focus.sources} & {p.id for p in focus.hidden}
        assert focus.variables["questions"].splitlines()
        stating = any(focus.variables["answer"] in passage.text for passage in focus.sources)
        assert stating == (paradigm == "single_doc_answer")


def test_passages_without_titles_are_articles_of_their_own():
    """So a question may compare two of them, and one of them may be the document that does not help."""
    untitled = [replace(passage, title="") for passage in PASSAGES]

    def found(ranked):
        named = [focus for paradigm in PARADIGMS for focus in focuses(paradigm, "x?", ranked, FACTS, "seed")]
        return [(focus.variables["answer"], len(focus.sources)) for focus in named]

    assert found(untitled) == found(PASSAGES)
    assert any(count > 1 for _, count in found(untitled))


def test_the_two_paradigms_of_stated_facts_share_none():
    facts = {
        passage.id: [when(passage.id, str(year))]
        for year, passage in enumerate((Passage(f"P{n}", f"P{n}", f"P{n} was born.") for n in range(1800, 1830)), 1800)
    }
    ranked = [Passage(name, name, f"{name} was born in {name[1:]}.") for name in facts]
    asked = [
        {focus.variables["fact"] for focus in focuses(name, "x?", ranked, facts, "seed")}
        for name in ("useless_doc", "single_doc_answer")
    ]
    assert all(asked)
    assert not asked[0] & asked[1]


@pytest.mark.parametrize(
    ("exemplar", "kind", "beginning"),
    [
        ("When was it?", "question", "When was"),
        ("Name the king.", "command", "State when"),
        ("Is it true that A is B?", "claim", "Is it true that"),
        ("Explain how it works.", "explanation", "Can you tell me"),
    ],
)
def test_the_wordings_have_the_form_of_the_exemplar(exemplar, kind, beginning):
    for focus in [
        one for name in ("useless_doc", "single_doc_answer") for one in focuses(name, exemplar, PASSAGES, FACTS, "s")
    ]:
        assert focus.variables["kind"] == kind
        if "born" in focus.variables["fact"]:
            assert focus.variables["questions"].startswith(beginning)
        assert stated(ANN).answer in focus.variables["answer"] or "Ann" not in focus.variables["answer"]


@pytest.mark.parametrize(
    "target", ["1244 BC", "1430 hours", "1998-03", "1948\u201352", "around 1800", "before 1900", "from 1950"]
)
def test_nothing_follows_from_times_that_are_no_year(target):
    assert when("Ann Lee", target).year is None
    assert when("Ann Lee", "1912").year == 1912


def test_nobody_has_an_age_after_death():
    birth, death = when("Ann Lee", "1912"), when("Ann Lee", "1990", "died", "die")
    honoured = when("Ann Lee", "2005", "was honoured", "honour")
    questions = [task.question for task in inferred([birth, death, honoured])]
    assert [question for question in questions if question.startswith("At what age")] == [
        "At what age did Ann Lee die?"
    ]
    buried = when("Ann Lee", "1950", "was buried", "bury")
    assert not any(task.question.startswith("At what age") for task in inferred([birth, buried]))
