"""One fact at a time, for teachers too small to hold a document: which sentence to ask about, and for what.

A model of 135 million parameters wanders over a whole passage. Shown one sentence and the words
in it that are to be the answer, it writes a question and answers it; whether the answer holds
those words is then checked.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag_instruct.files import digest
from rag_instruct.focus import Focus
from rag_instruct.passage import Passage

REACH = 6  # best passages that facts are taken from
# A name (capitals, inner small words allowed) or a number with what it counts.
NAME = r"(?:[A-Z][\w'-]+)(?: (?:(?:of|the|de|da|and) )?[A-Z][\w'-]+)*"
NUMBER = r"\d[\d,.]*\d(?: (?:million|billion))?(?: (?:[a-z]+s|percent))?|\d(?: [a-z]+s)?"
TARGET = re.compile(rf"(?<=[a-z,] )(?:{NAME}|{NUMBER})(?=[ ,.])")
POINTING = re.compile(
    r"\b(he|she|it|they|him|her|his|its|their|them|this|these|those|such|there|here|other|another)\b", re.I
)

KINDS = {
    "choice": r"\(?\bA[.):] ?\S.*\bB[.):] ?\S|\bof the following\b|\boptions:",
    "claim": r"\b(is|was) it (true|correct|right)\b|\btrue or false\b|\b(verify|check|fact-check)\b|\bthe (claim|statement)\b",
    "comparison": r"\b(compar\w+|contrast|differen\w+|differ|versus|vs|similarit\w+|in common)\b",
    "explanation": r"^(please |can you |could you )*explain\b|^why\b|^how (do|does|did|is|are|was|were|has|can)\b",
    "question": r"\?$|^(what|who|when|where|which|how)\b",
}


@dataclass(frozen=True)
class Fact:
    """A sentence that can be understood alone, and the words of it that are asked for."""

    passage: Passage
    sentence: str
    target: str


def kind_of(instruction: str) -> str:
    """The exemplar's kind of task, by its wording; what is none of the others is an order."""
    text = " ".join(instruction.split())
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, text, re.I)), "order")


def focuses(paradigm: str, exemplar: str, ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """The usable choices for an exemplar over its ranked passages, in an order that the seed decides."""
    facts = [fact for passage in ranked[:REACH] for fact in _facts(passage)]
    rank = {passage.id: place // 2 for place, passage in enumerate(ranked)}
    facts.sort(key=lambda fact: (rank[fact.passage.id], digest(seed, fact.sentence)))
    if paradigm.startswith("multi"):
        return _of_two(paradigm, facts, ranked, seed)
    return _of_one(paradigm, facts, ranked, seed)


def _facts(passage: Passage) -> Iterator[Fact]:
    for sentence in sentences(passage.text):
        alone = passage.title in sentence and not POINTING.search(sentence) and 7 <= len(sentence.split()) <= 24
        targets = [
            found for found in TARGET.findall(sentence) if found not in passage.title and passage.title not in found
        ]
        if alone and targets:
            yield Fact(passage, sentence, targets[-1])


def sentences(text: str) -> list[str]:
    """Split at a full stop before a capital, but not after an initial or a common short form."""
    return re.split(r"(?<!\b[A-Z]\.)(?<!\bSt\.)(?<!\bDr\.)(?<!\bMt\.)(?<=[.!?]) +(?=[A-Z\"])", text.strip())


def _states(passage: Passage, fact: Fact) -> bool:
    return passage.id == fact.passage.id or (fact.target in passage.text and fact.passage.title in passage.document)


def _of_one(paradigm: str, facts: list[Fact], ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """One fact. Of little use or of none is a passage that does not state it: the fact's own is then hidden."""
    show: dict[str, Callable[[Passage, Fact], bool]] = {
        "single_doc_answer": lambda passage, fact: passage.id == fact.passage.id,
        "single_doc_support": lambda passage, fact: (
            passage.title == fact.passage.title and fact.target not in passage.text
        ),
        "useless_doc": lambda passage, fact: (
            fact.passage.title not in passage.document and fact.target not in passage.text
        ),
    }
    for fact in facts:
        shown = next((passage for passage in ranked if show[paradigm](passage, fact)), None)
        if shown:
            hidden = tuple(passage for passage in ranked if passage is not shown and _states(passage, fact))
            yield Focus((shown,), hidden, _variables(fact, facts, seed), (fact.target,))


def _variables(fact: Fact, facts: list[Fact], seed: str) -> dict[str, str]:
    """What the prompts may name: for claims a wrong answer in the right one's place, for choices four options."""
    same_type = {other.target for other in facts if other.target[0].isdigit() == fact.target[0].isdigit()}
    wrong = sorted((t for t in same_type if t not in fact.sentence), key=lambda t: digest(seed, fact.sentence, t))
    false = bool(wrong) and int(digest(seed, fact.sentence, "verdict"), 16) % 2 == 0
    options = sorted([fact.target, *wrong[:3]], key=lambda t: digest(seed, "option", t))
    return {
        "title": fact.passage.title,
        "focus": fact.sentence,
        "target": fact.target,
        "claimed": fact.sentence.replace(fact.target, wrong[0], 1) if false else fact.sentence,
        "verdict": "No" if false else "Yes",
        "options": "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=False))
        if wrong[2:]
        else "",
    }


def _of_two(paradigm: str, facts: list[Fact], ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """Two facts of different articles of which one names the other: their passages belong together."""
    for first in facts:
        for second in facts:
            linked = second.passage.title in first.sentence and first.passage.title not in second.passage.document
            if first.passage.title == second.passage.title or not linked or second.target in first.passage.text:
                continue
            targets = (first.target, second.target) if paradigm == "multi_doc_answer" else ()
            pair = {"first": first.sentence, "second": second.sentence, "first_title": first.passage.title}
            pair |= {"second_title": second.passage.title, "first_target": first.target, "second_target": second.target}
            shown = (first.passage, second.passage)
            hidden = tuple(p for p in ranked if p not in shown and (_states(p, first) or _states(p, second)))
            yield Focus(shown, hidden, pair, targets)
