"""The records of files that others made: JSON, JSON lines, TSV, CSV and Parquet, .gz and .zst too, one at a time."""

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import ijson
import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.errors import UserError
from rag_instruct.logs import bar

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
KINDS = (".json", ".jsonl", ".tsv", ".csv", ".parquet")
PARQUET_ROWS = 1024  # read at a time; a conversation may be long
RECORDS_BETWEEN = 1000  # updates of the bar
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # JSON's way to write half of what UTF-16 needs two for


Located = tuple[str, Any]  # where a record is in its file, and the record


def foreign_records(path: Path, columns: Sequence[str] = (), under: str = "") -> Iterator[Any]:
    """Read the records of a file as `located_records` does, without their places."""
    return (record for _, record in located_records(path, columns, under))


def located_records(path: Path, columns: Sequence[str] = (), under: str = "") -> Iterator[Located]:
    """Read the records of a file, with a progress bar; of `path` a/b.zip/c.json those of c.json in the archive.

    Of Parquet only `columns` are read, where they are given ("a.b" for a member of a list or
    struct). `under` is the key of a JSON object that holds the array of records. Raises
    UserError, which names the file and the record, for what cannot be read.
    """
    kind, _ = kind_of(path)
    if kind == ".parquet":
        yield from _parquet(path, columns)
        return
    with _opened(path) as (stream, counter):
        yield from counter(_READERS[kind](path, stream, under))


def kind_of(path: Path) -> tuple[str, str]:
    """Return the ending that says how a file is read, and the ending of its compression."""
    compression = path.suffix if path.suffix in COMPRESSIONS else ""
    kind = Path(path.name.removesuffix(compression)).suffix
    if kind not in KINDS or (compression and kind == ".parquet"):
        raise UserError(f"{path}: unknown kind of file: give {', '.join(KINDS)}, the texts among them also .gz or .zst")
    return kind, compression


Counter = Callable[[Iterator[Located]], Iterator[Located]]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Counter]]:
    """Open the decompressed bytes of a file, and return what shows a bar of the bytes read while records are read."""
    compression = kind_of(path)[1]
    with ExitStack() as stack:
        try:
            raw = _member(path, stack) or stack.enter_context(pa.OSFile(str(path)))
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except OSError as error:
            raise UserError(f"{path}: not a readable file ({error})") from error
        packed = compression and pa.CompressedInputStream(raw, COMPRESSIONS[compression])
        stream = stack.enter_context(packed) if packed else raw

        def counted(records: Iterator[Located]) -> Iterator[Located]:
            number = 0
            with bar(f"reading {path.name}", total=_size(path), unit="B") as counter:
                try:
                    for number, record in enumerate(records, start=1):
                        if number % RECORDS_BETWEEN == 0:
                            counter.update(raw.tell() - counter.n)
                        yield record
                except UnicodeDecodeError as error:
                    fault = f"not UTF-8 ({error.reason}): convert the file"
                    raise UserError(f"{path}, after record {number}: {fault}") from error
                except (OSError, zipfile.BadZipFile) as error:
                    raise UserError(
                        f"{path}, after record {number}: unreadable ({error}): is the file complete?"
                    ) from error
                counter.update((counter.total or counter.n) - counter.n)  # by now the readers have closed the file

        yield stream, counted


def _archive(path: Path) -> Path | None:
    return next((parent for parent in path.parents if parent.suffix == ".zip" and parent.is_file()), None)


def _member(path: Path, stack: ExitStack) -> IO[bytes] | None:
    archive = _archive(path)
    if archive is None:
        return None
    try:
        return stack.enter_context(stack.enter_context(zipfile.ZipFile(archive)).open(str(path.relative_to(archive))))
    except (KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: {archive.name} has no such file ({error})") from error


def _size(path: Path) -> int | None:
    return None if _archive(path) else path.stat().st_size


def _text(stream: IO[bytes]) -> io.TextIOWrapper:
    # Only \n ends a line: a field may hold what Python takes for one.
    return io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="\n")  # type: ignore[type-var]


def _json(path: Path, stream: IO[bytes], under: str) -> Iterator[Located]:
    """Read an array of records, or one record a line, whatever the file is called."""
    buffered = io.BufferedReader(stream)  # type: ignore[type-var]
    begin = buffered.peek(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if begin == b"[" or under:
        yield from _array(path, buffered, under)
    else:
        yield from _lines(path, buffered)


def _array(path: Path, stream: IO[bytes], under: str) -> Iterator[Located]:
    number = 0
    try:
        for record in ijson.items(stream, f"{under}.item" if under else "item", use_float=True):
            number += 1
            yield f"record {number}", record
    except ijson.JSONError as error:
        said = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        fault = "not UTF-8" if "UTF8" in said else f"not JSON ({said.splitlines()[0]})"
        raise UserError(f"{path}, after record {number}: {fault}: correct the file, or is it complete?") from error


def _lines(path: Path, stream: IO[bytes]) -> Iterator[Located]:
    count = 0
    for number, line in enumerate(stream, start=1):  # of bytes, so that \n alone ends one
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if not text.strip():
                continue
            record = json.loads(text)
        except UnicodeDecodeError as error:
            raise UserError(f"{path}, line {number}: not UTF-8 ({error.reason}): convert the file") from error
        except (ValueError, RecursionError) as error:
            said = getattr(error, "msg", error)
            raise UserError(f"{path}, line {number}: not JSON ({said}): correct or remove the line") from error
        count += 1
        yield f"record {count}", _encodable(record) if SURROGATE.search(line) else record


def _encodable(value: Any) -> Any:
    """Return the value with ? for half a surrogate pair. A text cut within an emoji has one; UTF-8 cannot."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _table(path: Path, stream: IO[bytes], delimiter: str) -> Iterator[Located]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(_text(stream), delimiter=delimiter)
    header: list[str] = []
    try:
        header = next(rows, [])
        for row in filter(None, rows):  # a blank line is no row
            if len(row) != len(header):
                raise UserError(
                    f"{path}, line {rows.line_num}: {len(row)} fields where the header has {len(header)} "
                    f"({', '.join(header)}); it begins {row[:1]!r}: correct the row, or quote the separators in it"
                )
            yield f"line {rows.line_num}", dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num}: unreadable ({error}): is the file complete?") from error


_READERS: dict[str, Callable[[Path, IO[bytes], str], Iterator[Located]]] = {
    ".json": _json,
    ".jsonl": _json,
    ".tsv": lambda path, stream, _: _table(path, stream, "\t"),
    ".csv": lambda path, stream, _: _table(path, stream, ","),
}


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    try:
        file = pq.ParquetFile(path)
        leaves = _leaves(file, columns)
        with bar(f"reading {path.name}", total=file.metadata.num_rows) as counter:
            # Asked for all row groups at once, pyarrow keeps them all in memory.
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(PARQUET_ROWS, row_groups=[group], columns=leaves or None):
                    for number, record in enumerate(batch.to_pylist(), start=int(counter.n) + 1):
                        yield f"row {number}", record
                    counter.update(len(batch))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}): is it complete?") from error


def _leaves(file: pq.ParquetFile, columns: Sequence[str]) -> list[str]:
    """Return the file's own names of the wanted columns; there, lists have a level for their elements."""
    found = []
    for number in range(len(file.schema)):
        name = file.schema.column(number).path
        plain = re.sub(r"\.(list\.(element|item)|bag\.array_element)(?=\.|$)", "", name)
        if any(plain == column or plain.startswith(f"{column}.") for column in columns):
            found.append(name)
    return found


def member(record: Any, path: str) -> Any:
    """Return what lies at "a.b" in a record; a list on the way gives a list. KeyError says what is missing."""
    for name in path.split("."):
        if isinstance(record, list):
            record = [member(part, name) for part in record]
        elif isinstance(record, dict) and name in record:
            record = record[name]
        else:
            has = ", ".join(map(str, record)) if isinstance(record, dict) else repr(record)[:60]
            raise KeyError(f"no {name!r}, it has {has or 'nothing'}")
    return record
