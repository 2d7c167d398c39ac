"""Retrieval runs: for every query its best passages of the whole corpus, as Parquet and in TREC's format."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import text_lines, whole
from rag_instruct.logs import bar, logger
from rag_instruct.retrieval.vectors import HITS

STEP_HITS = 262_144  # hits of a run that are merged and written at a time
SCHEMA = pa.schema(
    [
        ("query", pa.int32()),
        ("rank", pa.int32()),
        ("row", pa.int64()),
        ("passage_id", pa.string()),
        ("score", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Hit:
    """A retrieved passage, its row in the corpus, its rank from 1 and its score."""

    passage: Passage
    row: int
    rank: int
    score: float


class Run:
    """The hits of a merged search, by query number."""

    def __init__(self, path: Path, passages: Path) -> None:
        self.store = PassageStore(passages)
        self._table = pq.read_table(path, columns=["query", "rank", "row", "score"])
        queries = self._table["query"].to_numpy()
        self.depth = int((queries == 0).sum()) if len(queries) else 0

    def hits(self, query: int, beyond: int = 0) -> list[Hit]:
        """The query's hits that rank beyond `beyond`, best first."""
        part = self._table.slice(query * self.depth + beyond, self.depth - beyond)
        rows, ranks, scores = (part[name].to_pylist() for name in ("row", "rank", "score"))
        return [Hit(*hit) for hit in zip(self.store[rows], rows, ranks, scores, strict=True)]


def merge(shards: Sequence[Path], k: int, query_ids: list[str], passages: Path, output: Path, trec: Path) -> None:
    """Merge the shards' hits: for each query the k best of the corpus, ranks from 1.

    Some queries of all shards are in memory at a time. Raises UserError when the shards were
    searched for other queries, or hold fewer than k hits for one.
    """
    depth = 0
    for shard in shards:
        found = np.load(shard, mmap_mode="r")
        if len(found) != len(query_ids):
            raise UserError(
                f"{shard} holds {len(found):,} queries, {len(query_ids):,} were asked: delete it to search anew"
            )
        depth += found.shape[1]
    if query_ids and depth < k:
        raise UserError(
            f"the shards hold {depth} hits a query, {k} are wanted: delete {shards[0].parent} to search anew"
        )
    _write(_merged(shards, k, len(query_ids)), query_ids, PassageStore(passages), output, trec)


def _merged(shards: Sequence[Path], k: int, queries: int) -> Iterator[np.ndarray]:
    step = _step(k)
    for start in range(0, queries, step):
        # Mapped anew each time, so that what was read does not stay in memory.
        hits = np.concatenate([np.load(shard, mmap_mode="r")[start : start + step] for shard in shards], axis=1)
        order = np.lexsort((hits["row"], -hits["score"]), axis=1)[:, :k]
        yield np.take_along_axis(hits, order, axis=1)


def _step(k: int) -> int:
    """Queries at a time; the same for every way to a run, because it shows in the Parquet file's bytes."""
    return max(STEP_HITS // k, 1)


def _write(parts: Iterable[np.ndarray], query_ids: list[str], store: PassageStore, output: Path, trec: Path) -> None:
    """Write parts of a run, HITS of shape (some queries, k) in the order of the queries, in both formats."""
    first = 0
    with (
        whole(output) as temporary,
        whole(trec) as temporary_trec,
        pq.ParquetWriter(temporary, SCHEMA) as writer,
        temporary_trec.open("w", encoding="utf-8", newline="\n") as lines,
        bar("writing the run", len(query_ids), " queries") as counter,
    ):
        for hits in parts:
            ids = store.ids(hits["row"].ravel())
            writer.write_table(_table(hits, ids, first))
            _write_trec(hits, ids, query_ids[first : first + len(hits)], lines)
            first += len(hits)
            counter.update(len(hits))


def _table(hits: np.ndarray, ids: list[str], first: int) -> pa.Table:
    queries, depth = hits.shape
    columns = [
        np.repeat(np.arange(first, first + queries), depth),
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
            lines.write(f"{name} Q0 {_quoted(next(identifiers))} {rank} {score!r} rag_instruct\n")


def _quoted(identifier: str) -> str:
    """An id without the blanks that separate TREC's columns, as in an URL."""
    return re.sub(r"[%\s]", lambda found: quote(found[0]), identifier)


def import_trec(source: Path, k: int, query_ids: list[str], passages: Path, output: Path, trec: Path) -> None:
    """Take a run that somebody published, or another retriever made, for the search's own.

    Raises UserError for a broken line, a query with fewer than k hits, and an id that is not in the corpus.
    """
    found = _read_trec(source, set(query_ids))
    lacking = [query for query in query_ids if len(found.get(query, ())) < k]
    if lacking:
        raise UserError(
            f"{source}: {len(lacking):,} of {len(query_ids):,} queries have fewer than {k} hits, the first is "
            f"{lacking[0]!r} with {len(found.get(lacking[0], ()))}: search deeper, or lower `source_depth` or "
            "`noise.depth` in config.yaml"
        )
    store = PassageStore(passages)
    rows = _rows_of({passage for hits in found.values() for passage, _ in hits}, store, source)
    step = _step(k)
    parts = (
        np.vstack([_best(found[query], rows, k) for query in query_ids[start : start + step]])
        for start in range(0, len(query_ids), step)
    )
    _write(parts, query_ids, store, output, trec)


def _read_trec(source: Path, wanted: set[str]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    seen: set[tuple[str, str]] = set()
    ignored = 0
    for number, line in enumerate(text_lines(source), start=1):
        try:
            query, _, passage, _, score, _ = line.split()
            hit = unquote(passage), float(score)
            if not math.isfinite(hit[1]) or (query, passage) in seen:
                raise ValueError(line)
        except ValueError as error:
            raise UserError(
                f"{source}, line {number}: {line.strip()!r:.80} is not `query Q0 passage rank score name` "
                "with a number for a score and a passage that the query has only once: mend or remove it"
            ) from error
        seen.add((query, passage))
        if unquote(query) in wanted:
            found.setdefault(unquote(query), []).append(hit)
        else:
            ignored += 1
    if ignored:
        logger.warning("%s: %s hits of queries that are not asked here left out", source, f"{ignored:,}")
    return found


def _rows_of(ids: set[str], store: PassageStore, source: Path) -> dict[str, int]:
    rows = {identifier: row for row, identifier in enumerate(store.id_slice(0, len(store))) if identifier in ids}
    missing = sorted(ids - rows.keys())
    if missing:
        raise UserError(f"{source}: {len(missing):,} passages are not in the corpus, the first is {missing[0]!r}")
    return rows


def _best(hits: list[tuple[str, float]], rows: dict[str, int], k: int) -> np.ndarray:
    best = sorted(((rows[passage], score) for passage, score in hits), key=lambda hit: (-hit[1], hit[0]))
    return np.array(best[:k], dtype=HITS)
