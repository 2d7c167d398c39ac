"""Approximate search by faiss, for questions that a user asks interactively (scripts/ask.py).

The searches for data sets are exact.
"""

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

TRAINING_VECTORS = 262_144  # vectors that train the index
# The recall is the share of the RECALL_HITS best hits that the index finds. We measure it with about RECALL_QUERIES
# vectors of the shard as queries.
RECALL_QUERIES, RECALL_HITS = 100, 10
SUFFICIENT_RECALL = 0.95  # at this recall, we try no larger parameter
CANDIDATES_PER_HIT = 10  # candidates that the index gives for each hit; we keep the best by exact scores
PARAMETERS = ("nprobe", "efSearch")  # most kinds of index have one of these, which sets how much a search reads
LARGEST_EF_SEARCH = 1024  # we stop here, because faiss has no upper limit for efSearch


class Quality(NamedTuple):
    """The recall of an index, and the parameter with which it was measured."""

    factory: str
    parameter: str  # such as nprobe=16; empty if the index has none of PARAMETERS
    recall: float
    vectors: str = ""  # a digest of some of the vectors; empty in indexes of older versions


def build_index(vectors: Path, factory: str, output: Path, info: Path) -> Quality:
    """Build faiss's index of a shard. Write the index to `output`, and its Quality to `info`.

    `factory` is faiss's name for a kind of index, such as IVF4096,PQ96. We try larger and larger values of the index's
    parameter, until the recall is at least SUFFICIENT_RECALL or the largest value is reached.
    """
    shard = VectorFile(vectors)
    index = _trained_index(shard, factory)
    quality = _measured(index, shard, factory)
    logger.info(
        "%s, %s: recall of the %d nearest %.3f",
        *(factory, quality.parameter or "no parameter", RECALL_HITS, quality.recall),
    )
    with whole(output) as temporary:
        faiss.write_index(index, str(temporary))
    write_json(info, quality._asdict())
    return quality


class ApproximateShard:
    """The index of one shard, mapped from its file."""

    def __init__(self, vectors: VectorFile, index: Path, info: Path) -> None:
        self._vectors = vectors
        # If index.json is missing, Snakemake builds the indexes whose .faiss.json is missing. So the user must delete
        # index.json and this .faiss.json.
        index_list = index.with_name("index.json")
        remedy = f"delete {info} and {index_list}, and make {index_list.name} again with snakemake"
        try:
            self._index = faiss.read_index(str(index), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            raise UserError(f"{index}: missing or damaged ({_message_of(error)}): {remedy}") from error
        try:
            self.quality = Quality(**read_json(info))
        except UserError as error:
            raise UserError(f"{info}: missing or damaged: {remedy}") from error
        has_shape = (self._index.ntotal, self._index.d) == (len(vectors), vectors.dimension)
        if not has_shape or self.quality.vectors not in ("", _digest_of(vectors)):
            raise UserError(f"{index}: the index was not made from the vectors in the shard's .npy file: {remedy}")
        if self.quality.parameter:
            _set_parameter(self._index, self.quality.parameter)

    def search(self, query: np.ndarray, k: int) -> np.ndarray:
        """Return at most k rows for one query vector, shape (1, d), as HITS (see `vectors`), best first.

        The scores are exact, but some of the best rows may be missing.
        """
        return _best_hits(self._index, self._vectors, query, k)[0]


def _measured(index: Any, shard: VectorFile, factory: str) -> Quality:
    """Return the quality for the smallest parameter that gives enough recall. If none does, take the largest.

    This parameter stays set in the index.
    """
    queries = _sampled(shard, RECALL_QUERIES).astype(np.float32)
    exact = search(queries, shard, RECALL_HITS)["row"]
    for parameter in _parameters(index):
        _set_parameter(index, parameter)
        recall = _recall(_best_hits(index, shard, queries, RECALL_HITS), exact)
        if recall >= SUFFICIENT_RECALL:
            break
    return Quality(factory, parameter, recall, _digest_of(shard))


def _trained_index(shard: VectorFile, factory: str) -> Any:
    try:
        index = faiss.index_factory(shard.dimension, factory, faiss.METRIC_INNER_PRODUCT)
        index.train(_sampled(shard, TRAINING_VECTORS).astype(np.float32))
        for start in progress(range(0, len(shard), BLOCK_ROWS), f"indexing by {factory}"):
            index.add(shard.block(start, min(start + BLOCK_ROWS, len(shard))).astype(np.float32))
    except RuntimeError as error:
        raise UserError(
            f"faiss cannot make the index {factory!r} of {len(shard):,} vectors of {shard.dimension} numbers "
            f"({_message_of(error)}): give another `index` of the corpus in config.yaml, or `exact`"
        ) from error
    return index


def _message_of(error: RuntimeError) -> str:
    """Return the last part of faiss's message. The source file and the line come before it."""
    return str(error).splitlines()[0].rsplit(":", 1)[-1].strip()


def _sampled(shard: VectorFile, count: int) -> np.ndarray:
    """Return about `count` vectors of a shard, in the shard's order, or all vectors of a smaller shard.

    Hashes choose the rows. A row that is chosen twice counts once, so there may be fewer vectors than `count`.
    """
    if len(shard) <= count:
        return shard.block(0, len(shard))
    rows = {int(digest("index", number)[:15], 16) % len(shard) for number in range(count)}
    return shard.scattered(np.array(sorted(rows)))


def _digest_of(shard: VectorFile) -> str:
    """Return a digest of about RECALL_QUERIES vectors.

    The digest nearly always differs between two models, and between two corpora of the same size. If only a few
    passages change, the digest may stay the same.
    """
    return digest(_sampled(shard, RECALL_QUERIES).tobytes().hex())


def _parameters(index: Any) -> Iterator[str]:
    """Yield the parameters to try, from the fastest search to the most thorough. If there is none, yield ""."""
    for name in PARAMETERS:
        if not _has_parameter(index, f"{name}=1"):
            continue
        largest = faiss.extract_index_ivf(index).nlist if name == "nprobe" else LARGEST_EF_SEARCH
        value = 1
        while value < largest:
            yield f"{name}={value}"
            value *= 2
        yield f"{name}={largest}"
        return
    yield ""


def _has_parameter(index: Any, parameter: str) -> bool:
    try:
        _set_parameter(index, parameter)
    except RuntimeError:
        return False
    return True


def _set_parameter(index: Any, parameter: str) -> None:
    if parameter:
        # The type is Any, because faiss's stubs define set_index_parameters twice, and mypy takes the wrong definition.
        space: Any = faiss.ParameterSpace()
        space.set_index_parameters(index, parameter)


def _best_hits(index: Any, shard: VectorFile, queries: np.ndarray, k: int) -> list[np.ndarray]:
    """Return HITS for each query: the k best of the index's candidates, by exact scores. There may be fewer than k."""
    _, candidates = index.search(queries, min(CANDIDATES_PER_HIT * k, len(shard)))
    found = [rows[rows >= 0][None] for rows in candidates]  # faiss writes -1 where a candidate is missing
    return [rescored(query[None], shard, rows)[0, :k] for query, rows in zip(queries, found, strict=True)]


def _recall(found: list[np.ndarray], exact: np.ndarray) -> float:
    shares = [len(np.intersect1d(hits["row"], rows)) / len(rows) for hits, rows in zip(found, exact, strict=True)]
    return float(np.mean(shares))
