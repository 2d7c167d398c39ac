"""Read and write our own records as JSON lines, and check each against its type."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rag_instruct.errors import UserError
from rag_instruct.files import dump, text_lines, write_jsonl
from rag_instruct.schema import Record, Row

R = TypeVar("R", bound=Record)
SHOWN = 60  # characters of a value that an error quotes


def read_records(path: Path, kind: type[R]) -> Iterator[R]:
    """Read the records of a file, one per line.

    Raises UserError for a record that is not of this kind; the message has its file, line, field and value.
    """
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(text_lines(path), start=1):
        if line.isspace():
            continue
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            yield _decoded_by_json(path, number, line, kind)


def read_data_set(path: Path) -> list[Row]:
    """Read the rows of a data set. Raises UserError when it has none."""
    rows = list(read_records(path, Row))
    if not rows:
        raise UserError(f"{path}: the file has no rows: counts.json in the data set's folder counts the reasons")
    return rows


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records, one per line, and return their number."""
    return write_jsonl(path, map(msgspec.to_builtins, records))


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as a dict for JSON, without fields that have their default value."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found


def _decoded_by_json(path: Path, number: int, line: str, kind: type[R]) -> R:
    """Decode a line with Python's JSON, which also accepts half a surrogate pair and NaN."""
    try:
        value = json.loads(line)
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _refused(path, number, value, kind, error) from error
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", error)
        raise UserError(f"{path}, line {number}: not JSON ({said}): delete the file, and it is made again") from error


def _refused(path: Path, number: int, value: Any, kind: type[Record], error: msgspec.ValidationError) -> UserError:
    """Return an error that names the field and its value. The message of msgspec has no value."""
    said, _, place = str(error).partition(" - at `$")
    place = place.rstrip("`").lstrip(".").partition("[...]")[0]  # some key of an object, which msgspec does not name
    for part in re.findall(r"\w+", place):
        value = value[int(part)] if isinstance(value, list) else value[part]
    shown = f", {place} is {dump(value)[:SHOWN]}" if place else ""
    return UserError(
        f"{path}, line {number}{shown}: not a {kind.__name__} ({said}): "
        "is it the right file? If so, an older version made it, or somebody changed it: delete it, and it is made again"
    )
