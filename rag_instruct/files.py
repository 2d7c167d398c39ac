"""Files that are whole or absent, JSON lines, and the hashes that stand in for randomness."""

import errno
import glob
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag_instruct.errors import UserError


@contextmanager
def needs_room(path: Path) -> Iterator[None]:
    """Say which file found the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            f"{path}: the disk is full: make room and run again; what is done already stays done"
        ) from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place only when the block succeeds.

    A kill leaves the old file or none; the process id keeps an orphaned twin of a job apart.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # What a killed job left. Should it still be at work, its twin here makes the same.
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with needs_room(path):
            yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def dump(value: Any) -> str:
    """`value` as one line of JSON, the same bytes wherever it is written."""
    return json.dumps(value, ensure_ascii=False)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write one JSON object a line and return how many there were."""
    count = 0
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(dump(row) + "\n")
            count += 1
    return count


def array_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """What an .npy begins with; the array's bytes follow it."""
    file = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def save_array(path: Path, array: np.ndarray) -> None:
    """Write `array` as .npy. Not by np.save, whose error does not say that the disk is full."""
    with whole(path) as temporary, temporary.open("wb") as file:
        file.write(array_header(array.dtype, array.shape))
        file.write(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")


def read_text(path: Path) -> str:
    """The file's text; a UserError names the file when it is missing or is not UTF-8."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}: convert the file") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file; a UserError names the file when it is missing or broken."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno}: not JSON ({error.msg}): delete it, and it is made anew"
        ) from error


def read_jsonl(path: Path) -> Iterator[Any]:
    """The values of a JSON lines file; a UserError names the file and line of a broken one."""
    for number, line in enumerate(text_lines(path), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}, line {number}: not JSON ({error.msg}): mend or remove the line") from error


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, streamed."""
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                yield line
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}, after line {number}: not UTF-8 ({error.reason}): convert the file") from error


def digest(*parts: object) -> str:
    """sha256 of the parts: the seeded, order-free replacement for a random number generator.

    What is sorted or chosen by a digest does not depend on cores, chunks or what else exists.
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def drawn(*parts: object) -> float:
    """A number from 0 to below 1 that the parts draw: what is below a share belongs to it."""
    return int(digest(*parts)[:12], 16) / float(16**12)


def is_validation(row_id: str, share: float, seed: str) -> bool:
    """Whether a row is in the validation split. The card, the hub's files and the training agree by this."""
    return drawn(seed, "validation", row_id) < share
