"""Stores bought answers by the content of the request, so that nothing is paid twice.

The store is a folder of segments (JSON lines). Each process that buys writes one segment of its own, so writing needs
no locks. No rule has the folder as its output, so Snakemake never deletes it. The store keeps the raw reply: a better
parser needs no new request. If the endpoint refuses a request in words that we know, the store keeps a failure, and no
job sends the request again. A refusal in unknown words is kept too, but the next job that needs it asks again. If an
attempt may have been charged but brought no reply, the store keeps it as lost, under the request's key.
"""

import asyncio
import errno
import json
import os
import socket
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rag_instruct.errors import UserError
from rag_instruct.files import FULL, digest, dump, needs_room
from rag_instruct.llm import segments
from rag_instruct.llm.segments import Payer, Record, RecordLocation, Reply, Request, failed_reply, payer_of, tokens_of
from rag_instruct.lock import READ_ONLY, hold

if TYPE_CHECKING:  # it imports numpy, which stores without large segments do not need
    from rag_instruct.llm.key_table import KeyTable

KEPT = "what was bought is kept: run again to go on"
CORRECT = "what was bought is kept: correct this, then run again"  # for an error that a rerun alone would repeat
SAMPLE = 200  # answers from which a job learns how many tokens a request has
ROOM = 2**23  # bytes set aside on the disk: if it becomes full, the answers that are on their way go there
LARGE = 2**20  # bytes from which a segment has an index; to read less takes milliseconds
FULL_SEGMENT = 2**26  # bytes after which a process begins another segment: what has no index yet stays small
MOST_RECENT = 2**15  # records in a dictionary, before they go into a table
RESTED = 10  # after a look into the folder, wait this many times as long as the look took


def request_key(request: Request, sample: int | str = 0) -> str:
    """Return the sha256 of the whole request and of `sample`, which gives a repeated request a key of its own."""
    return digest(json.dumps(request, sort_keys=True, ensure_ascii=False), sample)


@contextmanager
def exclusive(folder: Path, output: Path) -> Iterator[None]:
    """Let only one job at a time buy the answers for `output`.

    After a kill of Snakemake, one of its jobs may still run and buy. The rerun of that job waits here until the old
    job ends, and then finds its answers in the store. The kernel releases the lock however a job ends.
    """
    with hold(folder / f".{digest(output.resolve())[:16]}.lock", wait=True) or nullcontext():
        yield


class AnswerStore:
    """Replies by request key. The store reads a reply from disk when asked, and writes new ones to its own segment.

    `spent` sums the tokens of all records by payer. Of large segments only the index is read, see segment_index.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._recent: dict[str, RecordLocation] = {}  # by request key: records that this process wrote or read
        self._settled: KeyTable | None = None  # all others
        self._ends: dict[str, int] = {}  # segment: the byte up to which we have read it
        self._look: asyncio.Task[None] | None = None
        self._next_look = 0.0
        self._segment: FileIO | None = None
        self._own = ""  # name of the own segment
        self.room = ROOM  # bytes to set aside
        self._room: IO[bytes] | None = None
        self._full = False  # whether the disk became full, and the room is given up
        self._waiting: list[tuple[bytes, Record, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self.spent: dict[Payer, Counter[str]] = {}
        self._unknown: set[str] = set()  # keys of failures that are not final
        self._answering: set[str] = set()  # models
        self.lost: dict[str, Record] = {}  # by the id of the lost attempt
        self.added: set[str] = set()  # keys of the replies that this process has added
        self._in_use = hold(folder / segments.IN_USE, wait=True, shared=True) if folder.exists() else None
        self.refresh()

    def __len__(self) -> int:
        return len(self._recent) + (len(self._settled) if self._settled else 0)

    def __contains__(self, key: str) -> bool:
        return key in self._recent or bool(self._settled and self._settled.find(key))

    def refresh(self) -> None:
        """Read the records that other processes have written since the last look."""
        for name, size in segments.sizes(self.folder):
            if size > self._ends.get(name, 0) and name != self._own:
                self._read(name, size)

    async def refreshed(self) -> None:
        """Refresh for thousands of concurrent callers: one look serves all of them, and looks are rare."""
        self._look = self._look or asyncio.create_task(self._look_soon())
        await self._look

    async def _look_soon(self) -> None:
        await asyncio.sleep(self._next_look - time.monotonic())
        self._look = None  # callers from now on need another look
        began = time.monotonic()
        self.refresh()
        ended = time.monotonic()
        self._next_look = ended + RESTED * (ended - began)

    def _read(self, name: str, size: int) -> None:
        if name not in self._ends and size >= LARGE:
            self._ends[name] = self._take_index(name)
        for position, record in segments.records_from(self.folder / name, self._ends.get(name, 0)):
            if record:
                self._take(record, name, position)
            else:
                self._ends[name] = position

    def _take(self, record: Record, segment: str, position: int) -> None:
        """Count and locate a record, unless one of the same identity came before.

        A final record replaces a failure that is not final.
        """
        name, unknown = segments.identity(record), bool(record.get("unknown"))
        known = name in self.lost if "lost" in record else name in self
        if known and (unknown or name not in self._unknown):
            return
        payer = payer_of(record)
        if payer:
            self._note_spent(payer, tokens_of(record.get("reply") or record["lost"]) | Counter(requests=1))
        if "reply" in record:
            self._answering.add(record["request"]["model"])
        if "lost" in record:
            self.lost[name] = record
            return
        if unknown:
            self._unknown.add(name)
        else:
            self._unknown.discard(name)
        self._recent[name] = RecordLocation(segment, position, payer)
        if len(self._recent) - len(self._unknown) >= MOST_RECENT:
            self._table()

    def _note_spent(self, payer: Payer, tokens: Counter[str]) -> None:
        self.spent.setdefault(payer, Counter()).update(tokens)

    def _take_index(self, name: str) -> int:
        """Count and locate the records of a large segment by its index. Return the byte up to which the index holds."""
        import numpy as np

        from rag_instruct.llm.segment_index import TOKENS, index_of, short

        index = index_of(self.folder / name)
        if unknown := list(self._unknown):  # failures that a final record of this segment replaces
            for replaced in np.flatnonzero(np.isin(short(unknown), index.rows["key"])):
                self._unknown.discard(unknown[replaced])
                del self._recent[unknown[replaced]]
        rows = self._table().add_index(name, index)
        for number, payer in enumerate(index.payers):
            if len(paid := rows[rows["payer"] == number]):
                sums = Counter({of: int(paid[of].sum(dtype=np.int64)) for of in TOKENS})
                self._note_spent(payer, sums | Counter(requests=len(paid)))
                self._answering.add(payer.model)
        for position in index.others:
            if record := self._record_at(name, position):
                self._take(record, name, position)
        return index.end

    def _table(self) -> "KeyTable":
        """Return the table, with all that is final in it."""
        from rag_instruct.llm.key_table import KeyTable

        if self._settled is None:
            self._settled = KeyTable()
        self._settled.add({key: location for key, location in self._recent.items() if key not in self._unknown})
        self._recent = {key: location for key, location in self._recent.items() if key in self._unknown}
        return self._settled

    def has_answers_of(self, model: str) -> bool:
        """Return whether the store has an answer of the model, which shows that its endpoint works."""
        return model in self._answering

    def is_unknown(self, key: str) -> bool:
        """Return whether the record is a refusal that is not understood, so that a later job asks again."""
        return key in self._unknown

    def record(self, key: str) -> Record | None:
        """Return the record of a request, or None."""
        location = self._location(key)
        return self._record_of(location) if location else None

    def _location(self, key: str) -> RecordLocation | None:
        return self._recent.get(key) or (self._settled.find(key) if self._settled else None)

    def _record_of(self, location: RecordLocation) -> Record:
        record = self._record_at(location.segment, location.position)
        assert record, f"{location.segment} was changed at byte {location.position} while this process used it"
        return record

    def _record_at(self, segment: str, position: int) -> Record | None:
        return next(segments.records_from(self.folder / segment, position), (0, None))[1]

    def records(self) -> Iterator[Record]:
        """Yield the answer or failure of each request; lost attempts are in `lost`."""
        return self._records(lambda payer: True)

    def records_for(self, data_set: str, used: Collection[str]) -> Iterator[Record]:
        """Yield the answers and failures that were bought for a data set, and those of the used keys."""
        mine = self._records(lambda payer: payer is None or payer.data_set == data_set)
        yield from (record for record in mine if record.get("for") == data_set or record["key"] in used)
        for location in map(self._location, used):
            if location and location.payer and location.payer.data_set != data_set:
                yield self._record_of(location)

    def answers_of(self, model: str) -> Iterator[Record]:
        """Yield the records with an answer of the model, roughly the newest first. No other record is read."""
        return self._records(lambda payer: payer is not None and payer.model == model, latest_first=True)

    def _records(self, wanted: Callable[[Payer | None], bool], latest_first: bool = False) -> Iterator[Record]:
        recent = [location for location in self._recent.values() if wanted(location.payer)]
        settled = self._settled.locations(wanted, latest_first) if self._settled else ()
        return map(self._record_of, chain(reversed(recent), settled) if latest_first else chain(settled, recent))

    def sample(self, model: str) -> Iterator[Record]:
        """Yield the latest records with an answer of the model, at most `SAMPLE`."""
        return islice(self.answers_of(model), SAMPLE)

    def get(self, key: str) -> Reply | None:
        """Return the stored reply, or None. The reply of a failure has the finish_reason "failed"."""
        if (record := self.record(key)) is None:
            return None
        if "failure" in record:
            return failed_reply(record["failure"], self.is_unknown(key))
        return record["reply"]

    async def put(self, record: Record) -> None:
        """Append the record, and wait until it is on disk. Records that arrive during a write go into the next one."""
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
            except Exception as error:  # every waiting caller gets it, whatever its type
                for _, _, kept in batch:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for line, record, kept in batch:
                self._take(record, self._own, position)
                position += len(line)
                if "reply" in record:
                    self.added.add(record["key"])
                if not kept.done():
                    kept.set_result(None)

    def hold_room(self) -> None:
        """Set room aside on the disk for the answers that are on their way. Call it before each request is sent.

        Raise UserError if the disk is full, or if this process may not write here.
        """
        if self._room and not self._full:
            return
        try:
            if self._full:
                raise OSError(errno.ENOSPC, "the disk became full")
            with self._may_write():
                self.folder.mkdir(parents=True, exist_ok=True)
                self._room = _set_aside(self.folder, self.room)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise UserError(
                f"{self.folder}: the disk is full: make {self.room >> 20} MB of room for answers; {KEPT}"
            ) from error

    def _append(self, lines: bytes) -> int:
        """Append lines to the own segment, and return where. If the disk is full, use the room that is set aside."""
        with needs_room(self.folder):
            try:
                return self._written(lines)
            except OSError as error:
                if error.errno not in FULL or not self._room or self._full:
                    raise
            self._full = True
            self._room.close()
            return self._written(lines)

    def _written(self, lines: bytes) -> int:
        if self._segment and not (self.folder / self._own).exists():
            self._segment.close()  # compacted by another node, which does not see our locks
            self._segment = None
        if self._segment and self._segment.tell() >= FULL_SEGMENT:
            self._end_segment()
        if self._segment is None:
            self._segment = self._new_segment()
        position = self._segment.tell()
        try:
            left = memoryview(lines)
            while left:
                left = left[self._segment.write(left) :]
            os.fsync(self._segment.fileno())
        except OSError:
            # Remove a half-written line: it would fill the disk, and spoil the next line.
            self._segment.truncate(position)
            self._segment.seek(position)
            raise
        return position

    def _end_segment(self) -> None:
        """Close the own segment. Make its index, so that no other job must read it."""
        if self._segment is None:
            return
        self._ends[self._own] = size = self._segment.tell()
        self._segment.close()
        self._segment = None
        if size >= LARGE and (path := self.folder / self._own).exists():
            from rag_instruct.llm.segment_index import index_of

            with suppress(OSError):  # the answers are what counts
                index_of(path)

    def _new_segment(self) -> FileIO:
        # Segments are read in the order of their names, so that the latest answers come last.
        began = datetime.now().strftime("%Y%m%dT%H%M%S%f")
        self._own = f"{began}-{socket.gethostname()}-{uuid.uuid4().hex[:12]}.jsonl"
        with self._may_write():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._in_use = self._in_use or hold(self.folder / segments.IN_USE, wait=True, shared=True)
            return (self.folder / self._own).open("xb", buffering=0)

    @contextmanager
    def _may_write(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            raise UserError(
                f"{self.folder}: no answer can be stored here ({error.strerror}): give yourself permission to write, "
                "or name another folder under `answers` in config.yaml"
            ) from error

    def close(self) -> None:
        """Close the own segment, and let other processes compact the store."""
        self._end_segment()
        for file in (self._in_use, self._room):
            if file:
                file.close()


def _set_aside(folder: Path, size: int) -> IO[bytes]:
    """Return an open file without a name that takes `size` bytes of the disk, until it is closed."""
    room = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (the store closes it)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(room.fileno(), 0, size)
        else:  # macOS
            room.write(bytes(size))
            room.flush()
    except OSError:
        room.close()
        raise
    return room
