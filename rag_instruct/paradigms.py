"""The five relations of question and documents (RAG-Instruct, section 3.1), and the slots that fill them."""

from collections.abc import Iterator
from dataclasses import dataclass

from rag_instruct.errors import UserError
from rag_instruct.files import digest


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


def slots(rows: int, spare: float) -> int:
    """How many rows are written so that `rows` remain: each slot is filled by the first good candidate of its own."""
    return -(-round(rows * (1 + spare) * 1000) // 1000)


def chunk_slots(slot_count: int, chunk: int, chunks: int) -> range:
    """The slots that one of `chunks` jobs fills; which job fills a slot changes nothing in it."""
    return range(chunk * slot_count // chunks, (chunk + 1) * slot_count // chunks)


def drawn(exemplar_ids: list[str], seed: str) -> list[int]:
    """The exemplars' numbers in the order of their digests: another exemplar moves none past another."""
    if not exemplar_ids:
        raise UserError("no exemplar is left after the filter: draw more in config.yaml, or look at the dropped ones")
    return sorted(range(len(exemplar_ids)), key=lambda number: digest(seed, exemplar_ids[number]))


def candidates(slot: int, slot_count: int, order: list[int], tries: int) -> Iterator[tuple[int, int]]:
    """The candidates of a slot, as (exemplar number, round): no two slots share one.

    `order` is what `drawn` returns. When there are fewer exemplars than slots times tries they
    serve again, in the next round, with other documents.
    """
    for attempt in range(tries):
        round_, position = divmod(slot + attempt * slot_count, len(order))
        yield order[position], round_
