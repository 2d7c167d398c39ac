"""Joins the chunks of a paradigm into one list of pairs, without repeated questions.

A chunk has the pairs of one synthesis job. Each pair fills a row slot, the place of one wanted row.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeVar

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.paradigms import OF_SENTENCES
from rag_instruct.project import root
from rag_instruct.reasons import Reason
from rag_instruct.schema import Pair, Reject, Row
from rag_instruct.words import fold, substance

Item = TypeVar("Item", Pair, Row)


def gather(chunks: Sequence[Iterable[Pair]], slot_count: int) -> tuple[list[Pair], list[Reject]]:
    """Return the pairs of all chunks in the order of their row slots, and rejects for repeated questions.

    Raises UserError when a slot has more than one pair, or when a slot's number is `slot_count` or more. This happens
    when the chunks were made with different settings.
    """
    pairs = sorted((pair for chunk in chunks for pair in chunk), key=lambda pair: pair.slot)
    numbers = [pair.slot for pair in pairs]
    twice, outside = len(numbers) - len(set(numbers)), sum(number >= slot_count for number in numbers)
    if twice or outside:
        fault = (
            f"some row slots have more than one pair ({twice} pairs too many)"
            if twice
            else f"{outside} pairs have row slot numbers outside 0 to {slot_count - 1}"
        )
        raise UserError(
            f"{fault}: the chunks were made with different settings. Delete the folder "
            f"results/<dataset>/synthesis/{pairs[0].paradigm} and run again"
        )
    return without_repeated(pairs, {})


def without_repeated(items: Iterable[Item], seen: dict[str, str]) -> tuple[list[Item], list[Reject]]:
    """Return the pairs or rows with new questions, and rejects for repeated questions.

    `seen` maps the keys of each earlier question (see `question_keys`) to the id of its pair or row. This function adds
    the keys of the pairs or rows that it keeps.
    """
    kept: list[Item] = []
    repeated: list[Reject] = []
    for one in items:
        keys = question_keys(one)
        earlier = next((seen[key] for key in keys if key in seen), None)
        if earlier:
            repeated.append(Reject.of(one, Reason.REPEATED_QUESTION, repeats=earlier))
        else:
            seen |= dict.fromkeys(keys, one.id)
            kept.append(one)
    return kept, repeated


def question_keys(one: Pair | Row) -> list[str]:
    """Return the keys by which we find a repeated question. The first key is the question's words.

    The prompts `compact`, and copies of them, make pairs from facts. Two of these pairs with the same answer probably
    ask for the same fact. So their second key is the answer's words, without a leading yes, no or option letter. An
    answer without further words, such as "Yes." or "B", gives no second key.
    """
    written_for = (one.intended_paradigm if isinstance(one, Row) else "") or one.paradigm
    said = fold(substance(one.answer)) if _makes_pairs_from_facts(one.prompts, written_for) else ""
    return [fold(one.question), *([f"= {said}"] if len(said) > 1 else [])]


@cache  # called for each row
def _makes_pairs_from_facts(prompts: str, paradigm: str) -> bool:
    path = root() / "resources/prompts" / prompts / f"{paradigm}.yaml"
    return path.exists() and bool(OF_SENTENCES.search(read_text(path)))
