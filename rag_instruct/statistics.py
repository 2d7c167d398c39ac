"""Intervals of shares."""


def wilson(passed: int, tested: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927), by scipy; 0 to 1 when nothing was tested."""
    from scipy.stats import binomtest  # loads for half a second

    if not tested:
        return 0.0, 1.0
    interval = binomtest(passed, tested).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
