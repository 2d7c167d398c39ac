"""Read the rows of TSV and CSV files, strictly: a row that does not fit is refused, and nothing is repaired."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.records.opening import BOM, LONGEST_RECORD, Form, Located, Text

DELIMITERS = {".tsv": "\t", ".csv": ","}
OTHERS = ";\t,|"  # signs that may separate the fields of a file whose ending says something else
LONGEST_NAME = 100  # characters: a longer name of a column is rather the text of a record
UNQUOTED = "if the file was written without quoting, set `quoted: false` in config.yaml"


class Row(dict[str, Any]):
    """A record of a table. All its values are texts, because a table has no types."""


def table_records(text: Text, kind: str, form: Form) -> Iterator[Located]:
    """Read the rows as objects by the names in the header, or in `form.header`. Blank lines are skipped."""
    delimiter = form.delimiter or DELIMITERS[kind]
    rows = _unquoted(text, delimiter) if form.quoted is False else _quoted(text, delimiter, form)
    header = list(form.header)
    for line, row in rows:
        if not header:
            header = _checked_header(text, line, row, delimiter)
            continue
        if row == header:
            raise UserError(
                f"{text.path}, line {line}: the names of the columns stand here again: if the file was joined from "
                "several, remove the line"
            )
        if form.row_names and len(row) == len(header) + 1:
            row = row[1:]
        if len(row) != len(header):
            raise UserError(
                f"{text.path}, line {line}: {len(row)} fields where the header has {len(header)} "
                f"({', '.join(header):.300}); the row begins with {row[:1]!r:.60}: {_remedy_of_row(header, row, form)}"
            )
        yield f"line {line}", Row(zip(header, row, strict=True))


def _remedy_of_row(header: list[str], row: list[str], form: Form) -> str:
    """Return what to do about a row that has not as many fields as the header. First come the likely causes."""
    found = []
    if not form.delimiter and (other := next((sign for sign in OTHERS if sign in header[0] and sign in row[0]), "")):
        found.append(f"if {other!r} separates the fields, set `delimiter: {other!r}` in config.yaml")
    if not form.quote and any(field.startswith("'") for field in header + row):
        found.append("""if ' quotes the fields, set `quote: "'"` in config.yaml""")
    if len(row) == len(header) + 1 and not row[-1]:
        where = "a name to `header`" if form.header else "one at the end of the header"
        found.append(f"if every row ends with a separator, add {where}")
    if max(map(len, header)) > LONGEST_NAME:
        found.append("if line 1 is a record and not the names of the columns, give the names under `header`")
    found.append("correct it, or put fields that contain a separator in quotes")
    if form.quoted is not False and not form.quote:
        found.append(UNQUOTED)
    if len(header) == 1:
        found.append("if line 1 is no header, remove it")
    return "; ".join(found)


def _checked_header(text: Text, line: int, header: list[str], delimiter: str) -> list[str]:
    if text.head.startswith(("[", "{")):
        raise UserError(f"{text.path}, line {line}: JSON, no table: name the file .json or .jsonl")
    if excel := re.fullmatch("sep=(.?)", "".join(header)):
        raise UserError(
            f"{text.path}, line {line}: Excel's note of the delimiter: remove the line, and set `delimiter: "
            f"{excel[1] or delimiter!r}` in config.yaml if the file's ending does not say so"
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UserError(f"{text.path}, line {line}: the header has {twice[0]!r} twice: rename one of the columns")
    other = next((sign for sign in OTHERS if sign in header[0] and sign != delimiter), "")
    if len(header) == 1 and other:
        raise UserError(
            f"{text.path}, line {line}: the header is one field, {header[0]!r:.60}: if {other!r} separates the fields, "
            f"set `delimiter: {other!r}` in config.yaml"
        )
    return header


def _quoted(text: Text, delimiter: str, form: Form) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file with quotes as in CSV, each with the number of its first line.

    Many TSV files are written without quoting. In them, a text that begins with a quote would swallow the rows up to
    the next quote. So we refuse a row of several lines if each could be a row, unless `form` says that the file quotes.
    CSV files are not refused: nearly all are quoted, and their texts of several lines often look like rows.
    """
    csv.field_size_limit(LONGEST_RECORD)
    quote, certain = form.quote or '"', bool(form.quoted or form.quote)
    lines: list[str] = []  # of the current row

    def noted() -> Iterator[str]:
        for line in _lines(text):
            lines.append(line)
            yield line

    rows = csv.reader(noted(), delimiter=delimiter, quotechar=quote, strict=True)
    end = 0
    while True:
        begin = end + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise UserError(
                f"{text.path}, line {begin}: the row that begins here cannot be read ({error!s:.60}, on line "
                f"{rows.line_num}): {_remedy(error, quote)}"
            ) from error
        if row is None:
            break
        end = rows.line_num
        if delimiter == "\t" and not certain and _may_be_rows(lines, len(row)):
            raise UserError(
                f"{text.path}, lines {begin} to {end}: a quote joins these lines into one row, but each may be a row: "
                f"{UNQUOTED}; if the quotes are right, set `quoted: true`"
            )
        lines.clear()
        if row:
            yield begin, row


def _may_be_rows(lines: Sequence[str], fields: int) -> bool:
    """Return whether the lines of one row could be several rows. A doubled quote shows that a writer quoted."""
    return len(lines) > 1 and all(line.count("\t") == fields - 1 and '""' not in line for line in lines)


def _remedy(error: csv.Error, quote: str) -> str:
    if "new-line character" in str(error):
        return (
            "put a field with a carriage return in quotes; if all lines of the file end with a carriage return only, "
            "as on old Macs, convert them, such as by mac2unix"
        )
    return f"in a field in quotes, write {quote * 2} for a quote; {UNQUOTED}"


def _unquoted(text: Text, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file without quoting, each with the number of its line. Quotes are part of the text."""
    for number, line in enumerate(_lines(text), start=1):
        fields = line.removesuffix("\n").removesuffix("\r").split(delimiter)
        if fields != [""]:
            yield number, fields


def _lines(text: Text) -> Iterator[str]:
    """Yield the lines without byte-order marks, which stand inside a file that was joined from several."""
    return (line.removeprefix(BOM) for line in text.lines())
