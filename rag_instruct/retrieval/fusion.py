"""Fuse the runs of several retrievers by reciprocal ranks (Cormack, Clarke and Büttcher 2009)."""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.retrieval.runs import Run, step_of, write_run
from rag_instruct.retrieval.vectors import HITS

SOFTENING = 60  # the authors' constant: the first rank adds 1/61, the second 1/62, and so on


def fuse_runs(runs: Sequence[Run], k: int, query_ids: Sequence[str], output: Path, trec: Path) -> None:
    """Write a run with the k best passages of each query by their ranks in all runs."""
    step = step_of(k)
    parts = (
        np.vstack([_of_query(runs, query, k, output) for query in query_ids[start : start + step]])
        for start in range(0, len(query_ids), step)
    )
    write_run(parts, list(query_ids), runs[0].store, output, trec)


def _of_query(runs: Sequence[Run], query: str, k: int, output: Path) -> np.ndarray:
    rankings = [run.ranking(query) for run in runs]
    best = fused([_without_fill(ranking) for ranking in rankings])
    hits = np.concatenate([best, _others(rankings, best["row"])])[:k]
    if len(hits) < k:
        raise UserError(
            f"{output}: the runs have {len(hits)} passages for the query {query!r}, but {k} are needed: "
            "give deeper runs, or lower the depth in config.yaml (`source_depth`, `noise.depth`, or "
            "`evaluation.documents` for benchmarks)"
        )
    return hits


def _without_fill(ranking: np.ndarray) -> np.ndarray:
    """Return the rows of a ranking, without those at its end that score 0.

    A search by words that finds too few passages fills its list up with others, in the order of the corpus. These share
    no word with the query and score 0, so their ranks mean nothing. In a search by vectors, passages with negative
    scores may follow one with score 0. Then the one with 0 counts like any other.
    """
    scored = np.flatnonzero(ranking["score"])
    rows: np.ndarray = ranking["row"][: scored[-1] + 1 if len(scored) else 0]
    return rows


def _others(rankings: Sequence[np.ndarray], fused_rows: np.ndarray) -> np.ndarray:
    """Return HITS of the rows that are in a ranking, but not in `fused_rows`: score 0, in the order of the corpus.

    So a run never has fewer passages than the runs that it is made from.
    """
    rows = np.setdiff1d(np.concatenate([ranking["row"] for ranking in rankings]), fused_rows)
    hits = np.zeros(len(rows), HITS)
    hits["row"] = rows
    return hits


def fused(rankings: Sequence[np.ndarray]) -> np.ndarray:
    """Return HITS of all rows in the rankings, best first. A row scores 1 / (60 + rank) in each ranking that has it.

    Equal scores keep the order of the corpus. We add whole numbers, because rounding could give rows with equal
    ranks different scores.
    """
    unit, shares = _shares(max(map(len, rankings), default=0))
    sums: dict[int, int] = {}
    for ranking in rankings:
        for row, share in zip(ranking.tolist(), shares, strict=False):
            sums[row] = sums.get(row, 0) + share
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return np.array([(row, total / unit) for row, total in ordered], HITS)


@lru_cache
def _shares(depth: int) -> tuple[int, list[int]]:
    """Return the least common multiple of all 60 + rank, and for each rank this multiple / (60 + rank)."""
    unit = math.lcm(*range(SOFTENING + 1, SOFTENING + depth + 1))
    return unit, [unit // (SOFTENING + rank) for rank in range(1, depth + 1)]
