"""Read the records of others' files one at a time: JSON, JSON lines, TSV, CSV and Parquet, also .gz and .zst."""

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
PARQUET_ROWS = 1024  # rows that are read at a time; a conversation may be long
RECORDS_BETWEEN = 1000  # records between two updates of the progress bar
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half of a UTF-16 surrogate pair, as JSON escapes it


Located = tuple[str, Any]  # the record's place in its file, and the record


def foreign_records(path: Path, columns: Sequence[str] = (), under: str = "") -> Iterator[Any]:
    """Read the records of a file like `located_records`, without their places."""
    return (record for _, record in located_records(path, columns, under))


def located_records(path: Path, columns: Sequence[str] = (), under: str = "") -> Iterator[Located]:
    """Read the records of a file, with a progress bar. A `path` a/b.zip/c.json means c.json in the archive.

    `columns` are the only ones that are read from Parquet ("a.b" is a member of a list or struct). If `under` is given,
    it is the key whose value is the array of records in a JSON object. A UserError names the file and the record that
    cannot be read.
    """
    kind, _ = kind_of(path)
    if kind == ".parquet":
        yield from _parquet(path, columns)
        return
    with _opened(path) as (stream, counter):
        yield from counter(_READERS[kind](path, stream, under))


def kind_of(path: Path) -> tuple[str, str]:
    """Return the ending that names a file's format, and the ending of its compression or ""."""
    compression = path.suffix if path.suffix in COMPRESSIONS else ""
    kind = Path(path.name.removesuffix(compression)).suffix
    if kind not in KINDS or (compression and kind == ".parquet"):
        raise UserError(
            f"{path}: unknown kind of file: give {', '.join(KINDS)} (all but .parquet also with .gz or .zst)"
        )
    return kind, compression


Counter = Callable[[Iterator[Located]], Iterator[Located]]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Counter]]:
    """Open the decompressed bytes of a file. Also return a function that shows a progress bar around its records."""
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
                counter.update((counter.total or counter.n) - counter.n)  # the readers have already closed the file

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
    # Only \n ends a line, because a field may contain other characters that Python treats as line ends.
    return io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="\n")  # type: ignore[type-var]


def _json(path: Path, stream: IO[bytes], under: str) -> Iterator[Located]:
    """Read an array of records, or one record per line. The beginning of the file decides, not its name."""
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
        raise UserError(f"{path}, after record {number}: {fault}: is the file complete? If so, correct it") from error


def _lines(path: Path, stream: IO[bytes]) -> Iterator[Located]:
    count = 0
    for number, line in enumerate(stream, start=1):  # lines of bytes, which only \n ends
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
    """Return the value with ? for half a surrogate pair, which UTF-8 cannot encode. A text cut in an emoji has one."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _table(path: Path, stream: IO[bytes], delimiter: str) -> Iterator[Located]:
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(_text(stream), delimiter=delimiter)
    header: list[str] = []
    try:
        header = next(rows, [])
        for row in filter(None, rows):  # blank lines are skipped
            if len(row) != len(header):
                raise UserError(
                    f"{path}, line {rows.line_num}: {len(row)} fields where the header has {len(header)} "
                    f"({', '.join(header)}); the row begins with {row[:1]!r}: correct it, or put fields that "
                    "contain a separator in quotes"
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
            # We read one row group at a time, because pyarrow would keep all of them in memory.
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
    """Return the names of the wanted columns in the file, where lists have an extra level for elements."""
    found = []
    for number in range(len(file.schema)):
        name = file.schema.column(number).path
        plain = re.sub(r"\.(list\.(element|item)|bag\.array_element)(?=\.|$)", "", name)
        if any(plain == column or plain.startswith(f"{column}.") for column in columns):
            found.append(name)
    return found


def member(record: Any, path: str) -> Any:
    """Return the value at the path "a.b" in a record. If a value on the way is a list, return a list.

    A KeyError names the missing key.
    """
    for name in path.split("."):
        if isinstance(record, list):
            record = [member(part, name) for part in record]
        elif isinstance(record, dict) and name in record:
            record = record[name]
        else:
            has = ", ".join(map(str, record)) if isinstance(record, dict) else repr(record)[:60]
            raise KeyError(f"no {name!r}, it has {has or 'nothing'}")
    return record
