"""Import a corpus: write its passages as an Arrow file for random access. Documents are cut into passages first."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from rag_instruct.corpus.passages import BATCH_ROWS, FIELDS, ID_BATCH_ROWS, IDS_SCHEMA, SCHEMA, ArrowRows, ids_beside
from rag_instruct.corpus.readers import Fields, read_corpus
from rag_instruct.corpus.splitter import split_documents
from rag_instruct.errors import UserError
from rag_instruct.files import whole, write_json


def import_passages(source: Path, columns: Mapping[str, str], words: int, output: Path, info: Path) -> int:
    """Check the passages of `source`, and write them as Arrow to `output`. Return their number.

    The JSON file `info` gets their number and sha256. `columns` maps id, text and title to the names in the file. If
    `words` is not 0, the file has whole documents, and they are cut into passages of this number of words. Raises
    UserError for a missing column, a short row, an empty id or text, an id that occurs twice, and an empty corpus.
    """
    named = {field: columns.get(field, field) for field in FIELDS}
    records = read_corpus(source)
    if words:
        records = split_documents(records, named, words)
    found = _Found()
    with whole(ids_beside(output)) as temporary_ids, whole(output) as temporary:
        with (
            pa.ipc.new_file(str(temporary), SCHEMA) as writer,
            pa.ipc.new_file(str(temporary_ids), IDS_SCHEMA) as ids_writer,
        ):
            for batch in found.batches(_checked(records, source, named)):
                writer.write_batch(batch)
                if ids := found.ids():
                    ids_writer.write_batch(ids)
            if ids := found.ids(last=True):
                ids_writer.write_batch(ids)
        if not found.hashes:
            raise UserError(f"{source}: the corpus is empty: give at least one passage")
        _refuse_duplicates(np.frombuffer(found.hashes, np.uint64), temporary_ids, source)
    write_json(info, {"passages": len(found.hashes), "sha256": found.sum.hexdigest()})
    return len(found.hashes)


def _checked(records: Iterable[Fields], source: Path, columns: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for position, (where, record) in enumerate(records):
        # Records may lack a title, but the first one must have this column.
        needed = columns.values() if position == 0 else (columns["id"], columns["text"])
        for name in needed:
            if name not in record:
                raise UserError(
                    f"{source}, {where}: no column {name!r}, it has {', '.join(record) or 'none'}: "
                    "rename a column, or give its name under `columns` of the corpus in config.yaml"
                )
        identifier, text = record[columns["id"]], record[columns["text"]]
        if not identifier.strip() or not text.strip():
            raise UserError(
                f"{source}, {where}: passage {identifier!r} has an empty id or text: fill it in, or remove the passage"
            )
        yield identifier, text, record.get(columns["title"], "")


class _Found:
    """Collects passages: a hash of each id, which takes 8 bytes of memory, and the sha256 of all passages."""

    def __init__(self) -> None:
        self.hashes = array("Q")
        self.sum = hashlib.sha256()
        self._ids: list[str] = []

    def batches(self, records: Iterator[tuple[str, str, str]]) -> Iterator[pa.RecordBatch]:
        waiting: list[tuple[str, str, str]] = []
        for record in records:
            waiting.append(record)
            if len(waiting) == BATCH_ROWS:
                yield self._batch(waiting)
                waiting = []
        if waiting:
            yield self._batch(waiting)

    def _batch(self, records: list[tuple[str, str, str]]) -> pa.RecordBatch:
        for identifier, _, _ in records:
            self.hashes.frombytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest())
            self._ids.append(identifier)
        batch = pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in zip(*records, strict=True)], schema=SCHEMA
        )
        for column in batch.columns:
            for buffer in column.buffers()[1:]:  # offsets and characters
                self.sum.update(buffer)
        return batch

    def ids(self, last: bool = False) -> pa.RecordBatch | None:
        """Return a batch of ids that are not written yet, or None while it is not full. The `last` one may be short."""
        if len(self._ids) < ID_BATCH_ROWS and not (last and self._ids):
            return None
        batch = pa.RecordBatch.from_arrays([pa.array(self._ids, pa.string())], schema=IDS_SCHEMA)
        self._ids = []
        return batch


def _refuse_duplicates(hashes: np.ndarray, ids: Path, source: Path) -> None:
    ordered = np.sort(hashes)
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(suspects):
        return
    rows = np.flatnonzero(np.isin(hashes, suspects))
    seen: dict[str, int] = {}
    for places, table in ArrowRows(ids).taken(rows):
        for row, identifier in zip(rows[places].tolist(), table.column(0).to_pylist(), strict=True):
            if identifier in seen:
                raise UserError(
                    f"{source}: the id {identifier!r} occurs twice, as passages number {seen[identifier] + 1} and "
                    f"{row + 1}: ids must be unique; remove one or number them again"
                )
            seen[identifier] = row


def shard_rows(rows: int, shard: int, shards: int) -> tuple[int, int]:
    """Return the first row of a shard and the row after its last. Shards have almost equal lengths."""
    return shard * rows // shards, (shard + 1) * rows // shards
