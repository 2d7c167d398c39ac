"""Joins the chunks of a paradigm to one list of pairs, without repeated questions."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rag_instruct.errors import UserError
from rag_instruct.reasons import Reason
from rag_instruct.schema import Pair, Reject, Row
from rag_instruct.words import fold, substance

Item = TypeVar("Item", Pair, Row)
COMPACT = "compact"  # prompts whose questions are made from facts


def gather(chunks: Sequence[Iterable[Pair]], slot_count: int) -> tuple[list[Pair], list[Reject]]:
    """Return the pairs of all chunks in the order of their row slots, and rejects for repeated questions.

    Raises UserError when a slot has more than one pair, or when a slot's number is `slot_count` or more. The cause is
    that the chunks were made with different settings.
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
    """Return the pairs or rows with a new question, and rejects for those with a repeated one.

    `seen` maps the texts of `asked_by` of each earlier pair or row to its id. Those of the kept ones are added.
    """
    kept: list[Item] = []
    repeated: list[Reject] = []
    for one in items:
        asked = asked_by(one)
        earlier = next((seen[text] for text in asked if text in seen), None)
        if earlier:
            repeated.append(Reject.of(one, Reason.REPEATED_QUESTION, repeats=earlier))
        else:
            seen |= dict.fromkeys(asked, one.id)
            kept.append(one)
    return kept, repeated


def asked_by(one: Pair | Row) -> list[str]:
    """Return the texts by which a question is known again: its words, and the sentence that answers it.

    Compact prompts make the answer from the fact that is asked. So the same answer, without its verdict, means the same
    question in another wording.
    """
    return [fold(one.question), *([f"= {fold(substance(one.answer))}"] if one.prompts == COMPACT else [])]
