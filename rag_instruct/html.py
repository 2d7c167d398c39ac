"""Static pages: templates that escape whatever models say, and the places of a plot's parts."""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2

Point = tuple[float, float]
HALF_PAIR = re.compile("[\ud800-\udfff]")


def render(template: Path, **shown: Any) -> str:
    """The template with what is shown in it, all of it escaped: outputs are anybody's text.

    Half a surrogate pair, which no file can hold, becomes the sign for what cannot be read.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = "{:,}".format
    environment.filters["percent"] = percent
    return HALF_PAIR.sub("\ufffd", environment.get_template(template.name).render(shown))


def percent(share: float) -> str:
    """A share from 0 to 1 for people: never 0 % of what there is, nor 100 % of what is not all."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < share < 1 else f"{100 * share:.1f} %"


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` + 1 round numbers from `low` to `high`."""
    rough = max(high - low, 1e-9) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


class Frame:
    """A plot's axes: values become percents of its width and height, from the upper left, as SVG counts."""

    def __init__(self, x: Point, y: Point, x_label: str, y_label: str) -> None:
        self.x, self.y = x, y
        self.labels = x_label, y_label

    def point(self, x: float, y: float) -> str:
        return f"{self.across(x)},{self.down(y)}"

    def across(self, x: float) -> float:
        return round(100 * (x - self.x[0]) / max(self.x[1] - self.x[0], 1e-9), 2)

    def down(self, y: float) -> float:
        return round(100 - 100 * (y - self.y[0]) / max(self.y[1] - self.y[0], 1e-9), 2)

    def line(self, points: Iterable[Point]) -> str:
        return " ".join(self.point(*point) for point in points)

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
        there, back = list(zip(xs, low, strict=True)), list(zip(xs, high, strict=True))
        return self.line([*there, *reversed(back)])

    def described(self, **parts: Any) -> dict[str, Any]:
        """What the template draws: the axes and the parts."""
        return {
            "x_label": self.labels[0],
            "y_label": self.labels[1],
            "x_ticks": [(f"{tick:,g}", self.across(tick)) for tick in ticks(*self.x)],
            "y_ticks": [(f"{tick:,g}", self.down(tick)) for tick in ticks(*self.y, 4)],
            **{"bars": [], "bands": [], "lines": [], "limits": [], **parts},
        }
