"""Merges the rows of all paradigms into the data set, and counts the rows that are left out, by reason."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rag_instruct.dataset.evidence_verdicts import apply_evidence
from rag_instruct.dataset.gathering import without_repeated
from rag_instruct.dataset.shortfall import why
from rag_instruct.dataset.verdicts import apply_verdicts
from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.reasons import Reason
from rag_instruct.schema import Reject, Row, StoppedRow, Verdict, Weighed

Counts = dict[str, dict[str, int]]  # paradigm -> what is counted -> number


def apply_tests(
    rows: Iterable[Row],
    paradigms: Iterable[str],
    stopped: Iterable[StoppedRow],
    weighed: Sequence[Weighed],
    on_evidence: str,
    verdicts: Sequence[Verdict],
    on_verification: str,
) -> tuple[dict[str, list[Row]], dict[str, StoppedRow]]:
    """Return the rows of each paradigm after evidence and verification, and all stopped rows by id.

    The rows of a paradigm still include the stopped rows. `on_evidence` and `on_verification` (keep, drop or relabel)
    say what happens to rows that fail the evidence or the verification (see `apply_verdicts`).
    """
    by_paradigm: dict[str, list[Row]] = {name: [] for name in paradigms}
    for row in rows:
        if row.paradigm not in by_paradigm:
            raise UserError(
                f"the row {row.id!r} is of the paradigm {row.paradigm}, and not of {', '.join(by_paradigm)}: ask for "
                "rows of this paradigm too, or leave its file out"
            )
        by_paradigm[row.paradigm].append(row)
    by_paradigm, stopped_by_evidence = apply_evidence(by_paradigm, weighed, on_evidence, verdicts)
    by_paradigm, stopped_by_judge = apply_verdicts(by_paradigm, verdicts, on_verification)
    return by_paradigm, stopped_by_evidence | stopped_by_judge | {one.id: one for one in stopped}


def merge(
    paradigms: Mapping[str, Sequence[Row]],
    wanted: Mapping[str, int],
    seed: str,
    stopped: Mapping[str, StoppedRow] = MappingProxyType({}),
) -> tuple[list[Row], list[Reject], Counts]:
    """Return the data set's rows, the rows left out with their reasons, and the counts.

    For each paradigm, we skip stopped rows and repeated questions. Then we take the first rows, as many as `wanted`
    says. A hash of the seed and the ids chooses the order of the data set.

    `stopped` has the rows that a quality filter, the evidence or the verification stopped, by id. In the counts of a
    paradigm, `relabelled` rows were written for it and now have another paradigm; `gained` rows have it now, and were
    written for another paradigm.

    Raises UserError when a row is neither in the data set nor left out.
    """
    rows: list[Row] = []
    left_out: list[Reject] = []
    counts: Counts = {}
    seen: dict[str, str] = {}
    relabelled = Counter(row.intended_paradigm for part in paradigms.values() for row in part)
    for name, quota in wanted.items():
        unique, repeated = without_repeated((row for row in paradigms[name] if row.id not in stopped), seen)
        failed = [_as_reject(row, stopped[row.id]) for row in paradigms[name] if row.id in stopped]
        surplus = [Reject.of(row, Reason.SURPLUS) for row in unique[quota:]]
        rows += unique[:quota]
        left_out += failed + repeated + surplus
        counts[name] = {
            "wanted": quota,
            "rows": min(len(unique), quota),
            "stopped": len(failed),
            "repeated": len(repeated),
            "surplus": len(surplus),
            "relabelled": relabelled[name],
            "gained": sum(bool(row.intended_paradigm) for row in paradigms[name]),
        }
    given = sum(map(len, paradigms.values()))
    if len(rows) + len(left_out) != given:
        raise UserError(
            f"{given} rows came in, but {len(rows)} were merged and {len(left_out)} left out: please report this bug"
        )
    return sorted(rows, key=lambda row: digest(seed, "place", row.id)), left_out, counts


def _as_reject(row: Row, stop: StoppedRow) -> Reject:
    return Reject.of(row, stop.reason, stop.detail)


def rejects_by_reason(rejects: Iterable[Reject]) -> Counts:
    """Count the rejects of each paradigm by reason, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    for reject in rejects:
        counts.setdefault(reject.paradigm, Counter())[str(reject.reason)] += 1
    return {paradigm: dict(counter.most_common()) for paradigm, counter in sorted(counts.items())}


def refuse_empty(dataset: Path, rows: Sequence[Row], rejects: Iterable[Reject]) -> None:
    """Raise UserError for a data set without a row.

    The message has the count of each reason, because Snakemake deletes the output files of a failed job.
    """
    if rows:
        return
    reasons = Counter(str(reject.reason) for reject in rejects)
    raise UserError(
        f"{dataset}: 0 rows. {why(reasons)} {dataset.with_suffix('')}/pairs/*.rejects.jsonl and rows/*.rejects.jsonl "
        "list the rejects; docs/glossary.md explains the reasons"
    )
