"""Retrieval runs, as Parquet and in TREC's format. A run lists the best passages of the corpus for each query."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import IO
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import whole
from rag_instruct.logs import bar
from rag_instruct.retrieval.queries import by_query, refuse_repeated
from rag_instruct.retrieval.vectors import HITS

OWN = "rag_instruct"  # the run name in our TREC files, where we percent-encode ids
STEP_HITS = 262_144  # hits of a run that are merged and written at a time
SCHEMA = pa.schema(
    [
        ("query_id", pa.string()),
        ("rank", pa.int32()),
        ("row", pa.int64()),
        ("passage_id", pa.string()),
        ("score", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Hit:
    """A retrieved passage with its row in the corpus, its rank (from 1) and its score."""

    passage: Passage
    row: int
    rank: int
    score: float
    # Id of the first document (see `linked_documents`) with whose vector we searched. Empty in other searches.
    nearest_to: str = ""


class Run:
    """A run that is read from Parquet. It finds hits by query id."""

    def __init__(self, path: Path, passages: Path) -> None:
        self.store = PassageStore(passages)
        self._path = path
        if "query_id" not in pq.read_schema(path).names:
            raise UserError(
                f"{path}: an older version wrote this run, without query ids: delete the file, and it is made again"
            )
        self._table = pq.read_table(
            path, columns=["query_id", "rank", "row", "score"], read_dictionary=["query_id"]
        ).combine_chunks()
        self._places = _places(self._table["query_id"])

    def hits(self, query_id: str, beyond: int = 0) -> list[Hit]:
        """Return the hits whose rank is greater than `beyond`, best first. Raises UserError for an unknown query id."""
        part = self._part(query_id).slice(beyond)
        rows, ranks, scores = (part[name].to_pylist() for name in ("row", "rank", "score"))
        return [Hit(*hit) for hit in zip(self.store[rows], rows, ranks, scores, strict=True)]

    def ranking(self, query_id: str) -> np.ndarray:
        """Return rows and scores of the hits as an array of HITS, best first. Raises UserError like `hits`."""
        part = self._part(query_id)
        found = np.empty(len(part), HITS)
        found["row"], found["score"] = part["row"].to_numpy(), part["score"].to_numpy()
        return found

    def _part(self, query_id: str) -> pa.Table:
        if query_id not in self._places:
            raise UserError(
                f"{self._path}: the run has {len(self._places):,} queries, but not {query_id!r}. It was made for other "
                "queries: delete the file, and it is made again"
            )
        start, stop = self._places[query_id]
        return self._table.slice(start, stop - start)


def _places(column: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """Return (start, stop) for each query id: its hits are rows start to stop - 1 of the table."""
    ids = column.unify_dictionaries().combine_chunks()
    if not len(ids):
        return {}
    numbers = ids.indices.to_numpy()  # equal ids have equal numbers, and the hits of a query follow each other
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    names = ids.dictionary.take(pa.array(numbers[starts])).to_pylist()
    return dict(zip(names, pairwise([*starts.tolist(), len(ids)]), strict=True))


def merge(shards: Sequence[Path], k: int, query_ids: list[str], passages: Path, output: Path, trec: Path) -> None:
    """Merge the hits of all shards into a run: the k best hits of the corpus for each query, with ranks from 1.

    Only some queries are in memory at a time. Raises UserError when the shards were searched for other queries, when
    two queries have the same id, and when the shards have fewer than k hits per query.
    """
    refuse_repeated(query_ids, output)
    depth = sum(by_query(shard, query_ids).shape[1] for shard in shards)
    if query_ids and depth < k:
        raise UserError(
            f"{shards[0].parent}: the shards have {depth} hits per query, but {k} are needed: delete this folder, and "
            "the search runs again"
        )
    write_run(_merged(shards, k, len(query_ids)), query_ids, PassageStore(passages), output, trec)


def _merged(shards: Sequence[Path], k: int, queries: int) -> Iterator[np.ndarray]:
    step = step_of(k)
    for start in range(0, queries, step):
        # We map the shards again for each part, because the pages of a map stay in memory until the map is closed.
        hits = np.concatenate([np.load(shard, mmap_mode="r")[start : start + step] for shard in shards], axis=1)
        order = np.lexsort((hits["row"], -hits["score"]), axis=1)[:, :k]
        yield np.take_along_axis(hits, order, axis=1)


def step_of(k: int) -> int:
    """Return how many queries are written at a time.

    These queries become a row group of the Parquet file, so their number changes the file's bytes. Merged, fused and
    imported runs all use this function. So if we import such a run from its TREC file, its bytes are the same.
    Reranked runs have smaller row groups, because their passages' texts are in memory.
    """
    return max(STEP_HITS // k, 1)


def write_run(parts: Iterable[np.ndarray], query_ids: list[str], store: PassageStore, output: Path, trec: Path) -> None:
    """Write a run as Parquet to `output`, and in TREC's format to `trec`. Each part has HITS of shape (queries, k).

    The parts follow the order of `query_ids`.
    """
    waiting = iter(query_ids)
    with (
        whole(output) as temporary,
        whole(trec) as temporary_trec,
        pq.ParquetWriter(temporary, SCHEMA) as writer,
        temporary_trec.open("w", encoding="utf-8", newline="\n") as lines,
        bar("writing the run", len(query_ids), " queries") as counter,
    ):
        for hits in parts:
            queries, ids = list(islice(waiting, len(hits))), store.ids(hits["row"].ravel())
            writer.write_table(_table(hits, ids, queries))
            _write_trec(hits, ids, queries, lines)
            counter.update(len(hits))


def _table(hits: np.ndarray, ids: list[str], query_ids: list[str]) -> pa.Table:
    queries, depth = hits.shape
    columns = [
        np.repeat(np.array(query_ids, dtype=object), depth),
        np.tile(np.arange(1, depth + 1), queries),
        hits["row"].ravel(),
        ids,
        hits["score"].ravel(),
    ]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)], SCHEMA)


def _write_trec(hits: np.ndarray, ids: list[str], query_ids: list[str], lines: IO[str]) -> None:
    identifiers = iter(ids)
    for query, scores in zip(query_ids, hits["score"].tolist(), strict=True):
        name = _quoted(query)
        for rank, score in enumerate(scores, start=1):
            lines.write(f"{name} Q0 {_quoted(next(identifiers))} {rank} {score!r} {OWN}\n")


def _quoted(identifier: str) -> str:
    """Percent-encode blanks and % in an id, because TREC's format separates columns by blanks."""
    return re.sub(r"[%\s]", lambda found: quote(found[0]), identifier)
