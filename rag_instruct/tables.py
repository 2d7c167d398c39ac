"""Make data frames, and write them as Markdown or plain text, with formatted numbers.

Functions import pandas themselves: it takes half a second to load, and most commands make no table.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Formats = Mapping[str, Callable[[Any], str]]  # the function that formats a column's values, by column
NO_FORMATS: Formats = {}
NOTHING = "-"  # shown in a cell without a value


def frame(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> "pd.DataFrame":
    """Return a data frame with unchanged cells. In pandas' own types, a missing value turns integers into floats."""
    import pandas as pd

    return pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)


def formatted(table: "pd.DataFrame", formats: Formats = NO_FORMATS) -> "pd.DataFrame":
    """Return the table with every cell as text. `formats` has functions such as "{:+.1f}".format, by column.

    In other columns, whole numbers get thousands separators, and other numbers get two decimals.
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
    """Return the table as Markdown with columns of even width. Numbers are aligned to the right."""
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
    """Return a share from 0 to 1 in percent. "0.0 %" is exactly 0, and "100.0 %" is exactly 1."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < share < 1 else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Return a time in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
