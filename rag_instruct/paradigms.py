"""The five paradigms, which relate questions to documents (RAG-Instruct, section 3.1), and their row slots."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag_instruct.files import digest

if TYPE_CHECKING:  # plans load this module, and do without what checks records
    from rag_instruct.schema import Exemplar


@dataclass(frozen=True)
class Paradigm:
    """A relation between a question and its source documents. A row has `least` to `most` of these."""

    name: str
    least: int
    most: int

    @property
    def several(self) -> bool:
        """Whether a row has more than one source document."""
        return self.most > 1


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


LOOKED_AT = 4  # a slot looks at this many candidates for each of its tries, because some have no documents
HELPED = tuple(name for name in PARADIGMS if name != "useless_doc")  # paradigms whose documents help
WITH_ANSWER = ("single_doc_answer", "multi_doc_answer")  # paradigms whose documents state the answer

# In a prompt's file: its questions and answers are made from facts, and the teacher chooses a wording.
OF_SENTENCES = re.compile(r"^focus: *[\"']?sentence\b", re.M)

REFILL = "refill"  # stands for a paradigm in paths: pairs of all paradigms, which replace dropped ones
ANY = "*"  # instead of a set's name: all exemplar sets


@dataclass(frozen=True)
class Slot:
    """A row slot: the place of one row, which imitates an exemplar of the set `source`.

    It is number `number` (from 0) of the `of` slots of this set.
    """

    source: str
    number: int
    of: int


def quotas(dataset: Mapping[str, Any], paradigm: str) -> dict[str, int]:
    """Return how many rows of a paradigm each exemplar set gets, from the settings. A single number means any set."""
    rows = dataset["paradigms"].get(paradigm, 0)
    return {name: count for name, count in ({ANY: rows} if isinstance(rows, int) else rows).items() if count}


def is_refilled(dataset: Mapping[str, Any]) -> bool:
    """Return whether dropped rows are replaced. They are not if `runs` replace the search for noise documents.

    A given run has no hits for new questions.
    """
    return bool(dataset["refill"]) and not set(dataset["runs"]) & set(PARADIGMS)


def slots(rows: Mapping[str, int], oversample: float) -> list[Slot]:
    """Return the slots of a paradigm: one per row, and a share of `oversample` more. Sets take turns."""
    counts = {name: math.ceil(round(count * (1 + oversample), 9)) for name, count in rows.items()}
    found = [Slot(name, number, count) for name, count in counts.items() for number in range(count)]
    return sorted(found, key=lambda slot: (slot.number + 0.5) / slot.of)


def chunk_slots(slot_count: int, chunk: int, chunks: int) -> range:
    """Return the positions of the slots that job number `chunk` fills. The number of jobs does not change rows."""
    return range(chunk * slot_count // chunks, (chunk + 1) * slot_count // chunks)


def drawing_orders(exemplars: "Sequence[Exemplar]", seed: str) -> "dict[str, list[Exemplar]]":
    """Return the exemplars of each set, and of all sets (ANY), ordered by digest.

    So an added exemplar does not change the order of the others.
    """
    order = sorted(exemplars, key=lambda exemplar: digest(seed, exemplar.id))
    orders: dict[str, list[Exemplar]] = {ANY: order} if order else {}
    for exemplar in order:
        orders.setdefault(exemplar.source, []).append(exemplar)
    return orders


def candidates(slot: Slot, order: "Sequence[Exemplar]", tries: int) -> "Iterator[tuple[Exemplar, int]]":
    """Yield the candidates of a slot, as (exemplar, round). Two slots never share a candidate.

    The slot stops after `tries` candidates with documents. There are LOOKED_AT times as many, because some have none.

    `order` has the exemplars of the slot's set, from `drawing_orders`. It is cut into `tries` lanes, and a slot goes
    from lane to lane. If the exemplars are fewer than slots times tries, they are used again in the next round, with
    other documents. If there are enough, adding rows or exemplar sets does not change the first `tries` candidates.
    """
    lane = max(slot.of, len(order) // tries)
    steps = lane // slot.of  # places of the slot in a lane
    for attempt in range(LOOKED_AT * tries):
        past, number = divmod(attempt, tries)
        again, step = divmod(past, steps)
        position = (again * tries + number) * lane + step * slot.of + slot.number
        round_, place = divmod(position, len(order))
        yield order[place], round_


def tried(
    exemplars: "Sequence[Exemplar]", paradigm: str, rows: Mapping[str, int], oversample: float, tries: int, seed: str
) -> set[str]:
    """Return the ids of the exemplars that the slots of a paradigm may try."""
    orders = drawing_orders(exemplars, f"{seed}/{paradigm}")
    return {
        exemplar.id
        for slot in slots(rows, oversample)
        if slot.source in orders
        for exemplar, _ in candidates(slot, orders[slot.source], tries)
    }
