"""Read the rows of Parquet files."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.errors import UserError
from rag_instruct.logs import bar
from rag_instruct.records.opening import UNREADABLE, Located, opened, wrong_file
from rag_instruct.records.values import Partial

ROWS = 1024  # rows that are read at a time; fewer if they are long
BYTES = 1 << 24  # of the rows that are read at a time


def parquet_records(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    """Read the rows. `columns` are the only ones that are read ("a.b" is a member of a list or struct).

    Raises UserError for a file that is damaged, is no Parquet file, or has two columns of one name.
    """
    number = 0
    with opened(path) as raw:
        try:
            if said := wrong_file(raw.peek(1 << 10)):  # type: ignore[attr-defined]
                raise UserError(f"{path}: not a Parquet file, but {said}")
            file = pq.ParquetFile(raw)
            names = file.schema_arrow.names
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise UserError(f"{path}: the file has two columns {twice!r}: rename one of them")
            with bar(f"reading {path.name}", total=file.metadata.num_rows) as counter:
                for batch in _batches(file, _leaves(file, columns)):
                    binary = any("binary" in str(kind) for kind in batch.schema.types)  # also of inner types
                    for record in batch.to_pylist():
                        number += 1
                        found = Partial(_decoded(record) if binary else record)
                        found.columns = names
                        yield f"row {number}", found
                    counter.update(len(batch))
        except (*UNREADABLE, pa.ArrowException, ValueError, OverflowError) as error:
            place = f", after row {number}" if number else ""
            raise UserError(f"{path}{place}: not a readable Parquet file ({error!s:.200}): is it complete?") from error


def _batches(file: pq.ParquetFile, leaves: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield batches of rows. We read one row group at a time, because pyarrow would keep all of them in memory."""
    for group in range(file.num_row_groups):
        described = file.metadata.row_group(group)
        fitting = BYTES * described.num_rows // max(described.total_byte_size, 1)
        rows = max(1, min(ROWS, fitting))
        yield from file.iter_batches(rows, row_groups=[group], columns=leaves or None)


def _leaves(file: pq.ParquetFile, columns: Sequence[str]) -> list[str]:
    """Return the file's own names of the wanted columns.

    For the member b of the elements of a list a, we say a.b. The file says a.list.element.b, or
    a.bag.array_element.b.
    """
    found = []
    for number in range(len(file.schema)):
        name = file.schema.column(number).path
        plain = re.sub(r"\.(list\.(element|item)|bag\.array_element)(?=\.|$)", "", name)
        if any(plain == column or plain.startswith(f"{column}.") for column in columns):
            found.append(name)
    return found


def _decoded(value: Any) -> Any:
    """Return the value with texts for bytes, because some tools write texts as binary. Other bytes stay bytes."""
    if isinstance(value, dict):
        return {name: _decoded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value
