"""The store of bought answers, keyed by the content of the request: nothing is paid twice.

A folder of segments, JSON lines, one segment for each process that bought anything: no two
processes write one file, so a shared file system needs no locks. It is no rule's output, so
Snakemake never deletes it. What is kept is the raw reply; a better parser needs no new call. A
request that the endpoint refuses for good is kept as a failure, which settles it but answers nothing.
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

from rag_instruct.cli import logger
from rag_instruct.errors import UserError
from rag_instruct.files import digest, dump, needs_room, whole
from rag_instruct.lock import hold

Reply = dict[str, Any]
Record = dict[str, Any]  # key, for (the data set), stage, at, request; and a reply or a failure

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
        self._index: dict[str, tuple[Path, int]] = {}
        self._ends: dict[Path, int] = {}  # how far each segment has been read
        self._segment: FileIO | None = None
        self._waiting: list[tuple[bytes, Record, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self.spent: dict[tuple[str, str, bool], Counter[str]] = {}
        self.added = 0
        self._in_use = hold(folder / IN_USE, wait=True, shared=True) if folder.exists() else None
        self.refresh()

    def __len__(self) -> int:
        return len(self._index)

    def refresh(self) -> None:
        """Take in what other processes have bought since the last look."""
        for path, size in _segments(self.folder):
            if size > self._ends.get(path, 0) and not (self._segment and path == Path(self._segment.name)):
                self._read(path)

    def _read(self, path: Path) -> None:
        for position, record in _records(path, self._ends.get(path, 0)):
            if record:
                self._take(record, path, position)
            else:
                self._ends[path] = position

    def _take(self, record: Record, path: Path, position: int) -> None:
        if record["key"] in self._index:
            return
        self._index[record["key"]] = path, position
        if reply := record.get("reply"):
            account = record.get("for", ""), record["request"]["model"], bool(reply.get("batch"))
            self.spent.setdefault(account, Counter()).update(tokens_of(reply) | Counter(requests=1))

    def record(self, key: str) -> Record | None:
        """All that is kept of a request, or None."""
        if key not in self._index:
            return None
        path, position = self._index[key]
        record = next(_records(path, position), (0, None))[1]
        assert record is not None, f"{path} changed under us at byte {position}"
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
            assert self._segment is not None
            for line, record, kept in batch:
                self._take(record, Path(self._segment.name), position)
                position += len(line)
                self.added += "reply" in record
                if not kept.done():
                    kept.set_result(None)

    def _append(self, lines: bytes) -> int:
        with needs_room(self.folder):
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
        name = f"{time.strftime('%Y%m%dT%H%M%S')}-{socket.gethostname()}-{uuid.uuid4().hex[:12]}.jsonl"
        return (self.folder / name).open("xb", buffering=0)

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


def compact(folder: Path, drop_failures: bool = False) -> tuple[int, int]:
    """Make one segment of all, without torn lines and repeated keys; how many segments there were, and records are.

    `drop_failures` forgets what was refused, so that it is asked again. Raises UserError while a
    job uses the store.
    """
    held = hold(folder / IN_USE, wait=False)
    if held is None:
        raise UserError(f"{folder}: a job is using the answers: compact them when it has ended")
    try:
        old = [path for path, _ in _segments(folder)]
        # Sorts before all others: should a kill leave old segments behind, the same record of a key still counts.
        new = folder / f"0-{uuid.uuid4().hex[:12]}.jsonl"
        seen: set[str] = set()
        with whole(new) as temporary, temporary.open("wb") as file:
            for path in old:
                for _, record in _records(path, 0):
                    if record and record["key"] not in seen and not (drop_failures and "failure" in record):
                        seen.add(record["key"])
                        file.write(dump(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        for path in old:
            path.unlink()
        return len(old), len(seen)
    finally:
        held.close()


def _segments(folder: Path) -> list[tuple[Path, int]]:
    """The segments and their sizes, in the order in which they count."""
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(".jsonl")]
    except FileNotFoundError:
        return []
    # A hidden one is a compaction under way.
    entries = sorted((e for e in entries if not e.name.startswith(".")), key=lambda entry: entry.name)
    return [(Path(entry.path), entry.stat().st_size) for entry in entries]


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
    if not isinstance(record, dict) or "key" not in record or not record.keys() & {"reply", "failure"}:
        return None
    return record
