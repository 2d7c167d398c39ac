"""Draw the report's plots: the rows' lengths, and the documents' scores by rank."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rag_instruct.plots import Axes
from rag_instruct.schema import Row

BINS = 40  # bars of the histogram
RANKS = 50  # the most points of a curve
QUANTILES = (0.1, 0.5, 0.9)


def length_plot(tokens: Sequence[int], limit: int) -> dict[str, Any]:
    """Return a histogram of the rows' lengths in tokens, with a line at training's `limit`."""
    edges = np.linspace(0, 1.02 * max(*tokens, limit), BINS + 1)
    counts, _ = np.histogram(tokens, edges)
    axes = Axes((0, float(edges[-1])), (0, 1.05 * int(counts.max())), "tokens of a row", "rows")
    bars = [
        {
            "x": axes.across(left),
            "width": axes.across(right) - axes.across(left),
            "y": axes.down(int(count)),
            "over": left >= limit,
            "says": f"{left:,.0f} to {right:,.0f} tokens: {count:,} rows",
        }
        for left, right, count in zip(edges, edges[1:], counts, strict=False)
        if count
    ]
    return axes.described(bars=bars, limits=[(axes.across(limit), f"limit {limit:,}")])


def score_plot(rows: Iterable[Row]) -> dict[str, Any] | None:
    """Return a plot of the documents' median score by rank, with a band from the first to the last decile.

    Source and noise documents have separate curves. Returns None if no row has passages.
    """
    found: dict[str, dict[int, list[float]]] = {"source": {}, "noise": {}}
    for row in rows:
        for passage in (one for one in row.passages if one.rank):  # random noise has no rank
            found[passage.role].setdefault(passage.rank, []).append(passage.score)
    curves = {role: _curve(scores) for role, scores in found.items() if scores}
    if not curves:
        return None
    values = np.concatenate([curve["scores"].ravel() for curve in curves.values()])
    last = max(curve["ranks"][-1] for curve in curves.values())
    axes = Axes((0, last + 1), (float(values.min()), float(values.max())), "rank in its search", "score")
    bands, lines = [], []
    for series, (role, curve) in enumerate(curves.items()):
        low, middle, high = curve["scores"].T
        bands.append({"points": axes.band(curve["ranks"], low, high), "series": series})
        lines.append({"points": axes.line(zip(curve["ranks"], middle, strict=True)), "series": series, "name": role})
    return axes.described(bands=bands, lines=lines)


def _curve(scores: Mapping[int, Sequence[float]]) -> dict[str, Any]:
    """Return ranks, and the scores' QUANTILES at each rank, shape (ranks, 3). More than RANKS ranks are grouped."""
    ranks = sorted(scores)
    groups = np.array_split(np.array(ranks), min(RANKS, len(ranks)))
    values = [np.quantile(np.concatenate([scores[int(rank)] for rank in group]), QUANTILES) for group in groups]
    return {"ranks": [float(group.mean()) for group in groups], "scores": np.array(values)}
