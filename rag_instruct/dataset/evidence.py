"""Applies to rows what the bits and the judge found: marks rows, demotes superfluous source documents, stops rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from rag_instruct.dataset.verdicts import apply_verdicts, demoted, matrix
from rag_instruct.evidence.weighing import as_intended
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.reasons import Reason
from rag_instruct.schema import Row, RowBits, RowPassage, StoppedRow, Verdict, Weighed

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
WORST = 5  # rows of each paradigm that are listed


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
    """Return the bits that the answer loses without this source document, or gains from this noise document alone."""
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


def summary_of(weighed: Sequence[Weighed]) -> dict[str, Any]:
    """Return the numbers of a data set's measured rows, or {} if none was measured."""
    if not weighed:
        return {}
    parts = {name: [one for one in weighed if one.intended == name] for name in PARADIGMS}
    return {
        "rows": len(weighed),
        "found": matrix(verdicts(weighed)),
        "help": {name: _quantiles([one.help for one in part]) for name, part in parts.items() if part},
        "share": {name: _quantiles([one.gain.share for one in part]) for name, part in parts.items() if part},
        "unrelated": _quantiles([one.unrelated for one in weighed]),
        "superfluous": dict(Counter(one.intended for one in weighed for _ in range(len(one.lost) - len(one.needed)))),
        "answering_noise": sum(len(one.answering) for one in weighed),
    }


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(value), 2) for value in np.quantile(values, QUANTILES)]


def worst(rows: Iterable[Row]) -> list[Row]:
    """Return the rows whose bits speak most against their paradigm, WORST of each paradigm, the worst first.

    Documents of useless_doc should not help, and those of all other paradigms should.
    """
    found: list[Row] = []
    measured = [row for row in rows if row.evidence]
    for name in PARADIGMS:
        sign = -1 if name == "useless_doc" else 1
        part = [row for row in measured if row.paradigm == name]
        found += sorted(part, key=lambda row: (sign * _help(row), row.id))[:WORST]
    return found


def _help(row: Row) -> float:
    return row.evidence.help if row.evidence else 0.0
