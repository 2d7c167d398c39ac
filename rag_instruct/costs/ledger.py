"""What a data set cost: every call that was bought for it or that it uses, by the provider's own figures."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from rag_instruct.llm.answers import AnswerStore, Record, tokens_of
from rag_instruct.llm.budget import Purse
from rag_instruct.llm.prices import FREE
from rag_instruct.logs import progress

Entry = dict[str, Any]
COUNTED = ("prompt_tokens", "cached_tokens", "completion_tokens", "dollars")
USED_BY_THEMSELVES = ("evaluation",)  # what no row is made of


def request_keys(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The requests that rows, rejects, exemplars or verifications name as their origin."""
    for row in rows:
        yield from row.get("request_keys", [])
        if "request_key" in row:
            yield row["request_key"]


def entries(store: AnswerStore, used: set[str], purse: Purse) -> list[Entry]:
    """One entry a call, in the order of the keys: those bought for the data set, and those of others that it uses."""
    records = progress(store.records(), "reading the answers", len(store))
    found = (record for record in records if record["key"] in used or record.get("for") == purse.data_set)
    lost = (_lost(record, purse) for record in store.lost.values() if record.get("for") == purse.data_set)
    both = [*(_entry(record, used, purse) for record in found), *lost]
    return sorted(both, key=lambda entry: (str(entry["key"]), "possible_dollars" in entry))


def _lost(record: Record, purse: Purse) -> Entry:
    """An attempt that may have been charged although nothing came of it; its dollars are counted apart."""
    lost = record["lost"]
    tokens = tokens_of(lost)
    return {
        "key": record["key"],
        "stage": record["stage"],
        "model": lost["model"],
        "bought_for": record["for"],
        "used": False,
        "outcome": f"lost: {lost['fault']}",
        "batch": bool(lost.get("batch")),
        "prompt_tokens": tokens["prompt"],
        "cached_tokens": tokens["cached"],
        "completion_tokens": tokens["completion"],
        "estimated": bool(lost["usage"].get("estimated")),
        "dollars": 0.0,
        "possible_dollars": round((purse.price(lost["model"]) or FREE).dollars(tokens, bool(lost.get("batch"))), 8),
        "faults": [],
    }


def _entry(record: Record, used: set[str], purse: Purse) -> Entry:
    reply = record.get("reply", {})
    tokens = tokens_of(reply)
    model = record["request"]["model"]
    return {
        "key": record["key"],
        "stage": record.get("stage", "unknown"),
        "model": model,
        "bought_for": record.get("for", "unknown"),
        "used": record["key"] in used or record.get("stage") in USED_BY_THEMSELVES,
        "outcome": reply.get("finish_reason") or f"failed: {record['failure']}",
        "batch": bool(reply.get("batch")),
        "prompt_tokens": tokens["prompt"],
        "cached_tokens": tokens["cached"],
        "completion_tokens": tokens["completion"],
        "estimated": bool((reply.get("usage") or {}).get("estimated")),
        "dollars": round((purse.price(model) or FREE).dollars(tokens, bool(reply.get("batch"))), 8),
        "faults": reply.get("faults") or record.get("faults", []),
    }


def summary(entries: list[Entry], purse: Purse) -> dict[str, Any]:
    """Sums of a ledger: by stage and model, and in all; what others bought costs this data set nothing."""
    by_stage: dict[str, Counter[str]] = {}
    for entry in entries:
        account = by_stage.setdefault(f"{entry['stage']}, {entry['model']}", Counter())
        if "possible_dollars" in entry:
            account.update({"lost_attempts": 1, "possible_dollars": entry["possible_dollars"]})
        elif entry["bought_for"] == purse.data_set:
            account.update(
                {"requests": 1, "unused": not entry["used"], "failed": entry["outcome"].startswith("failed")}
            )
            account.update({name: entry[name] for name in COUNTED})
        else:
            account["taken from other data sets"] += 1
    faults = Counter(fault for entry in entries for fault in entry["faults"])
    unpriced = sorted({entry["model"] for entry in entries if purse.price(entry["model"]) is None})
    return {
        "dollars": round(sum(account["dollars"] for account in by_stage.values()), 6),
        "prices_of": purse.prices.date,
        "counted_as_free": unpriced,
        "calls_with_estimated_usage": sum(entry["estimated"] for entry in entries if "possible_dollars" not in entry),
        "stages": {name: dict(account) for name, account in sorted(by_stage.items())},
        "failed_attempts": dict(faults.most_common()),
        "failed_attempts_that_may_have_been_charged": sum("possible_dollars" in entry for entry in entries),
        "dollars_that_they_may_have_cost": round(sum(entry.get("possible_dollars", 0.0) for entry in entries), 6),
    }
