"""Draw figures as SVG files that are the same bytes for the same values."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from rag_instruct.files import whole

matplotlib.rcParams["svg.hashsalt"] = "rag_instruct"  # the same values give the same bytes
matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text, so the file is small and can be searched


def new_figure(inches: tuple[float, float]) -> Figure:
    """Return an empty figure of this width and height."""
    return Figure(figsize=inches, layout="constrained")


def save_svg(figure: Figure, path: Path) -> None:
    """Write the figure."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    with whole(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
