"""Counts what compact prompts can ask about, before a row is asked for: the usable facts of a corpus."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.synthesis.reading import find_facts

A_ROW = 2  # a corpus has enough with this many usable facts for each wanted row
TOGETHER = 64  # passages that are parsed at a time
WAYS_OUT = (
    "Use texts with dates, numbers, places and names, or `prompts: full` with a model of at least 1 to 4 billion "
    "parameters on a server of your own: docs/own_teacher.md has recipes for llama.cpp, Ollama and vLLM"
)


class Usable(NamedTuple):
    """How many usable facts were found in how many passages. Counting stops when there are enough."""

    facts: int
    passages: int  # that were read
    whole: bool  # whether these are all passages of the corpus


def count_usable(passages: Iterable[Passage], enough: int) -> Usable:
    """Count the usable facts of passages, TOGETHER passages at a time, until there are `enough`."""
    facts = read = 0
    left = iter(passages)
    while some := list(islice(left, TOGETHER)):
        found = find_facts(some)
        facts, read = facts + sum(fact.asks != "link" for one in found for fact in one.facts), read + len(some)
        if facts >= enough:
            break
    return Usable(facts, read, next(left, None) is None)


def tell_usable(corpus: str, found: Usable, wanted: int) -> None:
    """Log how many usable facts a corpus has for the wanted rows. Raise UserError if it has none."""
    said = f"corpus {corpus}: {found.facts:,} usable facts in {found.passages:,} passages, for {wanted:,} wanted rows"
    if not found.facts:
        raise UserError(f"{said}, so compact prompts cannot make a row. {WAYS_OUT}")
    if found.whole and found.facts < A_ROW * wanted:
        logger.warning("%s: expect fewer rows than wanted. %s", said, WAYS_OUT)
    else:
        logger.info("%s", said if found.whole else f"{said}; this is enough, so the others were not counted")
