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
    """Return the rows of a ranking, without the rows at its end that score 0.

    If a search by words finds too few passages, it fills its list up with passages that have none of the query's terms.
    These passages score 0, so their ranks mean nothing. In a search by vectors, negative scores may follow a score of
    0. This 0 is a real score, and its row stays.
    """
    scored = np.flatnonzero(ranking["score"])
    rows: np.ndarray = ranking["row"][: scored[-1] + 1 if len(scored) else 0]
    return rows


def _others(rankings: Sequence[np.ndarray], fused_rows: np.ndarray) -> np.ndarray:
    """Return the rows that are in a ranking, but not in `fused_rows`: HITS with score 0, in the order of the corpus.

    With these rows, the fused ranking has every passage of every run, until it is cut to k.
    """
    rows = np.setdiff1d(np.concatenate([ranking["row"] for ranking in rankings]), fused_rows)
    hits = np.zeros(len(rows), HITS)
    hits["row"] = rows
    return hits


def fused(rankings: Sequence[np.ndarray]) -> np.ndarray:
    """Return HITS of all rows in the rankings, best first. A row scores 1 / (60 + rank) in each ranking that has it.

    Equal scores keep the order of the corpus. Ranks 1, 2 and 3 in three rankings must score the same as ranks 3, 1 and
    2. So we add whole numbers, because a sum of floats depends on their order.
    """
    denominator, numerators = _fractions(max(map(len, rankings), default=0))
    sums: dict[int, int] = {}
    for ranking in rankings:
        for row, numerator in zip(ranking.tolist(), numerators, strict=False):
            sums[row] = sums.get(row, 0) + numerator
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return np.array([(row, total / denominator) for row, total in ordered], HITS)


@lru_cache
def _fractions(depth: int) -> tuple[int, list[int]]:
    """Return a common denominator of all 1 / (60 + rank) up to rank `depth`, and the numerator for each rank."""
    denominator = math.lcm(*range(SOFTENING + 1, SOFTENING + depth + 1))
    return denominator, [denominator // (SOFTENING + rank) for rank in range(1, depth + 1)]
