"""Compute bootstrap intervals of scores, and paired tests of two models on the same questions."""

from typing import NamedTuple

import numpy as np

LEVEL = 0.95
RESAMPLES = 10_000
SEED = 1
FEW = 64  # with at most this many distinct values, we draw counts instead of single questions
BLOCK = 1 << 21  # single draws that are in memory at a time


class Paired(NamedTuple):
    """The mean difference of two models' scores on the same questions."""

    difference: float
    low: float  # of the 95 % interval
    high: float
    p: float  # of the exact sign test


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean over questions. `values` has one score a question.

    If all scores are 0, or all are 1, every resample has the same mean. The interval is then the exact binomial one
    (Clopper-Pearson).
    """
    values = np.asarray(values, dtype=float)
    if values.size and values.min() == values.max() and values[0] in (0.0, 1.0):
        from scipy.stats import binomtest  # here, because loading takes half a second and most jobs do not need it

        exact = binomtest(int(values.sum()), values.size).proportion_ci(LEVEL)
        return float(exact.low), float(exact.high)
    return _bootstrap(values)


def _bootstrap(values: np.ndarray) -> tuple[float, float]:
    means = resampled_means(values, RESAMPLES, SEED)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def paired(before: np.ndarray, after: np.ndarray) -> Paired:
    """Return the mean of after - before, its paired bootstrap interval, and the exact p of the sign test.

    For scores of 0 and 1 this is McNemar's exact test, which counts the questions that only one model has right.

    If all questions have the same difference, a bootstrap interval has no width. For a difference of 0, 1 or -1 we take
    an exact interval, as `interval` does. It bounds the share of other questions that may differ (if none does here),
    or that may differ in the other direction (if all differ by one point here).
    """
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    assert before.shape == after.shape, f"scores of different questions: shapes {before.shape} and {after.shape}"
    differences = after - before
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    most = interval(np.zeros(differences.size))[1]  # an upper bound of a share that is 0 in these questions
    if not better + worse:
        return Paired(0.0, -most, most, 1.0)
    from scipy.stats import binomtest

    p = float(binomtest(better, better + worse).pvalue)
    mean = float(differences.mean())
    if abs(mean) == 1 and differences.min() == differences.max():
        low, high = sorted((mean, mean * (1 - 2 * most)))
        return Paired(mean, low, high, p)
    return Paired(mean, *_bootstrap(differences), p)


def resampled_means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return the mean of each of `resamples` bootstrap resamples.

    With few distinct values (mostly 0 and 1) we draw the count of each value from a multinomial distribution. This is
    faster than drawing single questions.
    """
    assert values.size, "no score to resample"
    random = np.random.default_rng(seed)
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size <= FEW:
        drawn = random.multinomial(values.size, counts / values.size, size=resamples)
        return np.asarray(drawn @ distinct / values.size)
    rows = max(1, BLOCK // values.size)
    blocks = [min(rows, resamples - start) for start in range(0, resamples, rows)]
    # 32-bit indices, because 64 bits take four times as long.
    return np.concatenate(
        [
            values[random.integers(values.size, size=(block, values.size), dtype=np.uint32)].mean(axis=1)
            for block in blocks
        ]
    )
