"""Read the rows of TSV and CSV files, strictly: a row that does not fit is refused, and nothing is repaired."""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.records.opening import RECORD, Form, Text

DELIMITERS = {".tsv": "\t", ".csv": ","}
Located = tuple[str, Any]
UNQUOTED = "if the file was written without quoting, set `quoted: false` in config.yaml"


def table_records(text: Text, kind: str, form: Form) -> Iterator[Located]:
    """Read the rows as objects by the names in the header. Blank lines are skipped."""
    delimiter = form.delimiter or DELIMITERS[kind]
    rows = (_quoted if form.quoted else _joined)(text, delimiter)
    header: list[str] = []
    for line, row in rows:
        if not header:
            header = _checked_header(text, row, delimiter)
            continue
        if form.row_names and len(row) == len(header) + 1:
            row = row[1:]
        if len(row) != len(header):
            fix = f"; {UNQUOTED}" if form.quoted else ""
            raise UserError(
                f"{text.path}, line {line}: {len(row)} fields where the header has {len(header)} "
                f"({', '.join(header)}); the row begins with {row[:1]!r:.60}: correct it, or put fields that contain a "
                f"separator in quotes{fix}"
            )
        yield f"line {line}", dict(zip(header, row, strict=True))


def _checked_header(text: Text, header: list[str], delimiter: str) -> list[str]:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UserError(f"{text.path}, line 1: the header has {twice[0]!r} twice: rename one of the columns")
    other = next((sign for sign in ";\t,|" if sign in header[0] and sign != delimiter), "")
    if len(header) == 1 and other:
        raise UserError(
            f"{text.path}, line 1: the header is one field, {header[0]!r:.60}: if {other!r} separates the fields, set "
            f"`delimiter: {other!r}` in config.yaml"
        )
    return header


def _quoted(text: Text, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file with quotes as in CSV, each with the number of its first line."""
    csv.field_size_limit(RECORD)
    rows = csv.reader(text.lines(), delimiter=delimiter, strict=True)
    broken, first, end = 0, 0, 0
    while True:
        begin = end + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise UserError(
                f"{text.path}, line {begin}: the row that begins here cannot be read ({error}, on line "
                f'{rows.line_num}): in a field in quotes, write "" for a quote; {UNQUOTED}'
            ) from error
        if row is None:
            break
        end = rows.line_num
        if row:
            if delimiter == "\t" and (end > begin or "\t" in "".join(row)):
                broken, first = broken + 1, first or begin
            yield begin, row
    if broken:
        logger.warning(
            "%s: fields in quotes hold tabs or line breaks in %d rows, the first begins on line %d: %s",
            text.path, broken, first, UNQUOTED,
        )  # fmt: skip


def _joined(text: Text, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file whose fields were joined by the delimiter. Quotes are part of the text."""
    for number, line in enumerate(text.lines(), start=1):
        fields = line.removesuffix("\n").removesuffix("\r").split(delimiter)
        if fields != [""]:
            yield number, fields
