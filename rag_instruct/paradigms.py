"""The five relations of question and documents (RAG-Instruct, section 3.1), and the row slots of each."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag_instruct.files import digest
from rag_instruct.schema import Exemplar


@dataclass(frozen=True)
class Paradigm:
    """A relation of the question to its source documents, of which a row has `least` to `most`."""

    name: str
    least: int
    most: int


PARADIGMS = {
    paradigm.name: paradigm
    for paradigm in (
        Paradigm("useless_doc", 1, 1),  # r0: a related document that does not help
        Paradigm("single_doc_support", 1, 1),  # r1: hints, not the answer
        Paradigm("multi_doc_support", 2, 4),  # r2: hints to be combined
        Paradigm("single_doc_answer", 1, 1),  # r3: the answer follows from one document
        Paradigm("multi_doc_answer", 2, 4),  # r4: the answer needs several (multi-hop)
    )
}


ANY = "*"  # in place of a set's name: all of them


@dataclass(frozen=True)
class Slot:
    """A row slot: the place of one row, the `number`-th of the `of` that imitate exemplars of one set."""

    source: str
    number: int
    of: int


def quotas(dataset: Mapping[str, Any], paradigm: str) -> dict[str, int]:
    """Return a paradigm's rows by exemplar set, as config.yaml has them; a number alone means any set."""
    rows = dataset["paradigms"].get(paradigm, 0)
    return {name: count for name, count in ({ANY: rows} if isinstance(rows, int) else rows).items() if count}


def slots(rows: Mapping[str, int], oversample: float) -> list[Slot]:
    """Return a paradigm's slots: the rows of each set, and a share of `oversample` more. Sets take turns."""
    counts = {name: math.ceil(round(count * (1 + oversample), 9)) for name, count in rows.items()}
    found = [Slot(name, number, count) for name, count in counts.items() for number in range(count)]
    return sorted(found, key=lambda slot: (slot.number + 0.5) / slot.of)


def chunk_slots(slot_count: int, chunk: int, chunks: int) -> range:
    """Return the slots that one of `chunks` jobs fills; which job fills a slot changes nothing in it."""
    return range(chunk * slot_count // chunks, (chunk + 1) * slot_count // chunks)


def drawing_orders(exemplars: Sequence[Exemplar], seed: str) -> dict[str, list[Exemplar]]:
    """Return the exemplars of each set, and of all sets, by their digests: another exemplar moves none past another."""
    order = sorted(exemplars, key=lambda exemplar: digest(seed, exemplar.id))
    orders: dict[str, list[Exemplar]] = {ANY: order} if order else {}
    for exemplar in order:
        orders.setdefault(exemplar.source, []).append(exemplar)
    return orders


def candidates(slot: Slot, order: Sequence[Exemplar], tries: int) -> Iterator[tuple[Exemplar, int]]:
    """Return the candidates of a slot, as (exemplar, round): no two slots share one.

    `order` is the set's in what `drawing_orders` returns. Where a set has fewer exemplars than slots times tries,
    they serve again in the next round, with other documents. While there are enough, neither another set nor more
    rows change a slot's candidates.
    """
    lanes = max(slot.of, len(order) // tries)
    for attempt in range(tries):
        round_, position = divmod(slot.number + attempt * lanes, len(order))
        yield order[position], round_
