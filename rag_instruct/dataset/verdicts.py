"""What becomes of rows after the test of their paradigms, and what the test says of them all."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rag_instruct.paradigms import PARADIGMS
from rag_instruct.schema import Row, Verdict
from rag_instruct.statistics import wilson

UNDECIDED = "undecided"  # the judge knew the answer, so whether the documents help cannot be seen
NONE = "none"  # no paradigm fits
UNTESTED = "untested"  # the judge gave no readable reply


def applied(
    paradigms: dict[str, list[Row]], verdicts: Iterable[Verdict], failing: str
) -> tuple[dict[str, list[Row]], dict[str, dict[str, str]]]:
    """The rows after the test, and those that it stops, by id.

    `failing` is what becomes of rows that fail: `keep`, `drop`, or `relabel` with the paradigm that
    they proved to have, where one fits their number of documents.
    """
    failed = {verdict["id"]: verdict for verdict in verdicts if verdict["reason"]}
    stopped: dict[str, dict[str, str]] = {}
    after: dict[str, list[Row]] = {name: [] for name in paradigms}
    for name, rows in paradigms.items():
        for row in rows:
            verdict = failed.get(row["id"]) if failing != "keep" else None
            label = verdict["proven"] if verdict and failing == "relabel" else ""
            if verdict and "noise" not in verdict["reason"] and label in paradigms and _fits(row, label):
                after[label].append({**row, "paradigm": label, "intended_paradigm": name})
                continue
            if verdict:
                stopped[row["id"]] = {"reason": verdict["reason"].split(" (")[0], "detail": verdict["reason"]}
            after[name].append(row)
    return after, stopped


def _fits(row: Row, paradigm: str) -> bool:
    sources = [passage for passage in row["passages"] if passage["role"] == "source"]
    return PARADIGMS[paradigm].least <= len(sources) <= PARADIGMS[paradigm].most


def matrix(verdicts: Iterable[Verdict]) -> dict[str, dict[str, Any]]:
    """By intended paradigm: how many were proven which, and the share that passed with its 95 % interval (Wilson).

    Rows without a readable reply of the judge are counted beside.
    """
    counts: dict[str, Counter[str]] = {}
    passed: Counter[str] = Counter()
    for verdict in verdicts:
        counts.setdefault(verdict["intended"], Counter())[verdict["proven"]] += 1
        passed[verdict["intended"]] += verdict["reason"] is None and verdict["proven"] != UNTESTED
    return {name: _line(counts[name], passed[name]) for name in PARADIGMS if name in counts}


def _line(counts: Counter[str], passed: int) -> dict[str, Any]:
    tested = counts.total() - counts[UNTESTED]
    return {
        "tested": tested,
        "untested": counts[UNTESTED],
        "proven": {found: counts[found] for found in (*PARADIGMS, UNDECIDED, NONE)},
        "passed": passed,
        "passed_share": [round(bound, 3) for bound in wilson(passed, tested)],
    }
