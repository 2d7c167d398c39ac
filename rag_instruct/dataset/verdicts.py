"""Applies verdicts to rows, and counts the judge's verdicts. A verdict comes from the bits or the judge."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from rag_instruct.paradigms import PARADIGMS
from rag_instruct.reasons import Reason
from rag_instruct.schema import Row, StoppedRow, Verdict
from rag_instruct.statistics import wilson

UNDECIDED = "undecided"  # the judge knew the answer, so the test cannot show whether the documents help
DOUBTFUL = "doubtful"  # the judge says that the row's own answer is wrong
UNTESTED = "untested"  # a reply of the judge was unreadable


def apply_verdicts(
    paradigms: Mapping[str, list[Row]], verdicts: Iterable[Verdict], on_failure: str
) -> tuple[dict[str, list[Row]], dict[str, StoppedRow]]:
    """Return the rows of each paradigm after relabelling, and the stopped rows by id.

    The rows of each paradigm still include the stopped rows. `on_failure` says what happens to rows that fail: `keep`
    keeps them, and `drop` stops them. `relabel` gives them the paradigm that was found, or stops them if they cannot
    take this paradigm. The superfluous source documents of all tested rows become noise (see `demoted`).
    """
    by_id = {verdict.id: verdict for verdict in verdicts}
    stopped: dict[str, StoppedRow] = {}
    after: dict[str, list[Row]] = {name: [] for name in paradigms}
    for name, rows in paradigms.items():
        for row in rows:
            verdict = by_id.get(row.id)
            if verdict is None:
                after[name].append(row)
                continue
            other = _relabelled(row, verdict, paradigms) if verdict.reason and on_failure == "relabel" else None
            if other:
                after[other.paradigm].append(other)
                continue
            if verdict.reason and on_failure != "keep":
                stopped[row.id] = StoppedRow(row.id, verdict.reason, verdict.detail)
            after[name].append(demoted(row, _needed(verdict), name))
    return after, stopped


def _relabelled(row: Row, verdict: Verdict, paradigms: Container[str]) -> Row | None:
    """Return the row with the paradigm that was found, or None if it cannot take this paradigm.

    The data set must want the paradigm, and the paradigm must allow the row's number of source documents. A row with
    its answer in a noise document is never relabelled.
    """
    if verdict.reason == Reason.ANSWER_IN_NOISE or verdict.found not in paradigms:
        return None
    other = demoted(row, _needed(verdict), verdict.found)
    sources = sum(passage.role == "source" for passage in other.passages)
    fits = PARADIGMS[verdict.found].least <= sources <= PARADIGMS[verdict.found].most
    return replace(other, paradigm=verdict.found, intended_paradigm=row.paradigm) if fits else None


def _needed(verdict: Verdict) -> Collection[str]:
    return verdict.findings.needed if verdict.findings else ()


def demoted(row: Row, needed: Collection[str], paradigm: str) -> Row:
    """Return the row with its superfluous source documents as noise documents, and without their links.

    We demote all superfluous source documents, or none. We demote none if too few would stay for the paradigm, or if
    `needed` is empty: then we do not know which documents the answer needs.
    """
    if not needed:
        return row
    kept = {passage.id for passage in row.passages if passage.role == "source"} & set(needed)
    if len(kept) < PARADIGMS[paradigm].least:
        return row
    links = tuple(link for link in row.links if {link.naming, link.named} <= kept)
    passages = tuple(
        replace(one, role="noise", demoted=True) if one.role == "source" and one.id not in kept else one
        for one in row.passages
    )
    return replace(row, passages=passages, links=links)


def matrix(verdicts: Iterable[Verdict]) -> dict[str, dict[str, Any]]:
    """Count, for each intended paradigm, the paradigms that were found and the rows that passed.

    `passed_share` is the 95 % interval (Wilson) of the share that passed. Untested rows are counted separately.
    """
    counts: dict[str, Counter[str]] = {}
    passed: Counter[str] = Counter()
    for verdict in verdicts:
        counts.setdefault(verdict.intended, Counter())[verdict.found] += 1
        passed[verdict.intended] += verdict.reason is None and verdict.found != UNTESTED
    return {name: _line(counts[name], passed[name]) for name in PARADIGMS if name in counts}


def _line(counts: Counter[str], passed: int) -> dict[str, Any]:
    tested = counts.total() - counts[UNTESTED]
    return {
        "tested": tested,
        "untested": counts[UNTESTED],
        "found": {found: counts[found] for found in (*PARADIGMS, UNDECIDED, DOUBTFUL)},
        "passed": passed,
        "passed_share": [round(bound, 3) for bound in wilson(passed, tested)],
    }
