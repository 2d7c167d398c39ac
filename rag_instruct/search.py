"""Exact inner-product search: per shard with faiss, exact to the last bit, merged over shards."""

from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.cli import progress
from rag_instruct.corpus import PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import whole

BLOCK_ROWS = 65_536  # passage vectors converted to float32 at a time
QUERY_ROWS = 64  # queries scored in double precision at a time
SPARE = 16  # hits fetched beyond k, so that single precision's rounding cannot hide the true k-th


def search(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best rows of `vectors` for each query, and their scores.

    queries (q, d) float32, vectors (n, d) float16 or float32, perhaps a memory map; returns rows
    (q, k') int64 and scores (q, k') float64 with k' = min(k, n), best first, equal scores in
    the order of the rows. faiss finds candidates in single precision; their order comes from
    double precision, and where rounding could still hide a hit the query is scored in full. So
    threads, block sizes and the number of shards cannot change the result.
    """
    k = min(k, len(vectors))
    if not len(queries):
        return np.empty((0, k), np.int64), np.empty((0, k), np.float64)
    rows, doubtful_below, error = _candidates(queries, vectors, min(k + SPARE, len(vectors)))
    best_rows = np.empty((len(queries), k), np.int64)
    best_scores = np.empty((len(queries), k), np.float64)
    for start in range(0, len(queries), QUERY_ROWS):
        part = slice(start, start + QUERY_ROWS)
        scores = np.einsum("qd,qmd->qm", queries[part].astype(np.float64), vectors[rows[part]].astype(np.float64))
        best_rows[part], best_scores[part] = _top(rows[part], scores, k)
    if rows.shape[1] < len(vectors):
        for query in np.flatnonzero(best_scores[:, -1] <= doubtful_below + error):
            best_rows[query], best_scores[query] = _search_in_full(queries[query], vectors, k)
    return best_rows, best_scores


def _candidates(queries: np.ndarray, vectors: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """m candidates a query in single precision, the lowest of their scores, and its rounding bound."""
    rows = np.empty((len(queries), 0), np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    longest = 0.0
    for start in range(0, len(vectors), BLOCK_ROWS):
        block = np.ascontiguousarray(vectors[start : start + BLOCK_ROWS], dtype=np.float32)
        longest = max(longest, float(np.linalg.norm(block, axis=1).max()))
        found, numbers = faiss.knn(queries, block, min(m, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        rows, scores = np.hstack([rows, numbers + start]), np.hstack([scores, found])
        if rows.shape[1] > m:
            keep = np.argpartition(-scores, m - 1, axis=1)[:, :m]
            rows, scores = np.take_along_axis(rows, keep, 1), np.take_along_axis(scores, keep, 1)
    # Bound of a dot product's rounding error: d * 2^-24 * |q| * |x| (Higham 2002, section 3.1), both sides.
    error = 2 * queries.shape[1] * 2.0**-24 * np.linalg.norm(queries, axis=1) * longest
    return rows, scores.min(axis=1).astype(np.float64), error


def _search_in_full(query: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = np.concatenate(
        [
            np.einsum("d,nd->n", query.astype(np.float64), vectors[start : start + BLOCK_ROWS].astype(np.float64))
            for start in range(0, len(vectors), BLOCK_ROWS)
        ]
    )
    rows, best = _top(np.arange(len(vectors))[None], scores[None], k)
    return rows[0], best[0]


def _top(rows: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)


def refuse_depth(depth: int, passages: int) -> None:
    """Raise a UserError when a search is to find more passages than the corpus has."""
    if depth > passages:
        raise UserError(
            f"config.yaml asks for the {depth} best passages, the corpus has {passages}: "
            "lower `source_depth` or `noise.depth`, or enlarge the corpus"
        )


def search_shard(queries: Path, vectors: Path, first_row: int, k: int, output: Path) -> None:
    """Search one shard of float16 vectors whose first is corpus row `first_row`; write rows and scores.

    Raises UserError when the dimensions differ.
    """
    query_vectors, shard_vectors = np.load(queries), np.load(vectors, mmap_mode="r")
    if query_vectors.shape[1] != shard_vectors.shape[1]:
        raise UserError(
            f"{vectors}: vectors of {shard_vectors.shape[1]} dimensions, the queries' have {query_vectors.shape[1]}: "
            "they were made by different encoders"
        )
    rows, scores = search(query_vectors, shard_vectors, k)
    with whole(output) as temporary, temporary.open("wb") as file:
        np.savez(file, rows=rows + first_row, scores=scores)


STEP = 1024  # queries of a run written at a time
RUN_SCHEMA = pa.schema(
    [
        ("query", pa.int32()),
        ("rank", pa.int32()),
        ("row", pa.int64()),
        ("passage_id", pa.string()),
        ("score", pa.float64()),
    ]
)


def merge(shards: list[Path], k: int, passages: Path, output: Path) -> None:
    """Merge the shards' hits into a run: for each query the k best of the corpus, ranks from 1."""
    store = PassageStore(passages)
    found = [np.load(shard) for shard in shards]
    counts = {len(shard["rows"]) for shard in found}
    if len(counts) != 1:
        raise UserError(f"the shards hold {sorted(counts)} queries: search them anew ({', '.join(map(str, shards))})")
    rows, scores = (np.hstack([shard[name] for shard in found]) for name in ("rows", "scores"))
    rows, scores = _top(rows, scores, k)
    steps = progress(range(0, len(rows), STEP), "merging")
    with whole(output) as temporary, pq.ParquetWriter(temporary, RUN_SCHEMA) as writer:
        for start in steps:
            part = slice(start, start + STEP)
            writer.write_table(_run_table(start, rows[part], scores[part], store))


def _run_table(first: int, rows: np.ndarray, scores: np.ndarray, store: PassageStore) -> pa.Table:
    queries, depth = rows.shape
    flat = rows.ravel()
    columns = [
        np.repeat(np.arange(first, first + queries), depth),
        np.tile(np.arange(1, depth + 1), queries),
        flat,
        [passage.id for passage in store[flat.tolist()]],
        scores.ravel(),
    ]
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, RUN_SCHEMA.types, strict=True)], RUN_SCHEMA
    )
