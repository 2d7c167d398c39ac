"""What the store keeps of a request, and the segments that hold it: JSON lines, one record each."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from rag_instruct.logs import logger

Request = dict[str, Any]  # the body of a chat completion: users may add any parameter of any provider by `sampling`
Usage = dict[str, Any]  # as the provider counts; `estimated` where we had to


class Reply(TypedDict):
    """What came of a request: an answer if `finish_reason` is "stop", and never an answer if it is "failed"."""

    text: str
    finish_reason: str
    refusal: NotRequired[str | None]
    usage: NotRequired[Usage | None]
    model: NotRequired[str | None]  # as the provider names it
    batch: NotRequired[bool]
    sent: NotRequired[Request]  # without its messages, where the endpoint needed other parameters
    faults: NotRequired[list[str]]  # of earlier attempts
    failure: NotRequired[str]  # why there will be no answer


class Lost(TypedDict):
    """An attempt that may have been charged although it brought no reply."""

    id: str
    model: str
    fault: str
    usage: Usage
    batch: NotRequired[bool]


# A line of a segment, with exactly one of `reply`, `failure` and `lost`. `for` is the data set that paid.
Record = TypedDict(
    "Record",
    {
        "key": str,
        "for": NotRequired[str],
        "stage": NotRequired[str],
        "at": NotRequired[str],
        "request": NotRequired[Request],
        "reply": NotRequired[Reply],
        "failure": NotRequired[str],
        "faults": NotRequired[list[str]],
        "lost": NotRequired[Lost],
    },
)


def failed_reply(failure: str, faults: list[str] | None = None) -> Reply:
    """The reply to a request that the endpoint will never answer."""
    reply: Reply = {"text": "", "finish_reason": "failed", "failure": failure}
    return {**reply, "faults": faults} if faults else reply


def tokens_of(paid: Reply | Lost | None) -> Counter[str]:
    """What the provider charged: prompt, cached (a part of prompt) and completion tokens."""
    usage = (paid.get("usage") if paid else None) or {}
    details = usage.get("prompt_tokens_details") or {}
    return Counter(
        prompt=usage.get("prompt_tokens") or 0,
        cached=details.get("cached_tokens") or 0,
        completion=usage.get("completion_tokens") or 0,
    )


def identity(record: Record) -> str:
    """What tells records apart: the key of a request, which is answered once, or the id of a lost attempt."""
    return record["lost"]["id"] if "lost" in record else record["key"]


def segments(folder: Path) -> list[tuple[str, int]]:
    """The segments' names and sizes. Of records with the same identity, the one in the first segment counts."""
    try:
        # A hidden one is a compaction under way.
        return sorted(
            (entry.name, entry.stat().st_size)
            for entry in os.scandir(folder)
            if entry.name.endswith(".jsonl") and not entry.name.startswith(".")
        )
    except FileNotFoundError:
        return []


def records_from(path: Path, start: int) -> Iterator[tuple[int, Record | None]]:
    """The records from byte `start` on, each with its position; at last the end of the whole lines, with None."""
    with path.open("rb") as file:
        file.seek(start)
        position = start
        for line in file:
            if not line.endswith(b"\n"):
                # A kill cut it short, and the answer is asked for again; or it is being written.
                break
            record = _parsed(line)
            if record is None:
                logger.warning("%s: skipped a broken line at byte %d: its request will be asked again", path, position)
            else:
                yield position, record
            position += len(line)
        yield position, None


def _parsed(line: bytes) -> Record | None:
    try:
        record: Record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or "key" not in record or not record.keys() & {"reply", "failure", "lost"}:
        return None
    return record
