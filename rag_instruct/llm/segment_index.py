"""The index of a large segment: what a store must know of each record, so that it opens without reading the answers.

A vector of 1,536 numbers takes 8 KB of a segment and 40 bytes of its index. The index can be made again at any time. It
is valid while the segment has the size and the modification time that the index names.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.files import dump, whole
from rag_instruct.llm.segments import Payer, Record, index_file, payer_of, records_from, tokens_of

VERSION = 1
UNPAID = -1
# Arrays of bytes drop zeros at the end when an item is taken out, but compare as whole keys.
KEY = np.dtype("S16")
TOKENS = ("prompt", "cached", "completion")
ROW = np.dtype([("key", KEY), ("position", "<i8"), ("payer", "<i4"), *((name, "<i4") for name in TOKENS)])
BLOCK = 1 << 16  # rows that are made at a time


class SegmentIndex(NamedTuple):
    """What a segment holds.

    Args:
        rows: of ROW: the first answer or final failure of each key, in the segment's order
        payers: to whom the numbers in `rows` refer
        others: the positions of the records that must be read: lost attempts, and failures that are not final
        end: the byte up to which this holds
    """

    rows: np.ndarray
    payers: list[Payer]
    others: list[int]
    end: int


def short(keys: Iterable[str]) -> np.ndarray:
    """Return digests of n request keys: dtype S16, shape (n,). 16 bytes are enough to tell all keys apart."""
    found = [hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=KEY.itemsize).digest() for key in keys]
    return np.frombuffer(b"".join(found), KEY)


def index_of(segment: Path) -> SegmentIndex:
    """Return the index of a segment. Make it if there is none, or if the segment has changed since."""
    state = segment.stat()
    stamp = [VERSION, state.st_size, state.st_mtime_ns]
    if found := _read(index_file(segment), stamp):
        return found
    made = _made(segment)
    with suppress(OSError, UserError, UnicodeError):  # the next job reads the segment again
        _write(index_file(segment), made, stamp)
    return made


def _read(path: Path, stamp: list[int]) -> SegmentIndex | None:
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
            rows = np.frombuffer(file.read(), ROW)
    except (OSError, ValueError):
        return None
    if not isinstance(head, dict) or head.get("of") != stamp or head.get("rows") != len(rows):
        return None
    return SegmentIndex(rows, [Payer(*payer) for payer in head["payers"]], head["others"], head["end"])


def _write(path: Path, index: SegmentIndex, stamp: list[int]) -> None:
    head = {"of": stamp, "rows": len(index.rows), "payers": index.payers, "others": index.others, "end": index.end}
    with whole(path) as temporary, temporary.open("wb") as file:
        file.write(dump(head).encode() + b"\n")
        file.write(index.rows.tobytes())
        file.flush()
        os.fsync(file.fileno())  # or else a power failure could leave zeros


def _made(segment: Path) -> SegmentIndex:
    payers: dict[Payer, int] = {}
    others: list[int] = []
    ends: list[int] = []

    def settled() -> Iterator[tuple[int, Record]]:
        for position, record in records_from(segment, 0):
            if record is None:
                ends.append(position)
            elif "lost" in record or record.get("unknown"):
                others.append(position)
            else:
                yield position, record

    records, blocks = settled(), [np.empty(0, ROW)]
    while part := [_row(position, record, payers) for position, record in islice(records, BLOCK)]:
        blocks.append(np.array(part, ROW))
    rows = np.concatenate(blocks)
    _, first = np.unique(rows["key"], return_index=True)
    return SegmentIndex(rows[np.sort(first)], list(payers), others, ends[0])


def _row(position: int, record: Record, payers: dict[Payer, int]) -> tuple[Any, ...]:
    payer, tokens = payer_of(record), tokens_of(record.get("reply"))
    number = payers.setdefault(payer, len(payers)) if payer else UNPAID
    return short([record["key"]])[0], position, number, *(tokens[name] for name in TOKENS)
