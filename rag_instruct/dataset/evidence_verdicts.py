"""Applies the evidence to rows: adds their bits, demotes superfluous source documents, relabels or stops rows."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from rag_instruct.dataset.verdicts import UNTESTED, apply_verdicts, demoted
from rag_instruct.evidence.findings import has_intended_paradigm
from rag_instruct.reasons import Reason
from rag_instruct.schema import Row, RowBits, RowPassage, StoppedRow, Verdict, Weighed


def apply_evidence(
    paradigms: Mapping[str, list[Row]], weighed: Sequence[Weighed], on_failure: str, judged: Sequence[Verdict] = ()
) -> tuple[dict[str, list[Row]], dict[str, StoppedRow]]:
    """Return the rows of each paradigm (measured rows now have their bits), and the stopped rows by id.

    A row fails if its bits show another paradigm, or if a noise document states its answer. `on_failure` decides about
    these rows, as in `apply_verdicts`.

    The judge's verdicts (`judged`) count for more than the bits. If the judge has tested a row, the row gets its bits,
    but we neither stop nor relabel it here. If the judge found the documents that a row needs, we demote none of its
    documents here.
    """
    by_id = {one.id: one for one in weighed}
    tested = {one.id for one in judged if one.found != UNTESTED}
    needs_known = {one.id for one in judged if one.findings and one.findings.needed}
    verdicts = [verdict for verdict in map(verdict_of, weighed) if verdict.id not in tested]
    relabelled_to = {one.id: one.found for one in verdicts if one.reason} if on_failure == "relabel" else {}

    def marked(row: Row) -> Row:
        if row.id not in by_id:
            return row
        after = _with_bits(row, by_id[row.id])
        if row.id in needs_known:
            return after
        # `demoted` changes nothing if too few sources would stay for the paradigm: then we doubt the paradigm, and not
        # the documents.
        return demoted(after, by_id[row.id].needed, relabelled_to.get(row.id, row.paradigm))

    return apply_verdicts({name: list(map(marked, part)) for name, part in paradigms.items()}, verdicts, on_failure)


def _with_bits(row: Row, weighed: Weighed) -> Row:
    passages = tuple(replace(one, bits=_bits(one, weighed)) for one in row.passages)
    return replace(row, passages=passages, evidence=RowBits(weighed.found, weighed.help, weighed.gain))


def _bits(passage: RowPassage, weighed: Weighed) -> float | None:
    """Return the extra bits that question and answer cost without a source document.

    For a noise document, return the bits per token of the answer that this document alone saves.
    """
    if passage.role == "source":
        return weighed.lost.get(passage.id)
    gained = weighed.noise.get(passage.id)
    return gained.answer if gained else None


def verdict_of(one: Weighed) -> Verdict:
    """Return the verdict of the bits on a row, with the reason if the row fails."""
    return Verdict(one.id, one.intended, one.found, *_fault(one))


def _fault(one: Weighed) -> tuple[Reason | None, str]:
    if one.answering:
        return Reason.ANSWER_IN_NOISE, ", ".join(one.answering)
    return (None, "") if has_intended_paradigm(one.intended, one.found) else (Reason.WRONG_PARADIGM, one.found)
