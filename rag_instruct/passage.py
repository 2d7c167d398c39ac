"""A passage, and the store that finds passages by row without reading the corpus into memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from rag_instruct.errors import UserError

FIELDS = ("id", "text", "title")
SCHEMA = pa.schema([(field, pa.string()) for field in FIELDS])
BATCH_ROWS = 256  # of one Arrow record batch, the least that is read; every batch but the last is full


@dataclass(frozen=True)
class Passage:
    """The unit of retrieval: a piece of an article, as DPR cuts them, about 100 words."""

    id: str
    title: str
    text: str

    @property
    def document(self) -> str:
        """The passage as a row of the data set shows it, and as the teacher reads it."""
        return f"{self.title}\n{self.text}" if self.title else self.text


class PassageStore:
    """Passages by row number, from an Arrow file of which only what is asked for is read."""

    def __init__(self, path: Path) -> None:
        # Not a memory map: what a map's faults bring in counts as this process's memory and stays.
        try:
            self._file = pa.ipc.open_file(pa.OSFile(str(path)))
            ids_only = pa.ipc.IpcReadOptions(included_fields=[0])
            self._ids = pa.ipc.open_file(pa.OSFile(str(path)), options=ids_only)
        except pa.ArrowInvalid as error:
            raise UserError(f"{path}: not a passage store ({error}): delete it, and it is made anew") from error
        batches = self._file.num_record_batches
        self._length = (batches - 1) * BATCH_ROWS + self._file.get_batch(batches - 1).num_rows

    def __len__(self) -> int:
        return int(self._length)

    def __getitem__(self, rows: Sequence[int]) -> list[Passage]:
        """The passages of any rows, in the order of `rows`."""
        table = self._taken(self._file, rows)
        columns = (_column(table, number).to_pylist() for number in range(len(FIELDS)))
        return [Passage(identifier, title, text) for identifier, text, title in zip(*columns, strict=True)]

    def ids(self, rows: Sequence[int] | np.ndarray) -> pa.Array:
        """The ids of any rows, in the order of `rows`."""
        return _column(self._taken(self._ids, rows), 0)

    def _taken(self, file: pa.ipc.RecordBatchFileReader, rows: Sequence[int] | np.ndarray) -> pa.Table:
        """A table of the wanted rows; each batch is read once, from the file's front to its back."""
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of {len(self)} passages")
        order = np.argsort(wanted, kind="stable")
        numbers, offsets = np.divmod(wanted[order], BATCH_ROWS)
        batches, starts = np.unique(numbers, return_index=True)
        found = [
            file.get_batch(int(number)).take(pa.array(offsets[start:stop]))
            for number, start, stop in zip(batches, starts, [*starts, len(wanted)][1:], strict=True)
        ]
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return pa.Table.from_batches(found, file.schema).combine_chunks().take(pa.array(places))

    def slice(self, start: int, stop: int) -> Iterator[Passage]:
        """Passages of rows start to stop - 1, a batch in memory at a time."""
        for batch in self._batches(self._file, start, stop):
            for identifier, text, title in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Passage(identifier, title, text)

    def id_batches(self) -> Iterator[tuple[int, pa.Array]]:
        """All ids, a batch at a time, each with its first row."""
        for number, batch in enumerate(self._batches(self._ids, 0, len(self))):
            yield number * BATCH_ROWS, batch.column(0)

    def _batches(self, file: pa.ipc.RecordBatchFileReader, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        for number in range(start // BATCH_ROWS, -(-stop // BATCH_ROWS)):
            first = number * BATCH_ROWS
            batch = file.get_batch(number)
            yield batch.slice(max(start - first, 0), min(stop, first + batch.num_rows) - max(start, first))


def _column(table: pa.Table, number: int) -> pa.Array:
    chunks = table.column(number).chunks
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
