"""Write files so that they are complete or absent; read JSON lines; make digests that replace random numbers."""

import errno
import glob
import hashlib
import io
import json
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_instruct.errors import UserError

if TYPE_CHECKING:  # functions import numpy themselves, because most jobs do not need it and start faster
    import numpy as np


HALVES = "backslashreplace"  # how JSON escapes half of a surrogate pair, which UTF-8 cannot encode
FULL = (errno.ENOSPC, errno.EDQUOT)  # errors of a full disk


@contextmanager
def needs_room(path: Path) -> Iterator[None]:
    """Turn the error of a full disk into a UserError with the name of the file."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UserError(f"{path}: the disk is full: make room and run again; finished work stays") from error


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Return a temporary path in the same folder. The temporary file replaces `path` if the block succeeds.

    A kill leaves the old file, or none. The host and the process id are in the name, because another job may write the
    same file. What killed jobs of this host left is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = f".{path.name}.{socket.gethostname()}."
    for left in path.parent.glob(f"{glob.escape(begin)}*.tmp"):
        process = left.name.removeprefix(begin).removesuffix(".tmp")
        if process.isdecimal() and not _runs_here(int(process)):
            left.unlink(missing_ok=True)
    temporary = path.with_name(f"{begin}{os.getpid()}.tmp")
    try:
        with needs_room(path):
            yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _runs_here(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def dump(value: Any) -> str:
    """Return `value` as one line of JSON. The same value always gives the same text."""
    return json.dumps(value, ensure_ascii=False)


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """Write `text` in UTF-8. `errors` says what becomes of characters that UTF-8 cannot encode."""
    with whole(path) as temporary:
        temporary.write_text(text, "utf-8", errors)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n", HALVES)


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write one JSON value per line, and return their number."""
    count = 0
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", errors=HALVES, newline="\n") as file:
        for row in rows:
            file.write(dump(row) + "\n")
            count += 1
    return count


def array_header(dtype: "np.dtype", shape: tuple[int, ...]) -> bytes:
    """Return the header of an .npy file. The bytes of the array come after it."""
    import numpy as np

    file = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)
    return file.getvalue()


def save_array(path: Path, *arrays: "np.ndarray") -> None:
    """Write arrays one after another as .npy. We do not use np.save, because its error hides that the disk is full."""
    import numpy as np

    with whole(path) as temporary, temporary.open("wb") as file:
        for array in arrays:
            file.write(array_header(array.dtype, array.shape))
            file.write(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")


def read_text(path: Path) -> str:
    """Return the file's text. Raises UserError for a file that is missing or not UTF-8."""
    try:
        return path.read_text("utf-8-sig")  # a byte-order mark is no text
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}: convert the file") from error


def read_json(path: Path) -> Any:
    """Return the value of a JSON file. Raises UserError for a file that is missing or broken."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno}: not JSON ({error.msg}): delete the file, and it is made again"
        ) from error


def read_jsonl(path: Path) -> Iterator[Any]:
    """Read the values of a JSON lines file. A UserError names the file and the line of a broken value."""
    for number, line in enumerate(text_lines(path), start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}, line {number}: not JSON ({error.msg}): correct or remove the line") from error


def text_lines(path: Path) -> Iterator[str]:
    """Read the lines of a UTF-8 file, one at a time."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                number += 1
                yield line
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}, after line {number}: not UTF-8 ({error.reason}): convert the file") from error


def digest(*parts: object) -> str:
    """Return the sha256 of the parts. If a seed is one of them, the digest replaces a random number.

    An order or choice by digest does not depend on cores, chunks or other items.
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def fraction(*parts: object) -> float:
    """Return a number from 0 to below 1, made from the digest of the parts.

    To choose a share of 0.1 of some items, take those whose number is below 0.1.
    """
    return int(digest(*parts)[:12], 16) / float(16**12)


def is_validation(row_id: str, share: float, seed: str) -> bool:
    """Return whether a row is in the validation split. The card, the hub's files and the training all call this."""
    return fraction(seed, "validation", row_id) < share
