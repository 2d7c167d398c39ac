"""Read the records of others' files one at a time: JSON, JSON lines, TSV, CSV and Parquet, also .gz, .zst and .zip."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.records.json_values import json_members, json_records
from rag_instruct.records.opening import COMPRESSIONS, Form, Located, is_known, kind_of, opened_text, resolved
from rag_instruct.records.tables import DELIMITERS, Row, table_records
from rag_instruct.records.values import member, member_as_list, shown

__all__ = [
    "PLAIN", "Form", "Located", "Row", "is_known", "located_members", "located_records", "member", "member_as_list",
    "shown", "text_lines",
]  # fmt: skip

PLAIN = Form()


def located_records(path: Path, columns: Sequence[str] = (), form: Form = PLAIN) -> Iterator[Located]:
    """Read the records of a file, with a progress bar. A `path` a/b.zip/c.json means c.json in the archive.

    `columns` are the only ones that are read from Parquet ("a.b" is a member of a list or struct). A UserError names
    the file and the record that cannot be read. Nothing is repaired or left out, except that blank lines and byte-order
    marks are skipped, and a question mark replaces half a surrogate pair (with a warning).
    """
    path = resolved(path, form)
    kind, compression = kind_of(path)
    if kind == ".parquet":
        from rag_instruct.records.parquet import parquet_records  # loads pyarrow, which a dry run does without

        yield from parquet_records(path, columns)
        return
    with opened_text(path, form, compression) as text:
        if text.wrong_file:
            raise UserError(f"{path}: not records, but {text.wrong_file}")
        yield from table_records(text, kind, form) if kind in DELIMITERS else json_records(text, form)


def located_members(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Read the members of a JSON object, each with its place and its key. Raises UserError like `located_records`."""
    path = resolved(path, PLAIN)
    with opened_text(path, PLAIN, kind_of(path)[1]) as text:
        yield from json_members(text)


def text_lines(path: Path) -> Iterator[str]:
    """Read the lines of a text file, also .gz, .zst, or in a .zip. Raises UserError like `located_records`."""
    compression = next((ending for ending in COMPRESSIONS if path.name.lower().endswith(ending)), "")
    with opened_text(path, PLAIN, compression) as text:
        if text.wrong_file:
            raise UserError(f"{path}: not the wanted file, but {text.wrong_file}")
        yield from text.lines()
