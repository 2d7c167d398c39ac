"""Approximate search by faiss, for questions that wait for an answer. Data sets are searched exactly."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.files import digest, read_json, whole, write_json
from rag_instruct.logs import logger, progress
from rag_instruct.retrieval.search import rescored, search
from rag_instruct.retrieval.vectors import BLOCK_ROWS, VectorFile

SAMPLE = 262_144  # vectors that train the index
TRIED, K = 100, 10  # vectors whose neighbours are searched, and how many, to measure the recall
ENOUGH = 0.95  # recall at which we search no larger part of the index
WIDER = 10  # times as many candidates as hits; their exact scores decide
PARAMETERS = ("nprobe", "efSearch")  # how much of an index is searched, by kind of index


class Quality(NamedTuple):
    """The recall of an index, and the parameter with which it was measured."""

    factory: str
    parameter: str  # such as nprobe=16; empty for an index without one
    recall: float  # of the 10 nearest vectors


def build_index(vectors: Path, factory: str, output: Path, info: Path) -> Quality:
    """Build faiss's index of a shard by a factory string. Measure its recall, and write both.

    We double the part of the index that is searched until the recall is at least ENOUGH, or all of it is searched.
    """
    shard = VectorFile(vectors)
    index = _made(shard, factory)
    queries = _some(shard, TRIED).astype(np.float32)
    exact = search(queries, shard, K)["row"]
    quality = Quality(factory, "", 0.0)
    for parameter in _parameters(index):
        _set(index, parameter)
        quality = Quality(factory, parameter, _recall(_best(index, shard, queries, K), exact))
        if quality.recall >= ENOUGH:
            break
    logger.info(
        "%s, %s: recall of the %d nearest %.3f", factory, quality.parameter or "no parameter", K, quality.recall
    )
    with whole(output) as temporary:
        faiss.write_index(index, str(temporary))
    write_json(info, quality._asdict())
    return quality


class ApproximateShard:
    """The index of one shard, mapped from its file."""

    def __init__(self, vectors: VectorFile, index: Path, info: Path) -> None:
        self._vectors = vectors
        again = f"delete {index.with_name('index.json')}, and make it again with snakemake"
        try:
            self._index = faiss.read_index(str(index), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            raise UserError(f"{index}: missing or damaged ({_said(error)}): {again}") from error
        if (self._index.ntotal, self._index.d) != (len(vectors), vectors.dimension):
            raise UserError(f"{index}: the index is of other vectors than those in the shard's .npy file: {again}")
        self.quality = Quality(**read_json(info))
        if self.quality.parameter:
            _set(self._index, self.quality.parameter)

    def search(self, query: np.ndarray, k: int) -> np.ndarray:
        """Return about the k best rows for one query (1, d) as HITS, best first. The scores are exact."""
        return _best(self._index, self._vectors, query, k)[0]


def _made(shard: VectorFile, factory: str) -> Any:
    try:
        index = faiss.index_factory(shard.dimension, factory, faiss.METRIC_INNER_PRODUCT)
        index.train(_some(shard, SAMPLE).astype(np.float32))
        for start in progress(range(0, len(shard), BLOCK_ROWS), f"indexing by {factory}"):
            index.add(shard.block(start, min(start + BLOCK_ROWS, len(shard))).astype(np.float32))
    except RuntimeError as error:
        raise UserError(
            f"faiss cannot make the index {factory!r} of {len(shard):,} vectors of {shard.dimension} numbers "
            f"({_said(error)}): give another `index` of the corpus in config.yaml, or `exact`"
        ) from error
    return index


def _said(error: RuntimeError) -> str:
    """Return the last part of faiss's message, which follows its source file and line."""
    return str(error).splitlines()[0].rsplit(":", 1)[-1].strip()


def _some(shard: VectorFile, count: int) -> np.ndarray:
    """Return at most `count` vectors of a shard, chosen by hash and in their order."""
    if len(shard) <= count:
        return shard.block(0, len(shard))
    rows = {int(digest("index", number)[:15], 16) % len(shard) for number in range(count)}
    return shard.scattered(np.array(sorted(rows)))


def _parameters(index: Any) -> Iterator[str]:
    """Yield the parameters to try, from the smallest part of the index to the whole."""
    for name in PARAMETERS:
        if not _takes(index, f"{name}=1"):
            continue
        most = faiss.extract_index_ivf(index).nlist if name == "nprobe" else 1024
        value = 1
        while value < most:
            yield f"{name}={value}"
            value *= 2
        yield f"{name}={most}"
        return
    yield ""


def _takes(index: Any, parameter: str) -> bool:
    try:
        _set(index, parameter)
    except RuntimeError:
        return False
    return True


def _set(index: Any, parameter: str) -> None:
    if parameter:
        space: Any = faiss.ParameterSpace()  # faiss's types know only another form of its function
        space.set_index_parameters(index, parameter)


def _best(index: Any, shard: VectorFile, queries: np.ndarray, k: int) -> list[np.ndarray]:
    """Return for each query the k best of the index's candidates, by their exact scores. An index may find fewer."""
    _, candidates = index.search(queries, min(WIDER * k, len(shard)))
    found = [rows[rows >= 0][None] for rows in candidates]  # -1 stands for a candidate that was not found
    return [rescored(query[None], shard, rows)[0, :k] for query, rows in zip(queries, found, strict=True)]


def _recall(found: list[np.ndarray], exact: np.ndarray) -> float:
    shares = [len(np.intersect1d(hits["row"], rows)) / len(rows) for hits, rows in zip(found, exact, strict=True)]
    return float(np.mean(shares))
