"""Search one shard of vectors exactly by inner product, on the CPU or a GPU, in bounded memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rag_instruct.errors import UserError
from rag_instruct.logs import bar
from rag_instruct.retrieval.queries import digest_in, save_by_query
from rag_instruct.retrieval.vectors import HITS, VectorFile
from rag_instruct.threads import torch_threads

PRODUCT_ROWS = 8192  # vectors that are converted to float32 and multiplied at a time; far fewer or more are slower
GROUP_ROWS = 32  # rows of a block that are skipped together if their best score is too low
# On the CPU, several workers share the queries. Each worker has some of torch's threads.
QUERY_ROWS = 1024  # queries that are multiplied at a time, by all workers together
LEAST_QUERIES = 128  # there are several workers only if each worker gets this many queries at a time
WAITING_PER_QUERY = 32  # rows that may be among the best wait; we merge them when more wait per query, on average
AHEAD_ROWS = 4 * PRODUCT_ROWS  # distance from the current block to the block that the system reads ahead
SPARE = 16  # extra candidates beyond k, because rounding in single precision may swap scores that are close
# If rounding could hide a hit of a query, `search` searches for the query again, with more candidates. It takes such
# queries in batches with at most this number of extra candidates. A single query may have more.
MOST_SPARE = 16_777_216
RESCORED = 65_536  # candidates that each thread scores in double precision at a time


def search(queries: np.ndarray, vectors: VectorFile, k: int, spare: int = SPARE) -> np.ndarray:
    """Return the k best rows of `vectors` for each query: an array of HITS, shape (q, min(k, n)).

    `queries` are float32 of shape (q, d); `vectors` are n vectors of d dimensions. The best hit comes first; equal
    scores keep the order of their rows. A matrix product in single precision finds k + spare candidates. Double
    precision decides their order. If rounding could still hide a hit of a query, we search for this query again, with
    more candidates. So the device, threads, block sizes and number of shards do not change the hits.
    """
    k, m = min(k, len(vectors)), min(k + spare, len(vectors))
    hits = np.empty((len(queries), k), HITS)
    if not hits.size:
        return hits
    rows, lowest, error = _candidates(queries, vectors, m)
    _fill_hits(hits, queries, vectors, rows)
    if m < len(vectors):
        # The exact score of a row that is no candidate is at most lowest + error. If the last hit scores no more than
        # this sum, such a row may belong to the hits.
        doubtful = np.flatnonzero(hits["score"][:, -1] <= lowest + error)
        wider = 16 * spare
        at_once = max(MOST_SPARE // wider, 1)
        for start in range(0, len(doubtful), at_once):
            again = doubtful[start : start + at_once]
            hits[again] = search(queries[again], vectors, k, wider)
    return hits


def _fill_hits(hits: np.ndarray, queries: np.ndarray, vectors: VectorFile, rows: np.ndarray) -> None:
    """Write the best of the candidate `rows` (q, m) to `hits` (q, k). All threads score candidates."""
    at_once = max(RESCORED // rows.shape[1], 1)
    parts = [slice(start, start + at_once) for start in range(0, len(queries), at_once)]
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        found = threads.map(lambda part: rescored(queries[part], vectors, rows[part]), parts)
        for part, best in zip(parts, found, strict=True):
            hits[part] = best[:, : hits.shape[1]]


def rescored(queries: np.ndarray, vectors: VectorFile, rows: np.ndarray) -> np.ndarray:
    """Return `rows` (q, m) as HITS with scores in double precision, best first."""
    hits = np.empty(rows.shape, HITS)
    hits["row"] = np.sort(rows, axis=1)
    for start in range(0, rows.shape[1], RESCORED):
        part = hits[:, start : start + RESCORED]
        for query, found, scores in zip(queries, vectors.scattered(part["row"]), part["score"], strict=True):
            scores[:] = _double_precision(query, found)
    return np.take_along_axis(hits, np.argsort(-hits["score"], axis=1, kind="stable"), axis=1)


def _double_precision(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    # We use einsum, because it sums every row in the same order. So equal vectors get equal scores.
    scores: np.ndarray = np.einsum("nd,d->n", vectors.astype(np.float64), query.astype(np.float64))
    return scores


def _candidates(queries: np.ndarray, vectors: VectorFile, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return m candidate rows per query (q, m), their lowest score (q,), and how far rounding may move a score (q,).

    All scores are in single precision.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    workers = _worker_count(len(queries)) if device == "cpu" else 1
    # A worker multiplies a block with one group of queries after another: with groups[worker], groups[worker + workers]
    # and so on.
    group_size = min(QUERY_ROWS // workers, -(-len(queries) // workers))
    groups = [_Best(group, m) for group in torch.from_numpy(queries).to(device).split(group_size)]
    # We reserve the memory once, because new memory for every product takes as long as the product.
    memories = torch.empty((workers, PRODUCT_ROWS * group_size), device=device)
    block = torch.empty((min(PRODUCT_ROWS, len(vectors)), vectors.dimension), device=device)
    borders = np.linspace(0, len(block), workers + 1).astype(int).tolist()

    def convert(worker: int, start: int, stop: int) -> float:
        """Convert the worker's share of a block to single precision. Return the length of its longest vector."""
        first, end = start + borders[worker], min(start + borders[worker + 1], stop)
        if first >= end:
            return 0.0
        share = block[first - start : end - start]
        share.copy_(torch.from_numpy(vectors.block(first, end)))
        return float(torch.linalg.vector_norm(share, dim=1).max())

    def update(worker: int, start: int, stop: int) -> None:
        for best in groups[worker::workers]:
            best.update(block[: stop - start], start, memories[worker])

    def finish(worker: int) -> None:
        for best in groups[worker::workers]:
            best.merge_waiting()

    longest = 0.0
    with bar("searching", total=len(vectors), unit=" vectors") as counter, _in_threads(workers) as by_each_worker:
        for start in range(0, len(vectors), PRODUCT_ROWS):
            stop = min(start + PRODUCT_ROWS, len(vectors))
            vectors.read_ahead(stop + AHEAD_ROWS, min(stop + AHEAD_ROWS + PRODUCT_ROWS, len(vectors)))
            longest = max(longest, *by_each_worker(convert, start, stop))
            by_each_worker(update, start, stop)
            counter.update(stop - start)
        by_each_worker(finish)
    rows, scores = (torch.cat([getattr(best, name) for best in groups]).cpu().numpy() for name in ("rows", "scores"))
    return rows, scores.min(axis=1).astype(np.float64), _rounding_error(queries, longest)


def _worker_count(queries: int) -> int:
    """Return how many workers share the queries on the CPU: as many as can get LEAST_QUERIES each, at least one."""
    return max(1, min(torch.get_num_threads(), min(queries, QUERY_ROWS) // LEAST_QUERIES))


def _rounding_error(queries: np.ndarray, longest: float) -> np.ndarray:
    """Return how far rounding may move a query's scores (q,). `longest` is the length of the longest vector.

    The rounding error of the dot product of q and x, with d dimensions, is at most d * 2^-24 * |q| * |x| (Higham 2002,
    section 3.1). We double this bound as a margin.
    """
    error: np.ndarray = 2 * queries.shape[1] * 2.0**-24 * np.linalg.norm(queries.astype(np.float64), axis=1) * longest
    return error


@contextmanager
def _in_threads(workers: int) -> Iterator[Callable[..., list[Any]]]:
    """Yield a function, `by_each_worker(work, *arguments)`.

    The function calls `work(worker, *arguments)` in parallel for worker 0, 1 and so on, and returns a list of results.

    Torch does much of a search on one thread. So several workers run side by side, each with some of torch's threads.
    """
    threads = torch.get_num_threads()
    each = max(threads // workers, 1)

    # `set_num_threads` in a worker can change the number of the whole process, so `torch_threads` restores this number.
    with torch_threads(threads), ThreadPoolExecutor(workers, "", torch.set_num_threads, (each,)) as pool:

        def by_each_worker(work: Callable[..., Any], *arguments: Any) -> list[Any]:
            inferring = torch.inference_mode()(work)
            return list(pool.map(lambda worker: inferring(worker, *arguments), range(workers)))

        yield by_each_worker


class _Best:
    """The m best rows so far of some queries, by scores in single precision, in no particular order."""

    def __init__(self, queries: torch.Tensor, m: int) -> None:
        self._queries = queries.T.contiguous().T  # this memory order makes the product faster
        self._m = m
        self.scores = queries.new_empty((len(queries), 0))
        self.rows = torch.empty((len(queries), 0), dtype=torch.int64, device=queries.device)
        self._lowest = queries.new_full((len(queries),), -torch.inf)
        self._clear_waiting()

    def update(self, block: torch.Tensor, first_row: int, memory: torch.Tensor) -> None:
        """Score a block. For each query, set aside the rows that score above the lowest of its m best rows.

        A later merge decides which of these rows belong to the m best. While there are fewer than m best rows, merge
        the whole block now. `memory` gets the scores.
        """
        scores = memory[: len(block) * len(self._queries)].view(len(block), -1)
        torch.mm(block, self._queries.T, out=scores)
        if self.rows.shape[1] < self._m:
            rows = torch.arange(first_row, first_row + len(block), device=block.device)
            self._merge(scores.T, rows.expand(scores.T.shape))
            return
        # A pair is a query and a row group whose best score for this query is high enough. First we find the pairs,
        # then the rows in their groups. The last rows of the block fill no group, so we compare them one by one.
        in_groups = len(block) // GROUP_ROWS * GROUP_ROWS
        row_groups = scores[:in_groups].view(-1, GROUP_ROWS, scores.shape[1])
        row_group, query = (row_groups.amax(1) > self._lowest).nonzero(as_tuple=True)
        of_pairs = row_groups[row_group, :, query]
        pair, place = (of_pairs > self._lowest[query, None]).nonzero(as_tuple=True)
        self._set_aside(query[pair], first_row + row_group[pair] * GROUP_ROWS + place, of_pairs[pair, place])
        row, query = (scores[in_groups:] > self._lowest).nonzero(as_tuple=True)
        self._set_aside(query, first_row + in_groups + row, scores[in_groups + row, query])
        if self._count > WAITING_PER_QUERY * len(self.rows):
            self.merge_waiting()

    def _set_aside(self, query: torch.Tensor, row: torch.Tensor, score: torch.Tensor) -> None:
        self._waiting.append((query, row, score))
        self._count += len(query)

    def merge_waiting(self) -> None:
        """Merge the waiting candidates with the best rows.

        `_merge` needs a table of candidates: one line for each query, filled up with scores of minus infinity.
        """
        if not self._count:
            return
        query, row, score = (torch.cat(column) for column in zip(*self._waiting, strict=True))
        order = query.argsort(stable=True)
        query, row, score = query[order], row[order], score[order]
        counts = query.bincount(minlength=len(self.rows))
        starts = counts.cumsum(0) - counts
        place = torch.arange(len(query), device=query.device) - starts[query]  # in the line of the query
        scores = self.scores.new_full((len(self.rows), int(counts.max())), -torch.inf)
        rows = torch.full_like(scores, -1, dtype=torch.int64)
        scores[query, place], rows[query, place] = score, row
        self._merge(scores, rows)

    def _merge(self, scores: torch.Tensor, rows: torch.Tensor) -> None:
        scores, rows = torch.cat([self.scores, scores], dim=1), torch.cat([self.rows, rows], dim=1)
        self.scores, kept = scores.topk(min(self._m, scores.shape[1]), dim=1, sorted=False)
        self.rows = rows.gather(1, kept)
        self._lowest = self.scores.amin(1)
        self._clear_waiting()

    def _clear_waiting(self) -> None:
        self._waiting: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        self._count = 0


def search_shard(queries: Path, vectors: Path, first_row: int, k: int, output: Path) -> None:
    """Search one shard of vectors, and write the hits as an .npy of HITS.

    `first_row` is the corpus row of the shard's first vector. Raises UserError when the dimensions differ, or when the
    vector of a query is not finite.
    """
    query_vectors, shard = np.load(queries), VectorFile(vectors)
    shard.refuse_other_dimension(query_vectors, str(queries))
    if not np.isfinite(query_vectors).all():
        raise UserError(f"{queries}: a vector is not finite (NaN or infinite): delete the file, and it is made again")
    hits = search(query_vectors, shard, k)
    hits["row"] += first_row
    save_by_query(output, hits, digest_in(queries))
