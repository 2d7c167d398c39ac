"""Compute the axes of plots: their round numbers, and the positions of values."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

Point = tuple[float, float]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return at most `most` + 1 round numbers from `low` to `high`."""
    step = _step(low, high, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def ticks_around(low: float, high: float) -> list[float]:
    """Return evenly spaced whole numbers that span `low`, 0 and `high`, few enough for the width of a phone."""
    low, high = min(low, 0.0), max(high, 0.0)
    step = max(1.0, _step(low, high, 5))
    return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _step(low: float, high: float, most: int) -> float:
    rough = max(high - low, 1e-9) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))


class Axes:
    """The axes of a plot. Values become percentages of its width and height, from the upper left as in SVG."""

    def __init__(self, x: Point, y: Point, x_label: str, y_label: str) -> None:
        self.x, self.y = x, y
        self.labels = x_label, y_label

    def across(self, x: float) -> float:
        """Return the distance of a value from the left, in percent of the width."""
        return round(100 * (x - self.x[0]) / max(self.x[1] - self.x[0], 1e-9), 2)

    def down(self, y: float) -> float:
        """Return the distance of a value from the top, in percent of the height."""
        return round(100 - 100 * (y - self.y[0]) / max(self.y[1] - self.y[0], 1e-9), 2)

    def line(self, points: Iterable[Point]) -> str:
        """Return the points of a polyline, for SVG's attribute `points`."""
        return " ".join(f"{self.across(x)},{self.down(y)}" for x, y in points)

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
        """Return the points of the polygon between two curves."""
        there, back = list(zip(xs, low, strict=True)), list(zip(xs, high, strict=True))
        return self.line([*there, *reversed(back)])

    def described(self, **parts: Any) -> dict[str, Any]:
        """Return the values for the template: the axes and the parts of the plot."""
        return {
            "x_label": self.labels[0],
            "y_label": self.labels[1],
            "x_ticks": [(f"{tick:,g}", self.across(tick)) for tick in ticks(*self.x)],
            "y_ticks": [(f"{tick:,g}", self.down(tick)) for tick in ticks(*self.y, 4)],
            **{"bars": [], "bands": [], "lines": [], "limits": [], **parts},
        }
