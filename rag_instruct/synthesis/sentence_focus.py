"""Focuses on one fact at a time, for small teachers: chooses the sentence and the words that a question asks for.

A model of 135 million parameters cannot write from a whole passage. So we show it one sentence, and the words of the
sentence that are to be the answer. It writes a question and answers it. Then we check that the answer has those words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rag_instruct.corpus.linking import link
from rag_instruct.corpus.passages import Passage
from rag_instruct.files import digest
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.synthesis.focus import Focus
from rag_instruct.words import sentences

OF_ONE_FACT = [name for name in PARADIGMS if name != "multi_doc_answer"]  # paradigms that ask for a single fact
_link = lru_cache(maxsize=1 << 12)(link)  # the same passages are compared for each pair of their facts
REACH = 6  # how many of the best passages give facts
# A target is a name (capitalised words, with small words between) or a number with its unit.
NAME = r"(?:[A-Z][\w'-]+)(?: (?:(?:of|the|de|da|and) )?[A-Z][\w'-]+)*"
NUMBER = r"\d[\d,.]*\d(?: (?:million|billion))?(?: (?:[a-z]+s|percent))?|\d(?: [a-z]+s)?"
TARGET = re.compile(rf"(?<=[a-z,] )(?:{NAME}|{NUMBER})(?=[ ,.])")
LOOSE = re.compile(r"(an|ic|ish|ese)$| and ")  # adjectives and lists are poor answers
PLAIN = re.compile(r"^[A-Z][\w ,'-]{30,150}\.$")  # no brackets or quotation marks: prompts forbid them in a question
POINTING = re.compile(
    r"\b(he|she|it|they|him|her|his|its|their|them|this|these|those|such|there|here|other|another|farther)\b"
    r"|\bthat (belief|idea|year|time|name|city)\b",
    re.I,
)

KINDS = {
    "choice": r"\(?\bA[.):] ?\S.*\bB[.):] ?\S|\bof the following\b|\boptions:",
    "claim": r"\b(is|was) it (true|correct|right)\b|\btrue or false\b|\bfact-check\b|\bthe (claim|statement)\b",
    "comparison": r"\b(compar\w+|contrast|differen\w+|differ|versus|vs|similarit\w+|in common)\b",
    "explanation": r"^(please |can you |could you )*explain\b|^why\b|^how (do|does|did|is|are|was|were|has|can)\b",
    "question": r"\?$|^(what|who|when|where|which|how)\b",
}


@dataclass(frozen=True)
class Fact:
    """A sentence that is clear without its context, and its `target`: the words that a question asks for."""

    passage: Passage
    sentence: str
    target: str

    @property
    def before(self) -> str:
        """The word before the target."""
        return self.sentence[: self.sentence.index(self.target)].split()[-1]

    @property
    def asks(self) -> str:
        """What a question asks for: when, count, who, where or what."""
        if self.target[0].isdigit():
            return "when" if re.fullmatch(r"1\d{3}|20\d\d", self.target) else "count"
        return {"by": "who", "in": "where", "at": "where", "near": "where"}.get(self.before, "what")

    @property
    def type(self) -> str:
        """The type of the target. A wrong answer is plausible if its type is the same.

        The type of a number is its unit. Without a unit, the type is "when" or "count". The type of a name is the word
        before the name.
        """
        return self.target.partition(" ")[2] or self.asks if self.target[0].isdigit() else self.before

    @property
    def names(self) -> tuple[str, ...]:
        """The target, then the sentence's other names and numbers."""
        found = re.findall(rf"(?!The |A |An |In |On |At |By |For |About ){NAME}|{NUMBER}", self.sentence)
        return (self.target, *(name for name in found if name != self.target))


def kind_of(instruction: str) -> str:
    """Return the form of an instruction, judged by its words: one of KINDS, or "command"."""
    if not instruction:  # no exemplar to imitate
        return "question"
    text = " ".join(instruction.split())
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, text, re.I)), "command")


def focuses(paradigm: str, exemplar: str, ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """Return focuses on the facts of the best passages, best passages first.

    The first two passages count as equally good, then the next two, and so on. The order of their facts is chosen by a
    hash of the seed and the sentence.
    """
    known = [fact for passage in ranked for fact in usable_facts(passage)]
    rank = {passage.id: place // 2 for place, passage in enumerate(ranked[:REACH])}
    near = [fact for fact in known if fact.passage.id in rank]
    near.sort(key=lambda fact: (rank[fact.passage.id], digest(seed, fact.sentence)))
    if paradigm == "multi_doc_answer":
        return _of_two(near, known, ranked, exemplar)
    # A hash gives each fact to one of the paradigms OF_ONE_FACT, so that no two of them ask for the same fact.
    own = [fact for fact in near if min(OF_ONE_FACT, key=lambda name: digest(fact.sentence, name)) == paradigm]
    return _of_one(paradigm, own, known, ranked, exemplar, seed)


def usable_facts(passage: Passage) -> Iterator[Fact]:
    """Yield the facts of a passage that a question can ask for."""
    for sentence in sentences(passage.text):
        alone = PLAIN.match(sentence) and passage.title in sentence and not POINTING.search(sentence)
        targets = [t for t in TARGET.findall(sentence) if t not in passage.title and passage.title not in t]
        targets = [target for target in targets if not LOOSE.search(target)]
        if alone and targets:  # the last name or number is usually what a reader learns from the sentence
            yield Fact(passage, sentence, targets[-1])


def _states(passage: Passage, fact: Fact) -> bool:
    return passage.id == fact.passage.id or (fact.target in passage.text and fact.passage.title in passage.document)


def _of_one(
    paradigm: str, facts: list[Fact], known: list[Fact], ranked: list[Passage], exemplar: str, seed: str
) -> Iterator[Focus]:
    """Yield a focus for each fact; the paradigm decides whether its documents state the fact, help, or are useless."""
    show = {
        "single_doc_answer": lambda fact, ranked: [fact.passage],
        "single_doc_support": lambda fact, ranked: _background(fact, ranked)[:1],
        "multi_doc_support": _both_backgrounds,
        "useless_doc": _useless,
    }[paradigm]
    for fact in facts:
        shown = tuple(show(fact, [passage for passage in ranked if not _states(passage, fact)]))
        if shown:
            hidden = tuple(passage for passage in ranked if passage not in shown and _states(passage, fact))
            links = tuple(filter(None, (_link(shown[0], other) for other in shown[1:])))
            yield Focus(shown, hidden, _variables(fact, known, exemplar, seed), (fact.names,), links)


# In the next three functions, `others` has the ranked passages that do not state the fact.
def _background(fact: Fact, others: list[Passage]) -> list[Passage]:
    """Return the passages that belong to the fact's article."""
    return [passage for passage in others if passage.title == fact.passage.title]


def _both_backgrounds(fact: Fact, others: list[Passage]) -> list[Passage]:
    """Return a passage of the fact's article and a passage of a linked article; nothing if one of them is missing.

    Two cases are links: the fact's article names the other article, or is named by it.
    """
    own = _background(fact, others)
    linked = [passage for passage in others if own and _link(own[0], passage)]
    return [own[0], linked[0]] if linked else []


def _useless(fact: Fact, others: list[Passage]) -> list[Passage]:
    """Return the best passage that does not name the fact's article."""
    return [passage for passage in others if fact.passage.title not in passage.document][:1]


def _variables(fact: Fact, known: list[Fact], exemplar: str, seed: str) -> dict[str, str]:
    """Return the prompt's variables.

    - `claimed`, for claims: the fact's sentence. About half of the claims have a wrong target instead of the right one.
    - `verdict`, for claims: "Yes" if `claimed` is true, otherwise "No".
    - `told`: the fact's sentence, then `claimed`. We check that the question adds nothing to these two sentences.
    - `options`, for choices: the target and up to three wrong targets.
    - `letter`, for choices: the letter of the right option.
    """
    alike = {other.target for other in known if other.type == fact.type}
    wrong = sorted((t for t in alike if t not in fact.sentence), key=lambda t: digest(seed, fact.sentence, t))
    false = bool(wrong) and int(digest(seed, fact.sentence, "verdict"), 16) % 2 == 0
    options = sorted([fact.target, *wrong[:3]], key=lambda t: digest(seed, "option", t))
    claimed = fact.sentence.replace(fact.target, wrong[0], 1) if false else fact.sentence
    kind = kind_of(exemplar)
    return {
        "kind": f"{_possible(kind, fact, len(options))} {fact.asks}",
        "focus": fact.sentence,
        "start": _start(fact),
        "told": f"{fact.sentence} {claimed}",
        "target": fact.target,
        "claimed": claimed,
        "verdict": "No" if false else "Yes",
        "options": "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=False)),
        "letter": "ABCD"[options.index(fact.target)],
    }


def _start(fact: Fact) -> str:
    """Return the first words of the fact; an answer that begins with them stays close to the fact."""
    return " ".join(fact.sentence.split()[:3])


def _possible(kind: str, fact: Fact, options: int) -> str:
    """Return the form of the task, or "question" if a single fact does not allow that form."""
    if kind == "comparison" or (kind != "claim" and fact.asks == "what") or (kind == "choice" and options < 4):
        return "question"
    return kind


def _of_two(facts: list[Fact], known: list[Fact], ranked: list[Passage], exemplar: str) -> Iterator[Focus]:
    """Yield focuses on two facts of two articles.

    One passage names the other's article, and neither passage states both facts.
    """
    for first in facts:
        for second in known:
            between = _link(first.passage, second.passage)
            if not between or _states(first.passage, second) or _states(second.passage, first):
                continue
            shown = (first.passage, second.passage)
            hidden = tuple(p for p in ranked if p not in shown and (_states(p, first) or _states(p, second)))
            variables = {"first": first.sentence, "first_target": first.target, "first_start": _start(first)}
            variables |= {"second": second.sentence, "second_target": second.target, "second_start": _start(second)}
            possible = {_possible(kind_of(exemplar), fact, 0) for fact in (first, second)}
            kind = possible.pop() if len(possible) == 1 and "claim" not in possible else "question"
            variables |= {"kind": f"{kind} {first.asks}", "second_kind": f"{kind} {second.asks}"}
            must_say = (first.names, second.names)
            yield Focus(shown, hidden, variables, must_say, (between,))
