"""Lists what a data set cost: its own requests, its lost attempts, and answers that other data sets bought.

Such answers are listed if a row, a reject, an exemplar or a verdict names their keys. So vectors and answers of an
evaluation that another data set bought are not listed.

Tokens are those that the provider counted. They are estimated where the provider gives no usable figures.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, TypedDict

from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.segments import Record, tokens_of
from rag_instruct.logs import progress

COUNTED = ("prompt_tokens", "cached_tokens", "completion_tokens", "dollars")
ALWAYS_USED = ("evaluation", "embedding")  # no row names the answers of these stages, so all of them count as used


class _Possible(TypedDict, total=False):
    possible_dollars: float  # only of a lost attempt: what the provider may have charged


class Entry(_Possible):
    """A line of ledger.jsonl: an answer, a failure, or a lost attempt."""

    key: str
    stage: str
    model: str
    bought_for: str
    used: bool
    outcome: str
    batch: bool
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    estimated: bool
    dollars: float
    faults: list[str]


def request_keys(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the keys of the requests from which rows, rejects, exemplars or verdicts were made."""
    for row in rows:
        yield from row.get("request_keys", [])
        if "request_key" in row:
            yield row["request_key"]


def entries(store: AnswerStore, used: set[str], account: BudgetAccount) -> list[Entry]:
    """Return one entry per request or lost attempt, sorted by key.

    The list has the requests that this data set bought, and those of other data sets whose keys are in `used`.
    """
    lost = (record for record in store.lost.values() if record.get("for") == account.data_set)
    records = progress(chain(store.records_for(account.data_set, used), lost), "reading the answers")
    listed = [_entry(record, used, account) for record in records]
    return sorted(listed, key=lambda entry: (entry["key"], "possible_dollars" in entry))


def _entry(record: Record, used: set[str], account: BudgetAccount) -> Entry:
    lost, reply = record.get("lost"), record.get("reply")
    charged = lost or reply  # None for a failure; a lost attempt may have been charged
    tokens = tokens_of(charged)
    batch = bool(charged and charged.get("batch"))
    model = lost["model"] if lost else record["request"]["model"]
    dollars = round(account.cost(model, tokens, batch, record.get("teacher", "")), 8)
    possible: _Possible = {"possible_dollars": dollars} if lost else {}
    is_used = not lost and (record["key"] in used or record.get("stage") in ALWAYS_USED)
    faults = (reply.get("faults") if reply else None) or record.get("faults", [])
    return {
        "key": record["key"],
        "stage": record.get("stage", "unknown"),
        "model": model,
        "bought_for": record.get("for", "unknown"),
        "used": is_used,
        "outcome": _outcome(record),
        "batch": batch,
        "prompt_tokens": tokens["prompt"],
        "cached_tokens": tokens["cached"],
        "completion_tokens": tokens["completion"],
        "estimated": bool(charged and (charged.get("usage") or {}).get("estimated")),
        "dollars": 0.0 if lost else dollars,
        **possible,
        "faults": faults,
    }


def _outcome(record: Record) -> str:
    if "lost" in record:
        return f"lost: {record['lost']['fault']}"
    return record["reply"]["finish_reason"] if "reply" in record else f"failed: {record['failure']}"


def summary(entries: list[Entry], account: BudgetAccount) -> dict[str, Any]:
    """Return the sums of a ledger, by stage and model and in total. Answers bought by other data sets cost nothing."""
    stages: dict[str, Counter[str]] = {}
    for entry in entries:
        sums = stages.setdefault(f"{entry['stage']}, {entry['model']}", Counter())
        if "possible_dollars" in entry:
            sums.update({"lost_attempts": 1, "possible_dollars": entry["possible_dollars"]})
        elif entry["bought_for"] == account.data_set:
            sums.update({"requests": 1, "unused": not entry["used"], "failed": entry["outcome"].startswith("failed")})
            sums.update({name: dict(entry)[name] for name in COUNTED})
        else:
            sums["taken from other data sets"] += 1
    faults = Counter(fault for entry in entries for fault in entry["faults"])
    unpriced = sorted({entry["model"] for entry in entries if account.price(entry["model"]) is None})
    return {
        "dollars": round(sum(sums["dollars"] for sums in stages.values()), 6),
        "prices_of": account.prices.date,
        "counted_as_free": unpriced,
        "calls_with_estimated_usage": sum(entry["estimated"] for entry in entries if "possible_dollars" not in entry),
        "stages": {name: dict(sums) for name, sums in sorted(stages.items())},
        "failed_attempts": dict(faults.most_common()),
        "failed_attempts_that_may_have_been_charged": sum("possible_dollars" in entry for entry in entries),
        "dollars_that_they_may_have_cost": round(sum(entry.get("possible_dollars", 0.0) for entry in entries), 6),
    }
