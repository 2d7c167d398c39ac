"""Take values out of others' records and check their types. Errors quote the value and say what the field takes.

- `text_of` takes a text. `name_of`, for ids and titles, also takes a whole number. Both return "" for a missing value.
- `word_of`, for answers and options, takes a text or any number, and refuses a missing value.
"""

import ast
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError

SHOWN = 60  # characters of a value that a message quotes


class Partial(dict[str, Any]):
    """A row of which only some columns were read. Messages list all `columns` of its file."""

    columns: Sequence[str] = ()


def names_of(record: Mapping[str, Any]) -> str:
    """Return the names of a record's fields as messages list them."""
    return f"{', '.join(map(str, getattr(record, 'columns', record))) or 'nothing':.300}"


def member(record: Any, path: str) -> Any:
    """Return the value of the key "a.b" in a record, or of b inside of a.

    If a value on the way is a list, return a list. A KeyError names the missing key.
    """
    if isinstance(record, dict) and path in record:
        return record[path]
    for name in path.split("."):
        if isinstance(record, list):
            record = [member(part, name) for part in record]
        elif isinstance(record, dict) and name in record:
            record = record[name]
        else:
            has = names_of(record) if isinstance(record, dict) else shown(record)
            raise KeyError(f"no {name!r}, it has {has}")
    return record


def member_as_list(record: Any, path: str) -> list[Any]:
    """Return a list of the one value that `member` returns, or an empty list where `member` raises KeyError."""
    try:
        return [member(record, path)]
    except KeyError:
        return []


def shown(value: Any) -> str:
    """Return a value as messages quote it: its first characters."""
    return repr(value[:SHOWN] if isinstance(value, str) else value)[:SHOWN]


def layout_hint(path: Path, place: str, record: Any, under: str) -> str:
    """Return a hint for the message about a record that lacks a field, or "".

    The record may be an object that holds the records, or line 1 of its table may be a record and no header. `under` is
    the key under which the record was found.
    """
    name = path.name.lower()
    if place == "line 2" and (".csv" in name or ".tsv" in name):
        return "; if line 1 is a record and not the names of the columns, give the names under `header`"
    may_hold = under or (place == "line 1" and ".jsonl" not in name)
    found = record.items() if may_hold and isinstance(record, dict) else ()
    held = next((key for key, value in found if isinstance(value, list) and value and isinstance(value[0], dict)), "")
    keys = f"{under}.{held}" if under else held
    return f"; if the records are in the list {held!r}, set `under: {keys}`" if held else ""


def is_missing(value: Any) -> bool:
    """Return whether a value is missing: it is null, or NaN, which pandas writes for an empty cell."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def text_of(value: Any, field: str) -> str:
    """Return a text, or "" for a missing one. Raises TypeError for any other value."""
    if is_missing(value):
        return ""
    if isinstance(value, str):
        return value
    raise TypeError(f"the {field} must be a text, but is {shown(value)}")


def name_of(value: Any, field: str) -> str:
    """Return a text or a whole number as text, or "" for a missing one. Raises TypeError for any other value."""
    if is_missing(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"the {field} must be a text or a whole number, but is {shown(value)}")
    return str(value)


def flag(record: Mapping[str, Any], name: str, default: bool, place: str) -> bool:
    """Return a field that is true or false, or `default` if it is missing. It may be a text, as in CSV.

    Raises UserError for any other value; it names `place`.
    """
    value = record.get(name)
    if is_missing(value):
        return default
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise UserError(f"{place}: `{name}` must be true or false, but is {shown(value)}: correct it")
    return value


def word_of(value: Any, field: str) -> str:
    """Return a text, or a number as text. Raises TypeError for any other value, also for a missing one."""
    if isinstance(value, float) and math.isfinite(value):
        return format(Decimal(repr(value)), "f")
    if is_missing(value):
        raise TypeError(f"the {field} must be a text, but is {shown(value)}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"the {field} must be a text or a number, but is {shown(value)}")
    return str(value)


def words_of(value: Any, field: str) -> list[str]:
    """Return a text, a number, or a list of them as texts.

    A text in square brackets must be a list in JSON or as Python writes it: CSV cells have both. Raises TypeError for
    any other value.
    """
    if isinstance(value, str) and value.strip()[:1] == "[" and value.strip()[-1:] == "]":
        value = _decoded(value, field)
    return [word_of(one, field) for one in (value if isinstance(value, list) else [value])]


def listed(value: Any, field: str) -> Any:
    """Return the value, but decode a text that begins with [ or {: a list or object in a cell of a table."""
    return _decoded(value, field) if isinstance(value, str) and value.strip()[:1] in ("[", "{") else value


def _decoded(value: str, field: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        if (found := _as_python_writes(value)) is not None:
            return found
        raise TypeError(
            f'the {field} looks like a list, but is not JSON: {shown(value)}; write it as ["a", "b"], in double quotes'
        ) from error


def _as_python_writes(value: str) -> Any:
    """Return the list or object of a Python literal, or None for another text. Tables of pandas have such literals.

    The text must be exactly what Python prints: of "['a' 'b']", as NumPy prints a list, literal_eval would make ["ab"].
    """
    try:
        found = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found if repr(found) == value.strip() else None


def unique(texts: Iterable[Any]) -> tuple[str, ...]:
    """Return the stripped non-empty texts without repetitions, in the order of their first occurrence.

    Raises TypeError for a single text, whose letters would be taken for texts, and for elements that `word_of` refuses.
    """
    if isinstance(texts, str | dict):
        raise TypeError(f"a list of texts was expected, but found {shown(texts)}")
    found = (word_of(text, "text").strip() for text in texts)
    return tuple(dict.fromkeys(text for text in found if text))
