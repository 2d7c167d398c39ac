"""The store's records, and the segments that hold them: JSON lines, one record per line."""

import gzip
import hashlib
import json
import os
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

from rag_instruct.errors import UserError
from rag_instruct.files import dump, whole
from rag_instruct.llm.usage import Usage, tokens_in
from rag_instruct.lock import hold
from rag_instruct.logs import logger

IN_USE = ".in_use.lock"  # every process that uses the segments holds it as a shared lock
QUIET = 60  # seconds without a write before a segment may be compacted

# A chat completion's body, or that of embeddings; `sampling` may add any parameter of a provider.
Request = dict[str, Any]


class Reply(TypedDict):
    """The outcome of a request: an answer if `finish_reason` is "stop"; "failed" if the endpoint refuses it.

    A failure is final unless it is `unknown`.
    """

    text: str  # for embeddings: the vector as base64 of float32
    finish_reason: str
    refusal: NotRequired[str | None]  # the model's words if it declines to answer
    usage: NotRequired[Usage | None]
    model: NotRequired[str | None]  # the name that the provider reports
    batch: NotRequired[bool | str]  # the id of the batch, if one was bought; older records have true
    sent: NotRequired[Request]  # the adapted request without its messages, if we adapted it
    faults: NotRequired[list[str]]  # faults of earlier attempts
    failure: NotRequired[str]  # why there is no answer
    unknown: NotRequired[bool]  # the refusal is not understood: a later job asks again


class Lost(TypedDict):
    """An attempt that may have been charged although it brought no reply."""

    id: str
    model: str
    fault: str
    usage: Usage
    batch: NotRequired[bool]


# A line of a segment. It has exactly one of `reply`, `failure` and `lost`. `for` is the data set that paid, and
# `teacher` the key of the teacher in config.yaml that has the price. A failure that is `unknown` is not final.
Record = TypedDict(
    "Record",
    {
        "key": str,
        "for": NotRequired[str],
        "stage": NotRequired[str],
        "teacher": NotRequired[str],
        "at": NotRequired[str],
        "request": NotRequired[Request],
        "reply": NotRequired[Reply],
        "failure": NotRequired[str],
        "unknown": NotRequired[bool],
        "faults": NotRequired[list[str]],
        "lost": NotRequired[Lost],
    },
)


def wants_vectors(request: Request) -> bool:
    """Return whether the request is for embeddings, and not for a chat completion."""
    return "input" in request


def texts_in(request: Request) -> int:
    """Return how many answers the request buys: one, or one for each text of a list."""
    return len(request["input"]) if isinstance(request.get("input"), list) else 1


def failed_reply(failure: str, unknown: bool = False) -> Reply:
    """Return the reply to a request that the endpoint refuses. `unknown`: a later job asks again."""
    reply: Reply = {"text": "", "finish_reason": "failed", "failure": failure}
    return {**reply, "unknown": True} if unknown else reply


def tokens_of(paid: Reply | Lost | None) -> Counter[str]:
    """Return the charged `prompt` and `completion` tokens. `prompt` includes the `cached` tokens."""
    return tokens_in(paid.get("usage") if paid else None)


class Payer(NamedTuple):
    """Who paid for tokens, and what decides their price."""

    data_set: str
    model: str
    teacher: str  # empty in older records
    batch: bool


def payer_of(record: Record) -> Payer | None:
    """Return who paid for an answer or a lost attempt; None for a failure, which is free."""
    paid = record.get("reply") or record.get("lost")
    if not paid:
        return None
    model = record["lost"]["model"] if "lost" in record else record["request"]["model"]
    return Payer(record.get("for", ""), model, record.get("teacher", ""), bool(paid.get("batch")))


class RecordLocation(NamedTuple):
    """Where a record is: its segment and the byte there. `payer` paid for its answer; None for a failure."""

    segment: str
    position: int
    payer: Payer | None


def identity(record: Record) -> str:
    """Return the unique name of a record: the id of a lost attempt, or else the key of the request."""
    return record["lost"]["id"] if "lost" in record else record["key"]


def sizes(folder: Path) -> list[tuple[str, int]]:
    """Return the segments' names and sizes, sorted by name.

    Readers keep this order. If two records have the same identity, readers use the first.
    """
    try:
        # A hidden file belongs to a compaction in progress.
        return sorted(
            (entry.name, entry.stat().st_size)
            for entry in os.scandir(folder)
            if entry.name.endswith(".jsonl") and not entry.name.startswith(".")
        )
    except FileNotFoundError:
        return []


def index_file(segment: Path) -> Path:
    """Return the path of a large segment's index."""
    return segment.with_name(f"{segment.name}.index")


def records_from(path: Path, start: int) -> Iterator[tuple[int, Record | None]]:
    """Yield the records from byte `start` on, each with its position.

    At the end, yield the position after the last whole line, with None instead of a record.
    """
    with path.open("rb") as file:
        file.seek(start)
        position = start
        for line in file:
            if not line.endswith(b"\n"):
                # A process is still writing this line, or was killed. After a kill, the request is sent again.
                break
            record = _parsed(line)
            if record is None:
                logger.warning("%s: skipped a broken line at byte %d; its request will be sent again", path, position)
            else:
                yield position, record
            position += len(line)
        yield position, None


def _parsed(line: bytes) -> Record | None:
    try:
        record: Record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not _sound(record):
        return None
    if "reply" in record:
        record["reply"].setdefault("finish_reason", "stop")
    return record


def _sound(record: Any) -> bool:
    """Return whether a record has the parts that readers use, so that no foreign line ends a job."""
    if not isinstance(record, dict) or not isinstance(record.get("key"), str):
        return False
    if not all(isinstance(record.get(name, ""), str) for name in ("for", "stage", "teacher", "failure")):
        return False
    if "lost" in record:
        lost = record["lost"]
        return isinstance(lost, dict) and all(isinstance(lost.get(name), str) for name in ("id", "model", "fault"))
    request = record.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("model"), str):
        return False
    return "failure" in record or _is_reply(record.get("reply"))


def _is_reply(reply: Any) -> bool:
    if not isinstance(reply, dict) or not isinstance(reply.get("text"), str):
        return False
    return isinstance(reply.get("finish_reason", "stop"), str)


def compact(folder: Path, drop_failures: bool = False) -> tuple[int, int]:
    """Join the segments into one, without torn lines and repeated records.

    Return the number of joined segments, and the number of records in the new segment. Segments that changed within a
    minute stay as they are. `drop_failures` drops refusals, so that their requests are sent again. Raise UserError
    while a job uses the store.
    """
    held = hold(folder / IN_USE, wait=False)
    if held is None:
        raise UserError(f"{folder}: a job is using the answers: compact them after the job has ended")
    with held:
        # A job on another node may be writing, and we may not see its locks.
        every = [folder / name for name, _ in sizes(folder)]
        old = [path for path in every if path.stat().st_mtime < time.time() - QUIET]
        if len(old) < len(every):
            logger.warning("%s: left out %d segments that changed within a minute", folder, len(every) - len(old))
        return (len(old), _joined(folder, old, drop_failures)) if old else (0, 0)


def _all(segments: list[Path]) -> Iterator[Record]:
    return (record for path in segments for _, record in records_from(path, 0) if record)


def _joined(folder: Path, old: list[Path], drop_failures: bool) -> int:
    # The name sorts first. If a kill leaves old segments behind, the joined records still come before their copies.
    new = folder / f"0-{uuid.uuid4().hex[:12]}.jsonl"
    seen: set[str] = set()
    settled = {identity(record) for record in _all(old) if not record.get("unknown")}
    with whole(new) as temporary, temporary.open("wb") as file:
        for record in _all(old):
            superseded = record.get("unknown") and identity(record) in settled
            if identity(record) not in seen and not superseded and not (drop_failures and "failure" in record):
                seen.add(identity(record))
                file.write(dump(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    for path in old:
        index_file(path).unlink(missing_ok=True)  # first: after a kill, nobody would look for it
        path.unlink()
    return len(seen)


def take_recorded(recorded: Path, folder: Path) -> None:
    """Put the records of a .jsonl.gz file into a store as a segment of their own, unless it is there.

    Raises UserError if the file cannot be read.
    """
    try:
        content = gzip.decompress(recorded.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{recorded}: cannot be read as a .gz file ({error}): restore it by git") from error
    segment = folder / f"0-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder / ".recorded.lock", wait=True) or nullcontext():  # several jobs begin at a time
        if not segment.exists():
            with whole(segment) as temporary:
                temporary.write_bytes(content)
