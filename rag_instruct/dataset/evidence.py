"""Applies to rows what the bits and the judge found: marks rows, demotes superfluous source documents, stops rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from rag_instruct.dataset.verdicts import apply_verdicts, demoted
from rag_instruct.evidence.findings import as_intended
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.reasons import Reason
from rag_instruct.schema import Row, RowBits, RowPassage, StoppedRow, Verdict, Weighed


def apply_evidence(
    paradigms: Mapping[str, list[Row]], weighed: Sequence[Weighed], failing: str, judged: Collection[str] = ()
) -> tuple[dict[str, list[Row]], dict[str, StoppedRow]]:
    """Return the rows of each paradigm, the measured ones with their bits, and the stopped rows by id.

    `failing` decides about rows whose bits show another paradigm, as in `apply_verdicts`. It does not concern rows
    that a judge has `judged`.
    """
    by_id = {one.id: one for one in weighed}
    rows = {
        name: [marked(row, by_id[row.id], failing == "relabel") if row.id in by_id else row for row in part]
        for name, part in paradigms.items()
    }
    return apply_verdicts(rows, [verdict for verdict in verdicts(weighed) if verdict.id not in judged], failing)


def marked(row: Row, weighed: Weighed, relabel: bool = False) -> Row:
    """Return the row with its bits. Source documents that the answer does not need become noise documents.

    If fewer documents are needed than the row's paradigm has at least, no document is demoted: the row's paradigm is in
    doubt, and not its documents. With `relabel`, the row may get the paradigm found, which then counts.
    """
    passages = tuple(replace(one, bits=_bits(one, weighed)) for one in row.passages)
    evidence = RowBits(weighed.found, weighed.help, weighed.gain)
    paradigm = weighed.found if relabel else row.paradigm
    found = replace(row, passages=passages, evidence=evidence)
    return demoted(found, weighed.needed) if len(weighed.needed) >= PARADIGMS[paradigm].least else found


def _bits(passage: RowPassage, weighed: Weighed) -> float | None:
    """Return the bits lost without this source document, or gained per token from this noise document alone."""
    if passage.role == "source":
        return weighed.lost.get(passage.id)
    gained = weighed.noise.get(passage.id)
    return gained.answer if gained else None


def verdicts(weighed: Iterable[Weighed]) -> list[Verdict]:
    """Return what the bits show as verdicts, each with the reason for which its row fails."""
    return [Verdict(one.id, one.intended, one.found, *_fault(one)) for one in weighed]


def _fault(one: Weighed) -> tuple[Reason | None, str]:
    if one.answering:
        return Reason.ANSWER_IN_NOISE, ", ".join(one.answering)
    return (None, "") if as_intended(one.intended, one.found) else (Reason.WRONG_PARADIGM, one.found)
