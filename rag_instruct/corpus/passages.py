"""Passages, and a store that reads them by row without loading the corpus into memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from rag_instruct.errors import UserError

SCHEMA = pa.schema([(field, pa.string()) for field in ("id", "text", "title")])
BATCH_ROWS = 64  # rows of an Arrow batch, which is read as a whole; only the last batch may have fewer
ID_BATCH_ROWS = 65_536  # rows of a batch in the file of ids
PIECE_ROWS = 262_144  # rows that are read at a time


@dataclass(frozen=True)
class Passage:
    """A passage, the unit of retrieval: a part of an article, such as 100 words in DPR."""

    id: str
    title: str
    text: str

    @property
    def document(self) -> str:
        """The title and the text, as the data set and the teacher's prompts show them."""
        return f"{self.title}\n{self.text}" if self.title else self.text


IDS_SCHEMA = pa.schema([("id", pa.string())])


def ids_beside(passages: Path) -> Path:
    """Return the path of the file with only the ids, which has a thirtieth of the bytes."""
    return passages.with_suffix(".ids.arrow")


class ArrowRows:
    """An Arrow file of equal batches. We read only the batches that are needed.

    We do not map the file into memory, because the pages of a map stay and count as this process's memory.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = pa.ipc.open_file(pa.OSFile(str(path)))
        except (pa.ArrowInvalid, FileNotFoundError) as error:
            raise UserError(f"{path}: not a passage store ({error}): delete the file, and it is made again") from error
        batches = self._file.num_record_batches
        self._batch_rows = self._file.get_batch(0).num_rows
        self._length = (batches - 1) * self._batch_rows + self._file.get_batch(batches - 1).num_rows

    def __len__(self) -> int:
        return int(self._length)

    def taken(self, rows: Sequence[int] | np.ndarray) -> Iterator[tuple[list[int], pa.Table]]:
        """Read any rows, from the front of the file to its back.

        Yields tables of rows. Each comes with the positions of its rows in the argument `rows`.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of {len(self)} passages")
        order = np.argsort(wanted, kind="stable")
        for start in range(0, len(order), PIECE_ROWS):
            places = order[start : start + PIECE_ROWS]
            numbers, offsets = np.divmod(wanted[places], self._batch_rows)
            batches, starts = np.unique(numbers, return_index=True)
            found = [
                self._file.get_batch(int(number)).take(pa.array(part))
                for number, part in zip(batches, np.split(offsets, starts[1:]), strict=True)
            ]
            yield places.tolist(), pa.Table.from_batches(found)

    def batches(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """Read rows start to stop - 1, with one batch in memory at a time."""
        for number in range(start // self._batch_rows, -(-stop // self._batch_rows)):
            first = number * self._batch_rows
            batch = self._file.get_batch(number)
            yield batch.slice(max(start - first, 0), min(stop, first + batch.num_rows) - max(start, first))


class PassageStore:
    """Reads passages by row number. The corpus is never in memory as a whole."""

    def __init__(self, path: Path) -> None:
        self._passages = ArrowRows(path)
        self._ids = ArrowRows(ids_beside(path))

    def __len__(self) -> int:
        return len(self._passages)

    def __getitem__(self, rows: Sequence[int] | np.ndarray) -> list[Passage]:
        """Return the passages of any rows, in the order of `rows`."""
        found: dict[int, Passage] = {}
        for places, table in self._passages.taken(rows):
            columns = (column.to_pylist() for column in table.columns)
            for place, identifier, text, title in zip(places, *columns, strict=True):
                found[place] = Passage(identifier, title, text)
        return [found[place] for place in range(len(rows))]

    def ids(self, rows: Sequence[int] | np.ndarray) -> list[str]:
        """Return the ids of any rows, in the order of `rows`."""
        found: dict[int, str] = {}
        for places, table in self._ids.taken(rows):
            found |= zip(places, table.column(0).to_pylist(), strict=True)
        return [found[place] for place in range(len(rows))]

    def slice(self, start: int, stop: int) -> Iterator[Passage]:
        """Read the passages of rows start to stop - 1, with one batch in memory at a time."""
        for batch in self._passages.batches(start, stop):
            for identifier, text, title in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Passage(identifier, title, text)

    def id_slice(self, start: int, stop: int) -> Iterator[str]:
        """Read the ids of rows start to stop - 1, with one batch in memory at a time."""
        for batch in self._ids.batches(start, stop):
            yield from batch.column(0).to_pylist()


def shard_rows(rows: int, shard: int, shards: int) -> tuple[int, int]:
    """Return the first row of a shard and the row after its last. Shards have almost equal lengths."""
    return shard * rows // shards, (shard + 1) * rows // shards
