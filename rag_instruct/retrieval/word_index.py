"""The index of a search by words: for each term of a shard, the passages that contain it, and how often."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rag_instruct.corpus.passages import PassageStore, shard_rows
from rag_instruct.errors import UserError
from rag_instruct.files import array_header, save_array, whole
from rag_instruct.logs import progress
from rag_instruct.retrieval.terms import chunk_terms

# A posting says how often a passage contains a term. `row` is the passage's row, counted from the shard's start.
POSTING = np.dtype([("row", np.int32), ("count", np.uint16)])
MOST = np.iinfo(np.uint16).max  # we store larger counts as this number, which hardly changes a score
SCHEMA = pa.schema([("term", pa.string()), ("passages", pa.int64())])
WRITTEN = 1 << 24  # postings that are written at a time
BLOCK = 1 << 15  # passages whose terms are counted at a time
AGAIN = "delete this folder, and it is made again"


def index_words(passages: Path, shard: int, shards: int, terms_file: Path, postings: Path, lengths: Path) -> None:
    """Index one shard of a corpus.

    `terms_file` (Arrow) gets each term with its number of passages, and the shard's place in the corpus. `postings`
    (.npy of POSTING) gets the postings of the first term, then the postings of the second term, and so on. The postings
    of a term are in the order of the corpus. `lengths` (.npy) gets the number of terms of each passage.
    """
    store = PassageStore(passages)
    first, end = shard_rows(len(store), shard, shards)
    texts = (f"{passage.title} {passage.text}" for passage in store.slice(first, end))
    known, by_term, sizes = _counted(progress(texts, f"indexing shard {shard}", end - first))
    described = {"first_row": first, "rows": end - first, "corpus": len(store), "length": int(sizes.sum())}
    found = pa.table([pa.array(known, pa.string()), pa.array(np.diff(by_term.indptr), pa.int64())], SCHEMA)
    found = found.replace_schema_metadata({key: str(value) for key, value in described.items()})
    with whole(postings) as temporary, temporary.open("wb") as file:
        file.write(array_header(POSTING, (by_term.nnz,)))
        for start in range(0, by_term.nnz, WRITTEN):
            part = slice(start, start + WRITTEN)
            block = np.empty(len(by_term.indices[part]), POSTING)
            block["row"], block["count"] = by_term.indices[part], by_term.data[part]
            file.write(block.tobytes())
    save_array(lengths, sizes)
    with whole(terms_file) as temporary, pa.ipc.new_file(str(temporary), found.schema) as writer:
        writer.write_table(found)


class _Numbers(dict[str, int]):
    """Gives the next number to each new term or chunk."""

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


class _Chunks:
    """All different chunks so far, and their terms. Chunks repeat, so each is stemmed only once.

    A chunk is a piece of text without blanks. `numbers` maps each chunk to its index, and `terms` each term to its
    index.
    """

    def __init__(self) -> None:
        self.numbers, self.terms = _Numbers(), _Numbers()
        self._terms_of, self._ends = array("i"), array("q", [0])

    def matrix(self):  # type: ignore[no-untyped-def]  # scipy's matrices have no types
        """Return how often each chunk has each term: a sparse matrix, chunks by terms."""
        stemmed = len(self._ends) - 1
        for chunk in islice(self.numbers, stemmed, None):  # the chunks that are new since the last call
            self._terms_of.extend(map(self.terms.__getitem__, chunk_terms(chunk)))
            self._ends.append(len(self._terms_of))
        return _matrix(array("i", [1]) * len(self._terms_of), self._terms_of, self._ends, len(self.terms))


def _counted(texts: Iterable[str]):  # type: ignore[no-untyped-def]
    """Return the terms, a sparse matrix of their counts (passages by terms, stored by term), and the passages' lengths.

    A passage's length is the number of its terms.
    """
    from scipy.sparse import csr_matrix

    chunks = _Chunks()
    # These arrays are a sparse matrix in scipy's form CSR: the column and the count of each entry, and each row's end.
    columns, counts, ends = array("i"), array("H"), array("q", [0])
    sizes = array("i")
    rest = iter(texts)
    while block := list(islice(rest, BLOCK)):
        chunk_counts = _chunk_counts(block, chunks.numbers)  # must come first: this call numbers the new chunks
        found = chunk_counts @ chunks.matrix()
        columns.frombytes(found.indices.astype(np.int32, copy=False).tobytes())
        counts.frombytes(np.minimum(found.data, MOST).astype(np.uint16).tobytes())
        ends.frombytes((ends[-1] + found.indptr[1:].astype(np.int64)).tobytes())
        sizes.frombytes(np.asarray(found.sum(axis=1), np.int32).tobytes())
    terms = list(chunks.terms)
    del chunks  # the conversion below needs the memory
    index = np.int32 if len(columns) < 2**31 else np.int64  # scipy needs the same type for columns and ends
    parts = np.frombuffer(counts, np.uint16), np.frombuffer(columns, np.int32).astype(index, copy=False)
    by_passage = csr_matrix((*parts, np.frombuffer(ends, np.int64).astype(index)), (len(sizes), len(terms)))
    return terms, by_passage.tocsc(), np.frombuffer(sizes, np.int32)


def _chunk_counts(texts: Sequence[str], numbers: _Numbers):  # type: ignore[no-untyped-def]
    """Return how often each text has each chunk: a sparse matrix, texts by chunks."""
    places, counts, ends = array("i"), array("i"), array("q", [0])
    for text in texts:
        found = Counter(map(numbers.__getitem__, text.split()))
        places.extend(found)
        counts.extend(found.values())
        ends.append(len(places))
    return _matrix(counts, places, ends, len(numbers))


def _matrix(counts: "array[int]", columns: "array[int]", ends: "array[int]", width: int):  # type: ignore[no-untyped-def]
    from scipy.sparse import csr_matrix

    parts = np.frombuffer(counts, np.int32), np.frombuffer(columns, np.int32), np.frombuffer(ends, np.int64)
    return csr_matrix(parts, (len(ends) - 1, width))


class Statistics:
    """Statistics for BM25: number of passages, number of passages with each wanted term, and average passage length."""

    def __init__(self, files: Sequence[Path], wanted: Iterable[str]) -> None:
        """Read each shard's file of terms, in the order of the shards. Keep the terms in `wanted`.

        Raises UserError when the shards do not make up one whole corpus.
        """
        self.terms = sorted(set(wanted))
        self.first_rows: list[int] = []
        count = length = 0
        self.passages_with_term = np.zeros(len(self.terms), np.int64)
        for file in files:
            found, about = _read_terms(file)
            if about["first_row"] != count:
                raise UserError(f"{file}: it begins at passage {about['first_row']:,}, not {count:,}: {AGAIN}")
            self.first_rows.append(count)
            count, length = count + about["rows"], length + about["length"]
            in_shard, in_wanted = _places(found["term"], self.terms)
            self.passages_with_term[in_wanted] += found["passages"].to_numpy()[in_shard]
        if count != about["corpus"]:
            raise UserError(f"{files[0].parent}: the shards have {count:,} of {about['corpus']:,} passages: {AGAIN}")
        self.passage_count, self.average_length = count, length / count


class WordShard:
    """The postings of one shard, and the lengths of its passages."""

    def __init__(self, terms_file: Path, postings: Path, lengths: Path) -> None:
        self._terms, _ = _read_terms(terms_file)
        self._ends = np.cumsum(self._terms["passages"].to_numpy())
        self._postings: np.ndarray = np.load(postings, mmap_mode="r")
        self.lengths: np.ndarray = np.load(lengths)

    def postings(self, wanted: Sequence[str]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (place in `wanted`, postings) for each wanted term that the shard has.

        The terms come in the order of the shard, so that the file is read from front to back.
        """
        in_shard, in_wanted = _places(self._terms["term"], wanted)
        for term, place in zip(in_shard.tolist(), in_wanted.tolist(), strict=True):
            start = self._ends[term - 1] if term else 0
            yield place, self._postings[start : self._ends[term]]


def _read_terms(file: Path) -> tuple[pa.Table, dict[str, int]]:
    with pa.OSFile(str(file)) as opened:
        found = pa.ipc.open_file(opened).read_all()
    return found, {key.decode(): int(value) for key, value in found.schema.metadata.items()}


def _places(terms_of_shard: pa.ChunkedArray, wanted: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the places in the shard, and the places in `wanted`, of all terms that are in both.

    The places in the shard are ascending.
    """
    found = pc.index_in(terms_of_shard, value_set=pa.array(wanted, pa.string())).combine_chunks()
    places = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    return places, found.drop_null().to_numpy()
