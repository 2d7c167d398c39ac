"""The corpus: passages in DPR's TSV, JSONL or Parquet become one random-access Arrow file."""

import csv
import gzip
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.cli import bar
from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, whole, write_json
from rag_instruct.passage import Passage

FIELDS = ("id", "text", "title")
SCHEMA = pa.schema([(field, pa.string()) for field in FIELDS])
BATCH_ROWS = 8192  # rows of one Arrow record batch; every batch but the last is full


Located = tuple[str, dict[str, str]]  # where a record stands in its file, and the record


def import_passages(source: Path, columns: Mapping[str, str], output: Path, info: Path) -> int:
    """Check the passages of `source` and write them as Arrow (`output`) and their count (`info`).

    `columns` maps id, text and title to the file's own names. Raises UserError for a missing
    column, a short row, an empty text, an id that occurs twice and a corpus without a passage.
    """
    records = _checked(_reader(source)(source), source, {field: columns.get(field, field) for field in FIELDS})
    hashes: list[int] = []
    with whole(output) as temporary, pa.OSFile(str(temporary), "wb") as sink:
        with pa.ipc.new_file(sink, SCHEMA) as writer, bar(f"reading {source.name}", unit=" passages") as counter:
            for batch in _batches(records, hashes):
                writer.write_batch(batch)
                counter.update(batch.num_rows)
        if not hashes:
            raise UserError(f"{source}: the corpus is empty: it needs at least one passage below its header")
        _refuse_duplicates(np.array(hashes, dtype=np.uint64), temporary, source)
    write_json(info, {"passages": len(hashes)})
    return len(hashes)


def _reader(source: Path) -> Callable[[Path], Iterator[Located]]:
    name = source.name.removesuffix(".gz")
    for ending, reader in ((".tsv", _read_tsv), (".jsonl", _read_jsonl), (".parquet", _read_parquet)):
        if name.endswith(ending):
            return reader
    raise UserError(f"{source}: unknown kind of corpus file: give a .tsv, .tsv.gz, .jsonl or .parquet")


def _read_tsv(source: Path) -> Iterator[Located]:
    csv.field_size_limit(sys.maxsize)
    opener = gzip.open if source.suffix == ".gz" else open
    line = 1
    try:
        with opener(source, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quotechar='"')
            header = next(rows, [])
            yield "header", dict.fromkeys(header, "")
            for row in rows:
                # A quoted text may hold line breaks, so this is where the row ends.
                line = rows.line_num
                if len(row) != len(header):
                    raise UserError(
                        f"{source}, line {line}: {len(row)} fields where the header has {len(header)} "
                        f"({', '.join(header)}); it begins {row[:1]!r}: mend the row, or quote the tabs in it"
                    )
                yield f"line {line}", dict(zip(header, row, strict=True))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{source}, after line {line}: unreadable ({error}): is the file complete?") from error


def _read_jsonl(source: Path) -> Iterator[Located]:
    for number, record in enumerate(read_jsonl(source), start=1):
        if not isinstance(record, dict):
            raise UserError(f"{source}, record {number}: {record!r:.60} is not a JSON object")
        yield f"record {number}", {name: str(value) for name, value in record.items() if value is not None}


def _read_parquet(source: Path) -> Iterator[Located]:
    try:
        file = pq.ParquetFile(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{source}: not a readable Parquet file ({error})") from error
    number = 0
    for batch in file.iter_batches(BATCH_ROWS):
        for record in batch.to_pylist():
            number += 1
            yield f"row {number}", {name: str(value) for name, value in record.items() if value is not None}


def _checked(records: Iterable[Located], source: Path, columns: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for position, (where, record) in enumerate(records):
        # A title may be missing from one record, a whole column of titles may not.
        needed = columns.values() if position == 0 else (columns["id"], columns["text"])
        for name in needed:
            if name not in record:
                raise UserError(
                    f"{source}, {where}: no column {name!r}, it has {', '.join(record) or 'none'}: "
                    "rename it, or name it under `columns` of the corpus in config.yaml"
                )
        if where == "header":
            continue
        identifier, text = record[columns["id"]], record[columns["text"]]
        if not identifier.strip() or not text.strip():
            raise UserError(f"{source}, {where}: passage {identifier!r} has an empty id or text: fill or remove it")
        yield identifier, text, record.get(columns["title"], "")


def _batches(records: Iterable[tuple[str, str, str]], hashes: list[int]) -> Iterator[pa.RecordBatch]:
    waiting: list[tuple[str, str, str]] = []
    for record in records:
        hashes.append(int.from_bytes(hashlib.blake2b(record[0].encode(), digest_size=8).digest()))
        waiting.append(record)
        if len(waiting) == BATCH_ROWS:
            yield _batch(waiting)
            waiting = []
    if waiting:
        yield _batch(waiting)


def _batch(records: list[tuple[str, str, str]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()) for column in zip(*records, strict=True)], schema=SCHEMA
    )


def _refuse_duplicates(hashes: np.ndarray, written: Path, source: Path) -> None:
    # 8 bytes an id instead of a set of strings: 21 million ids fit in 170 MB.
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    if not len(same):
        return
    store = PassageStore(written)
    for first, second in zip(order[same], order[same + 1], strict=True):
        one, other = store[[int(first), int(second)]]
        if one.id == other.id:
            raise UserError(
                f"{source}: the id {one.id!r} occurs twice, as passages number {first + 1} and {second + 1}: "
                "ids must be unique; remove one or number them anew"
            )


class PassageStore:
    """Passages by row number, read from the memory-mapped Arrow file: never all in memory."""

    def __init__(self, path: Path) -> None:
        self._file = pa.ipc.open_file(pa.memory_map(str(path)))
        batches = self._file.num_record_batches
        last = self._file.get_batch(batches - 1).num_rows
        self._length = (batches - 1) * BATCH_ROWS + last

    def __len__(self) -> int:
        return int(self._length)

    def __getitem__(self, rows: list[int]) -> list[Passage]:
        return [self._one(row) for row in rows]

    def _one(self, row: int) -> Passage:
        batch, offset = divmod(row, BATCH_ROWS)
        identifier, text, title = (column[offset].as_py() for column in self._file.get_batch(batch).columns)
        return Passage(identifier, title, text)

    def slice(self, start: int, stop: int) -> Iterator[Passage]:
        """Passages of rows start to stop - 1, a batch in memory at a time."""
        for number in range(start // BATCH_ROWS, -(-stop // BATCH_ROWS)):
            first = number * BATCH_ROWS
            batch = self._file.get_batch(number)
            part = batch.slice(max(start - first, 0), min(stop, first + batch.num_rows) - max(start, first))
            for identifier, text, title in zip(*(column.to_pylist() for column in part.columns), strict=True):
                yield Passage(identifier, title, text)


def shard_rows(rows: int, shard: int, shards: int) -> tuple[int, int]:
    """First row, and the row after the last, of one of `shards` almost equal parts."""
    return shard * rows // shards, (shard + 1) * rows // shards
