"""The chunks of a paradigm become one list of pairs, without repeated questions."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rag_instruct.errors import UserError
from rag_instruct.reasons import Reason
from rag_instruct.schema import Pair, Reject, Row
from rag_instruct.words import fold

Asking = TypeVar("Asking", Pair, Row)


def gather(chunks: Sequence[Iterable[Pair]], slot_count: int) -> tuple[list[Pair], list[Reject]]:
    """Return the pairs of all chunks in the order of their slots, and the repeated questions among them.

    Raises UserError when a slot is filled twice or lies outside the plan: the chunks are of different plans.
    """
    pairs = sorted((pair for chunk in chunks for pair in chunk), key=lambda pair: pair.slot)
    numbers = [pair.slot for pair in pairs]
    if len(set(numbers)) != len(numbers) or any(number >= slot_count for number in numbers):
        raise UserError(
            f"{len(numbers)} pairs do not fit {slot_count} slots: the chunks are of different plans; delete them, "
            "and they are made again"
        )
    return without_repeated(pairs, {})


def without_repeated(asking: Iterable[Asking], seen: dict[str, str]) -> tuple[list[Asking], list[Reject]]:
    """Return pairs or rows with new questions, and the others; `seen` has the id of each folded question so far."""
    kept: list[Asking] = []
    repeated: list[Reject] = []
    for one in asking:
        folded = fold(one.question)
        if folded in seen:
            repeated.append(Reject.of(one, Reason.REPEATED_QUESTION, repeats=seen[folded]))
        else:
            seen[folded] = one.id
            kept.append(one)
    return kept, repeated
