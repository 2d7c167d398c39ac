"""What the store keeps of a request, and the segments that hold it: JSON lines, one record each."""

import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from rag_instruct.errors import UserError
from rag_instruct.files import dump, whole
from rag_instruct.lock import hold
from rag_instruct.logs import logger

IN_USE = ".in_use.lock"  # held, shared, by every process that reads the segments
QUIET = 60  # seconds since the last write to a segment, before it is compacted

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


def sizes(folder: Path) -> list[tuple[str, int]]:
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


def compact(folder: Path, drop_failures: bool = False) -> tuple[int, int]:
    """Join the segments without torn lines and repeated keys; how many segments there were, and records there are.

    Segments that were written to lately stay as they are. `drop_failures` forgets refusals, so that
    their requests are asked again. Raises UserError while a job uses the store.
    """
    held = hold(folder / IN_USE, wait=False)
    if held is None:
        raise UserError(f"{folder}: a job is using the answers: compact them when the job has ended")
    with held:
        # A job of another node, whose locks may not be seen here, may be writing.
        every = [folder / name for name, _ in sizes(folder)]
        old = [path for path in every if path.stat().st_mtime < time.time() - QUIET]
        if len(old) < len(every):
            logger.warning("%d segments changed within a minute and stay as they are", len(every) - len(old))
        return (len(old), _joined(folder, old, drop_failures)) if old else (0, 0)


def _joined(folder: Path, old: list[Path], drop_failures: bool) -> int:
    # Sorts before all others: should a kill leave old segments behind, the same record of a key still counts.
    new = folder / f"0-{uuid.uuid4().hex[:12]}.jsonl"
    seen: set[str] = set()
    with whole(new) as temporary, temporary.open("wb") as file:
        for path in old:
            for _, record in records_from(path, 0):
                if record and identity(record) not in seen and not (drop_failures and "failure" in record):
                    seen.add(identity(record))
                    file.write(dump(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    for path in old:
        path.unlink()
    return len(seen)
