"""Applies to rows what the bits show: marks rows, demotes superfluous source documents, relabels or stops rows."""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from rag_instruct.dataset.verdicts import apply_verdicts, demoted
from rag_instruct.evidence.findings import as_intended
from rag_instruct.reasons import Reason
from rag_instruct.schema import Row, RowBits, RowPassage, StoppedRow, Verdict, Weighed


def apply_evidence(
    paradigms: Mapping[str, list[Row]], weighed: Sequence[Weighed], on_failure: str, judged: Collection[str] = ()
) -> tuple[dict[str, list[Row]], dict[str, StoppedRow]]:
    """Return the rows of each paradigm, the measured ones with their bits, and the stopped rows by id.

    `on_failure` decides about rows whose bits show another paradigm, as in `apply_verdicts`. It does not concern rows
    that a judge has `judged`.
    """
    by_id = {one.id: one for one in weighed}
    verdicts = [verdict for verdict in map(verdict_of, weighed) if verdict.id not in judged]
    relabelled = {one.id for one in verdicts if one.reason} if on_failure == "relabel" else set()
    rows = {
        name: [_marked(row, by_id[row.id], row.id in relabelled) if row.id in by_id else row for row in part]
        for name, part in paradigms.items()
    }
    return apply_verdicts(rows, verdicts, on_failure)


def _marked(row: Row, weighed: Weighed, relabelled: bool) -> Row:
    """Return the row with its bits. Source documents that the answer does not need become noise documents.

    We demote only if enough sources stay for the row's paradigm: otherwise the paradigm is in doubt, and not the
    documents. If the row is relabelled, its new paradigm counts.
    """
    passages = tuple(replace(one, bits=_bits(one, weighed)) for one in row.passages)
    evidence = RowBits(weighed.found, weighed.help, weighed.gain)
    paradigm = weighed.found if relabelled else row.paradigm
    return demoted(replace(row, passages=passages, evidence=evidence), weighed.needed, paradigm)


def _bits(passage: RowPassage, weighed: Weighed) -> float | None:
    """Return the bits lost without this source document, or gained per token from this noise document alone."""
    if passage.role == "source":
        return weighed.lost.get(passage.id)
    gained = weighed.noise.get(passage.id)
    return gained.answer if gained else None


def verdict_of(one: Weighed) -> Verdict:
    """Return what the bits show as a verdict, with the reason if the row fails."""
    return Verdict(one.id, one.intended, one.found, *_fault(one))


def _fault(one: Weighed) -> tuple[Reason | None, str]:
    if one.answering:
        return Reason.ANSWER_IN_NOISE, ", ".join(one.answering)
    return (None, "") if as_intended(one.intended, one.found) else (Reason.WRONG_PARADIGM, one.found)
