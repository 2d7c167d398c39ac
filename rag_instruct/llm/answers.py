"""The store of bought answers, keyed by the content of the request: nothing is paid twice.

A folder of segments, JSON lines, one segment for each process that bought anything: no two
processes write one file, so writing needs no locks. It is no rule's output, so
Snakemake never deletes it. What is kept is the raw reply; a better parser needs no new call. A
request that the endpoint refuses for good is kept as a failure, which settles it but answers nothing. An attempt
that may have been charged for nothing is kept beside it as lost.
"""

import asyncio
import json
import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.files import digest, dump, needs_room, whole
from rag_instruct.lock import hold
from rag_instruct.logs import logger

Reply = dict[str, Any]
# key, for (the data set), stage, at; and the request with a reply or a failure, or what was lost: an attempt that may
# have been charged although nothing came of it, with an id, model, fault and usage.
Record = dict[str, Any]

KEPT = "what was bought is kept: run again to go on"
QUIET = 60  # seconds since a segment was written to, before it is compacted
RESTED = 10  # times as long as a look into the folder took, nobody looks again
IN_USE = ".in_use.lock"  # held, shared, by every process that reads the segments


def request_key(request: dict[str, Any], sample: int = 0) -> str:
    """sha256 of everything that the endpoint is told, and of the sample's number where several are wanted."""
    return digest(json.dumps(request, sort_keys=True, ensure_ascii=False), sample)


@contextmanager
def exclusive(folder: Path, output: Path) -> Iterator[None]:
    """Hold the right to buy the answers for `output`.

    A kill of Snakemake can leave a job behind that goes on buying. Its rerun waits here until
    it has ended, and then finds what it bought. The kernel releases the lock however a job ends.
    """
    held = hold(folder / f".{digest(output.resolve())[:16]}.lock", wait=True)
    try:
        yield
    finally:
        if held:
            held.close()


class AnswerStore:
    """Replies by request key, read where they lie; one segment of its own for new ones.

    `spent` sums the tokens of all records by (data set, model, whether bought in a batch).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index: dict[str, tuple[str, int]] = {}  # the segment's name and the byte
        self._ends: dict[str, int] = {}  # how far each segment has been read
        self._look: asyncio.Task[None] | None = None
        self._next_look = 0.0
        self._segment: FileIO | None = None
        self._own = ""  # its name
        self._waiting: list[tuple[bytes, Record, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self.spent: dict[tuple[str, str, bool], Counter[str]] = {}
        self.lost: dict[str, Record] = {}  # by id
        self.added = 0
        self._in_use = hold(folder / IN_USE, wait=True, shared=True) if folder.exists() else None
        self.refresh()

    def __len__(self) -> int:
        return len(self._index)

    def refresh(self) -> None:
        """Take in what other processes have bought since the last look."""
        for name, size in _segments(self.folder):
            if size > self._ends.get(name, 0) and name != self._own:
                self._read(name)

    async def refreshed(self) -> None:
        """As `refresh`, for thousands that call at a time: one look serves all, and looks take little of the time."""
        self._look = self._look or asyncio.create_task(self._look_soon())
        await self._look

    async def _look_soon(self) -> None:
        await asyncio.sleep(self._next_look - time.monotonic())
        self._look = None  # whoever calls from now on needs another look
        began = time.monotonic()
        self.refresh()
        ended = time.monotonic()
        self._next_look = ended + RESTED * (ended - began)

    def _read(self, name: str) -> None:
        for position, record in _records(self.folder / name, self._ends.get(name, 0)):
            if record:
                self._take(record, name, position)
            else:
                self._ends[name] = position

    def _take(self, record: Record, segment: str, position: int) -> None:
        known: dict[str, Any] = self.lost if "lost" in record else self._index
        if _identity(record) in known:
            return
        known[_identity(record)] = record if "lost" in record else (segment, position)
        if paid := record.get("reply") or record.get("lost"):
            model = paid["model"] if "lost" in record else record["request"]["model"]
            account = record.get("for", ""), model, bool(paid.get("batch"))
            self.spent.setdefault(account, Counter()).update(tokens_of(paid) | Counter(requests=1))

    def record(self, key: str) -> Record | None:
        """All that is kept of a request, or None."""
        if key not in self._index:
            return None
        segment, position = self._index[key]
        record = next(_records(self.folder / segment, position), (0, None))[1]
        assert record is not None, f"{segment} changed under us at byte {position}"
        return record

    def records(self) -> Iterator[Record]:
        """All records, each key once."""
        for key in self._index:
            record = self.record(key)
            assert record is not None
            yield record

    def get(self, key: str) -> Reply | None:
        """The stored reply (text, finish_reason, usage, ...), or None; a failure has finish_reason "failed"."""
        if (record := self.record(key)) is None:
            return None
        if "failure" in record:
            return {"text": "", "finish_reason": "failed", "failure": record["failure"]}
        reply: Reply = record["reply"]
        return reply

    async def put(self, record: Record) -> None:
        """Append the record and wait until the disk has it; what comes meanwhile goes to disk together."""
        line = dump({"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **record}).encode() + b"\n"
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((line, record, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await kept

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                position = await asyncio.to_thread(self._append, b"".join(line for line, _, _ in batch))
            except Exception as error:  # whoever waits must learn of it, whatever it is
                for _, _, kept in batch:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for line, record, kept in batch:
                self._take(record, self._own, position)
                position += len(line)
                self.added += "reply" in record
                if not kept.done():
                    kept.set_result(None)

    def _append(self, lines: bytes) -> int:
        with needs_room(self.folder):
            if self._segment and not (self.folder / self._own).exists():
                self._segment.close()  # compacted by a node that does not see our locks
                self._segment = None
            if self._segment is None:
                self._segment = self._new_segment()
            position = self._segment.tell()
            try:
                left = memoryview(lines)
                while left:
                    left = left[self._segment.write(left) :]
                os.fsync(self._segment.fileno())
            except OSError:
                # Half a line would take the room, and spoil the next.
                self._segment.truncate(position)
                self._segment.seek(position)
                raise
            return position

    def _new_segment(self) -> FileIO:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._in_use = self._in_use or hold(self.folder / IN_USE, wait=True, shared=True)
        self._own = f"{time.strftime('%Y%m%dT%H%M%S')}-{socket.gethostname()}-{uuid.uuid4().hex[:12]}.jsonl"
        return (self.folder / self._own).open("xb", buffering=0)

    def close(self) -> None:
        """Close the own segment, and let others compact the store."""
        for file in (self._segment, self._in_use):
            if file:
                file.close()


def tokens_of(reply: Reply) -> Counter[str]:
    """What the provider charged: prompt, cached (a part of prompt) and completion tokens."""
    usage = reply.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    return Counter(
        prompt=usage.get("prompt_tokens") or 0,
        cached=details.get("cached_tokens") or 0,
        completion=usage.get("completion_tokens") or 0,
    )


def _identity(record: Record) -> str:
    """A request is answered once; attempts may be lost again and again."""
    return str(record["lost"]["id"] if "lost" in record else record["key"])


def compact(folder: Path, drop_failures: bool = False) -> tuple[int, int]:
    """Make one segment of all, without torn lines and repeated keys; how many segments there were, and records are.

    Segments that were written to lately stay as they are. `drop_failures` forgets what was
    refused, so that it is asked again. Raises UserError while a job uses the store.
    """
    held = hold(folder / IN_USE, wait=False)
    if held is None:
        raise UserError(f"{folder}: a job is using the answers: compact them when it has ended")
    try:
        # A job of another node, whose locks may not be seen here, may be writing.
        every = [folder / name for name, _ in _segments(folder)]
        old = [path for path in every if path.stat().st_mtime < time.time() - QUIET]
        if len(old) < len(every):
            logger.warning("%d segments changed within a minute and stay as they are", len(every) - len(old))
        if not old:
            return 0, 0
        # Sorts before all others: should a kill leave old segments behind, the same record of a key still counts.
        new = folder / f"0-{uuid.uuid4().hex[:12]}.jsonl"
        seen: set[str] = set()
        with whole(new) as temporary, temporary.open("wb") as file:
            for path in old:
                for _, record in _records(path, 0):
                    if record and _identity(record) not in seen and not (drop_failures and "failure" in record):
                        seen.add(_identity(record))
                        file.write(dump(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        for path in old:
            path.unlink()
        return len(old), len(seen)
    finally:
        held.close()


def _segments(folder: Path) -> list[tuple[str, int]]:
    """The segments' names and sizes, in the order in which they count."""
    try:
        # A hidden one is a compaction under way.
        return sorted(
            (entry.name, entry.stat().st_size)
            for entry in os.scandir(folder)
            if entry.name.endswith(".jsonl") and not entry.name.startswith(".")
        )
    except FileNotFoundError:
        return []


def _records(path: Path, start: int) -> Iterator[tuple[int, Record | None]]:
    """The records from byte `start` on with their places, and at last where the whole lines end, with None."""
    with path.open("rb") as file:
        file.seek(start)
        position = start
        for line in file:
            if not line.endswith(b"\n"):
                # A kill cut it short, and the answer is asked for again; or it is being written.
                break
            record = _parsed(line)
            if record is None:
                logger.warning("%s: no answer but a broken line at byte %d, it is passed over", path, position)
            else:
                yield position, record
            position += len(line)
        yield position, None


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or "key" not in record or not record.keys() & {"reply", "failure", "lost"}:
        return None
    return record
