"""Confidence intervals of shares."""


def wilson(passed: int, tested: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927), or 0 to 1 when nothing was tested."""
    from scipy.stats import binomtest  # takes half a second to load

    if not tested:
        return 0.0, 1.0
    interval = binomtest(passed, tested).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
