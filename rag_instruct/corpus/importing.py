"""Import a corpus: write its passages as an Arrow file for random access. Documents are cut into passages first."""

import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rag_instruct.corpus.blocks import Document
from rag_instruct.corpus.files import DESCRIPTION, OTHER, LeftOut, documents_of, records_of
from rag_instruct.corpus.passages import BATCH_ROWS, ID_BATCH_ROWS, IDS_SCHEMA, SCHEMA, ArrowRows, ids_beside
from rag_instruct.corpus.plain import text_blocks
from rag_instruct.corpus.readers import is_of_documents, read_documents, read_records
from rag_instruct.corpus.splitter import Limit, Piece, Sized, along_structure, in_words, windows
from rag_instruct.errors import UserError
from rag_instruct.files import whole, write_json
from rag_instruct.logs import logger
from rag_instruct.records import PLAIN, Form

CUTS: dict[str, Callable[[Document, Limit], Iterator[Piece]]] = {"windows": windows, "structure": along_structure}
Columns = Mapping[str, str]


class _Placed(NamedTuple):
    """A passage, and where it stands in the source, for messages."""

    place: str
    id: str
    text: str
    title: str


def import_passages(
    source: Path,
    columns: Columns,
    words: int,
    output: Path,
    info: Path,
    split: str = "windows",
    form: Form = PLAIN,
    measure: Callable[[str], list[Sized]] = in_words,
) -> int:
    """Check the passages of `source`, and write them as Arrow to `output`. Return their number.

    The JSON file `info` gets their number and sha256, and what was left out, by reason. `columns` maps id, text and
    title to the names in the file. If `words` is not 0, the source has whole documents, and they are cut into passages
    of this number of words, as `split` says; `measure` may count something else, such as tokens. `form` says how a file
    is written.

    Raises UserError for a missing column, a row of the wrong length, an id that occurs twice, a document that cannot be
    read, and an empty corpus. Without `words`, an empty id or text raises it, too.
    """
    left_out = LeftOut()
    batches = _Batches()
    limit = Limit(words, measure) if words else None
    passages = _passages(source, columns, limit, split, form, left_out)
    with whole(ids_beside(output)) as temporary_ids, whole(output) as temporary:
        with (
            pa.ipc.new_file(str(temporary), SCHEMA) as writer,
            pa.ipc.new_file(str(temporary_ids), IDS_SCHEMA) as ids_writer,
        ):
            for batch in batches.of(passages):
                writer.write_batch(batch)
                if ids := batches.ids():
                    ids_writer.write_batch(ids)
            if ids := batches.ids(last=True):
                ids_writer.write_batch(ids)
        left_out.say(source)
        if not batches.hashes:
            raise UserError(f"{source}: the corpus is empty: {_remedy(left_out)}")
        if not batches.titles:
            logger.warning("%s: no passage has a title: name its column under `columns` if there is one", source)
        if twice := _duplicates(np.frombuffer(batches.hashes, np.uint64), temporary_ids):
            name, *rows = twice
            # We read again, instead of keeping every passage's place in memory.
            again = _passages(source, columns, limit, split, form, LeftOut())
            places = [one.place for number, one in enumerate(islice(again, rows[1] + 1)) if number in rows]
            raise UserError(
                f"{source}: the id {name!r} occurs twice, as passages number {rows[0] + 1} and {rows[1] + 1} "
                f"({'; '.join(places)}): ids must be unique; remove one or number them again"
            )
        # If we are killed now, the old digest must be gone: old vectors would seem to fit the new passages.
        info.unlink(missing_ok=True)
    write_json(
        info,
        {"passages": len(batches.hashes), "sha256": batches.sum.hexdigest(), "left_out": left_out.by_reason},
    )
    return len(batches.hashes)


def _passages(
    source: Path, columns: Columns, limit: Limit | None, split: str, form: Form, left_out: LeftOut
) -> Iterator[_Placed]:
    """Yield all passages."""
    of_documents = is_of_documents(source)
    if limit is None and of_documents:
        raise UserError(f"{source}: {_needs_words(source, left_out)}")
    files = records_of(source, left_out) if source.is_dir() and not of_documents else [source]
    if limit is None:
        for file in files:
            yield from _checked(file, columns, form, file != source)
        return
    documents = read_documents(source, form, left_out) if of_documents else _of_records(files, columns, form, source)
    for document in documents:
        number = 0
        for number, piece in enumerate(CUTS[split](document, limit), start=1):
            page = f"#page={piece.page}" if piece.page else ""
            yield _Placed(document.place, f"{document.id}{page}-{number}", piece.text, document.title)
        if not number:
            left_out.add("empty documents", document.place)


def _checked(source: Path, columns: Columns, form: Form, of_folder: bool) -> Iterator[_Placed]:
    """Yield the passages in a file. An empty id or text is an error."""
    for record in read_records(source, columns, form, ("text", "id"), of_folder):
        if not record.id.strip() or not record.text.strip():
            raise UserError(
                f"{source}, {record.place}: passage {record.id!r} has an empty id or text: fill it in, or remove "
                "the passage. A file of whole documents needs no ids: set `words`"
            )
        yield _Placed(f"{source.name}, {record.place}", record.id, record.text, record.title)


def _of_records(files: list[Path], columns: Columns, form: Form, source: Path) -> Iterator[Document]:
    """Yield the records of files as documents. A document without an id gets its number as id."""
    records = (
        (file, record) for file in files for record in read_records(file, columns, form, of_folder=file != source)
    )
    for number, (file, record) in enumerate(records, start=1):
        place = f"{file.name}, {record.place}"
        yield Document(place, record.id or f"record_{number}", record.title, text_blocks(record.text))


def _needs_words(source: Path, left_out: LeftOut) -> str:
    said = "documents are cut into passages: set `words` of the corpus in config.yaml, such as 100"
    if not source.is_dir():
        return said
    found = documents_of(source, left_out)
    if not found:
        return f"the corpus is empty: {_remedy(left_out)}"
    first = next((path for path in found if not DESCRIPTION.fullmatch(path.name)), found[0])
    return f"{said}. If the folder is one of files of records, move {first.name} and other documents out of it"


def _remedy(left_out: LeftOut) -> str:
    """Return what an empty corpus has instead of passages, and what to do."""
    kinds = ", ".join(reason.removeprefix(OTHER) for reason in sorted(left_out.by_reason) if reason.startswith(OTHER))
    has = [reason for reason in sorted(left_out.by_reason) if not reason.startswith(OTHER)]
    has += [f"files of kinds that are not read ({kinds})"] if kinds else []
    save = "save texts as .docx, .pdf, .html or .txt, and tables as .csv, .jsonl or .parquet"
    said = f"it has only {' and '.join(has)}: " if has else ""
    return said + (save if kinds else "give at least one passage")


class _Batches:
    """Makes Arrow batches of passages, and remembers what the checks at the end need."""

    def __init__(self) -> None:
        self.hashes = array("Q")  # of the ids: 8 bytes each, because the ids of a large corpus fill the memory
        self.sum = hashlib.sha256()  # of all passages
        self.titles = 0  # passages that have one
        self._ids: list[str] = []

    def of(self, passages: Iterator[_Placed]) -> Iterator[pa.RecordBatch]:
        """Yield batches of passages."""
        while batch := [(one.id, one.text, one.title) for one in islice(passages, BATCH_ROWS)]:
            yield self._batch(batch)

    def _batch(self, passages: list[tuple[str, str, str]]) -> pa.RecordBatch:
        for identifier, _, title in passages:
            self.titles += bool(title)
            self.hashes.frombytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest())
            self._ids.append(identifier)
        batch = pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in zip(*passages, strict=True)], schema=SCHEMA
        )
        for column in batch.columns:
            for buffer in column.buffers()[1:]:  # offsets and characters
                self.sum.update(buffer)
        return batch

    def ids(self, last: bool = False) -> pa.RecordBatch | None:
        """Return a batch of the ids that are not written yet, or None if they are too few. The `last` may be short."""
        if len(self._ids) < ID_BATCH_ROWS and not (last and self._ids):
            return None
        batch = pa.RecordBatch.from_arrays([pa.array(self._ids, pa.string())], schema=IDS_SCHEMA)
        self._ids = []
        return batch


def _duplicates(hashes: np.ndarray, ids: Path) -> tuple[str, int, int] | None:
    """Return an id that occurs twice, and its first two rows, or None. Of equal hashes, the ids are compared."""
    ordered = np.sort(hashes)
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(suspects):
        return None
    rows = np.flatnonzero(np.isin(hashes, suspects))
    seen: dict[str, int] = {}
    for places, table in ArrowRows(ids).taken(rows):
        for row, identifier in zip(rows[places].tolist(), table.column(0).to_pylist(), strict=True):
            if identifier in seen:
                return identifier, seen[identifier], row
            seen[identifier] = row
    return None
