"""Data frames, and how people read them: Markdown, plain text, and numbers with their units.

Functions import pandas themselves: it loads for half a second, and most commands make no table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Formats = Mapping[str, Callable[[Any], str]]  # by column
NO_FORMATS: Formats = {}
NOTHING = "-"  # a cell without a value


def frame(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> "pd.DataFrame":
    """Return a data frame whose cells stay as they are: whole numbers stay whole beside missing ones."""
    import pandas as pd

    return pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)


def formatted(table: "pd.DataFrame", formats: Formats = NO_FORMATS) -> "pd.DataFrame":
    """Return the table with every cell as text. `formats` has a function by column, such as "{:+.1f}".format.

    Without one, whole numbers have thousands separators and others two decimals.
    """
    return table.apply(lambda column: column.map(lambda value: _cell(value, formats.get(column.name))))


def _cell(value: Any, form: Callable[[Any], str] | None) -> str:
    if value is None or value != value:
        return NOTHING
    if form:
        return form(value)
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, Integral) else f"{value:,.2f}"


def markdown(table: "pd.DataFrame", formats: Formats = NO_FORMATS) -> str:
    """Return the table as Markdown with columns of even width; numbers stand to the right."""
    shown = formatted(table, formats)
    shown = shown.map(lambda text: " ".join(text.split()).replace("|", "\\|"))
    return _drawn(shown, "pipe")


def text(table: "pd.DataFrame", formats: Formats = NO_FORMATS) -> str:
    """Return the table for a terminal."""
    return _drawn(formatted(table, formats), "plain")


def _drawn(shown: "pd.DataFrame", style: str) -> str:
    sides = ["right" if all(map(_is_number, shown.iloc[:, place])) else "left" for place in range(shown.shape[1])]
    return str(shown.to_markdown(index=False, tablefmt=style, disable_numparse=True, colalign=sides))


def _is_number(shown: str) -> bool:
    return shown == NOTHING or shown.lstrip("+-<>~ $")[:1].isdigit()


def percent(share: float) -> str:
    """Return a share from 0 to 1 in percent: "0.0 %" means none and "100.0 %" means all."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < share < 1 else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits them."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
