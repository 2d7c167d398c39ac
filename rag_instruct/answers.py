"""The store of bought answers, keyed by the content of the request: nothing is paid twice.

A folder of segments, JSON lines, one segment for each process that bought anything: no two
processes write one file, so a shared file system needs no locks. It is no rule's output, so
Snakemake never deletes it. What is kept is the raw reply; a better parser needs no new call.
"""

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rag_instruct.cli import logger
from rag_instruct.files import digest, dump
from rag_instruct.lock import hold

Reply = dict[str, Any]


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
    """Replies by request key, read where they lie; one segment of its own for new ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: dict[str, tuple[Path, int]] = {}
        self._segment: BinaryIO | None = None
        self.added = 0
        for path in sorted(folder.glob("*.jsonl")):
            self._read(path)

    def __len__(self) -> int:
        return len(self._index)

    def _read(self, path: Path) -> None:
        with path.open("rb") as file:
            position = 0
            for line in file:
                record = _parse(line)
                if record is None:
                    # The end of a line that a kill cut short: that answer is asked for again.
                    logger.warning("%s: a torn line at byte %d is passed over", path, position)
                else:
                    self._index.setdefault(record["key"], (path, position))
                position += len(line)

    def get(self, key: str) -> Reply | None:
        """The stored reply (text, finish_reason, usage, ...), or None."""
        if key not in self._index:
            return None
        path, position = self._index[key]
        with path.open("rb") as file:
            file.seek(position)
            record = _parse(file.readline())
        assert record is not None, f"{path} changed under us at byte {position}"
        reply: Reply = record["reply"]
        return reply

    def put(self, key: str, request: dict[str, Any], reply: Reply) -> None:
        """Append the reply and wait until the disk has it."""
        if self._segment is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            name = f"{time.strftime('%Y%m%dT%H%M%S')}-{socket.gethostname()}-{uuid.uuid4().hex[:12]}.jsonl"
            self._segment = (self._folder / name).open("xb")
        position = self._segment.tell()
        self._segment.write(dump({"key": key, "request": request, "reply": reply}).encode() + b"\n")
        self._segment.flush()
        os.fsync(self._segment.fileno())
        self._index[key] = (Path(self._segment.name), position)
        self.added += 1

    def close(self) -> None:
        """Close the own segment."""
        if self._segment:
            self._segment.close()


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and {"key", "reply"} <= record.keys() else None
