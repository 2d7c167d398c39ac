"""Read JSON values one at a time: the elements of an array, the members of an object, or one value per line."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.records.opening import BOM, RECORD, Form, Text

DEEPEST = 100  # levels of nesting in a record
PIECE = 1 << 16  # characters that are read at a time
SPACE = re.compile(r"[ \t\n\r]*")
HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half of a UTF-16 surrogate pair, as JSON escapes it
Located = tuple[str, Any]  # the record's place in its file, and the record


class _Fault(ValueError):
    """A fault that more text cannot mend."""


def json_records(text: Text, form: Form) -> Iterator[Located]:
    """Read an array of records, or one record per line. The first sign of the file decides, not its name.

    `form` may name the key whose value is the array, or say that an object has the records by key.
    """
    halves = _Halves()
    nested = form.keyed or form.under or text.begin == "["
    yield from _Nested(text, halves).records(form) if nested else _lines(text, halves)
    if halves.count:
        logger.warning(
            "%s: %d records have half of a surrogate pair, the first is %s: a question mark replaces it. A text that "
            "was cut inside an emoji has one",
            text.path,
            halves.count,
            halves.first,
        )


def json_members(text: Text) -> Iterator[tuple[str, str, Any]]:
    """Read an object whose values are records. Yield each member's place, its key and its value."""
    yield from _Nested(text, _Halves()).members()


class _Halves:
    """Replaces half surrogate pairs, which UTF-8 cannot encode, and counts the records that have one."""

    def __init__(self) -> None:
        self.count, self.first = 0, ""

    def replaced(self, record: Any, source: str, place: str) -> Any:
        if "\\u" not in source or not HALF.search(source):
            return record
        written = json.dumps(record, ensure_ascii=False)
        found = written.encode("utf-8", "replace").decode()
        if found == written:
            return record
        self.count += 1
        self.first = self.first or place
        return json.loads(found)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Fault(f"the key {next(name for name in names if names.count(name) > 1)!r} occurs twice in an object")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _lines(text: Text, halves: _Halves) -> Iterator[Located]:
    found = False
    for number, line in enumerate(text.lines(), start=1):
        line = line.removeprefix(BOM)
        if not line.strip():
            continue
        try:
            record = _shallow(DECODER.decode(line), line)
        except (ValueError, RecursionError) as error:
            remedy = _remedy(line, error, alone=not found and text.begin == "{")
            raise UserError(f"{text.path}, line {number}: not JSON ({_said(error)}): {remedy}") from error
        found = True
        place = f"line {number}"
        yield place, halves.replaced(record, line, place)


def _remedy(line: str, error: Exception, alone: bool) -> str:
    if isinstance(error, json.JSONDecodeError):
        if line.rstrip().endswith(","):
            return "remove the comma at the end of the line"
        if line.lstrip().startswith("{'"):
            return "write JSON with double quotes, as Python's json.dumps does"
        if alone:
            return "write one record per line, an array of records, or set `under` to the key of the array"
    return "correct or remove the line"


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"more than {DEEPEST} levels of nesting"
    return str(getattr(error, "msg", error))


def _shallow(value: Any, source: str) -> Any:
    """Return the value. Raises _Fault if it is nested too deeply for those who use it."""
    if source.count("[") + source.count("{") <= DEEPEST:
        return value
    level = [value]
    for _ in range(DEEPEST):
        level = [
            part
            for one in level
            if isinstance(one, list | dict)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    if level:
        raise _Fault(f"more than {DEEPEST} levels of nesting")
    return value


class _Nested:
    """Decodes the records of a large JSON value. Memory holds one record and a piece of the text."""

    def __init__(self, text: Text, halves: _Halves) -> None:
        self._text, self._halves = text, halves
        self._pieces = text.pieces(PIECE)
        self._buffer, self._at, self._whole = "", 0, False
        self._line, self._counted = 1, 0  # the line at a place of the buffer, up to which lines are counted
        self._count = 0
        self._place = ""  # of the last value

    def records(self, form: Form) -> Iterator[Located]:
        if form.keyed:
            found: Iterator[Any] = (self._with_key(name, form.keyed) for name in self._members())
        else:
            found = self._under(form.under.split(".")) if form.under else self._elements()
        for record in found:
            self._count += 1
            yield self._place, record
        if self._peek():
            self._refuse(_Fault("something follows the end"))

    def members(self) -> Iterator[tuple[str, str, Any]]:
        for name in self._members():
            value = self._value()
            self._count += 1
            yield self._place, name, value
        if self._peek():
            self._refuse(_Fault("something follows the end"))

    def _with_key(self, name: str, field: str) -> Any:
        record = self._value()
        return {field: name, **record} if isinstance(record, dict) else record

    def _under(self, keys: list[str]) -> Iterator[Any]:
        """Yield the elements of the array at a path of keys. All other members are passed over."""
        if self._peek() != "{":
            self._refuse(_Fault(f"no object with the key {keys[0]!r} of `under`"))
        for name in self._members():
            if name != keys[0]:
                self._pass()
            elif len(keys) > 1:
                yield from self._under(keys[1:])
            elif self._peek() == "[":
                yield from self._elements()
            else:
                self._refuse(_Fault(f"the value of {name!r} is no array of records"))

    def _elements(self) -> Iterator[Any]:
        """Yield the elements of the array that begins here."""
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            yield self._value()
            if self._take(",]") == "]":
                return

    def _members(self) -> Iterator[str]:
        """Yield the keys of the object that begins here. Before the next key, the caller reads or passes the value."""
        self._take("{")
        if self._peek() == "}":
            self._take("}")
            return
        seen: set[str] = set()
        while True:
            if self._peek() != '"':
                self._refuse(_Fault("a key in quotes was expected"))
            name = self._value()
            if name in seen:
                self._refuse(_Fault(f"the key {name!r} occurs twice in an object"))
            seen.add(name)
            self._take(":")
            yield name
            if self._take(",}") == "}":
                return

    def _pass(self) -> None:
        """Pass over a value. Of an array, one element is in memory at a time."""
        if self._peek() != "[":
            self._value()
            return
        for _ in self._elements():
            pass

    def _peek(self) -> str:
        """Return the next character that is no white space, or "" at the end."""
        while True:
            found = SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def _take(self, expected: str) -> str:
        found = self._peek()
        if not found or found not in expected:
            self._refuse(_Fault(f"{' or '.join(expected)} was expected, but {found or 'the end'} came"))
        self._at += 1
        return found

    def _value(self) -> Any:
        """Decode the value that begins here. Read on until it is complete."""
        self._peek()
        self._place = f"line {self._line_at(self._at)}, record {self._count + 1}"
        try:
            value, end = self._complete()
            source = self._buffer[self._at : end]
            value = self._halves.replaced(_shallow(value, source), source, self._place)
        except (ValueError, RecursionError) as error:
            self._refuse(error)
        self._at = end
        return value

    def _complete(self) -> tuple[Any, int]:
        """Return the value that begins here, and its end in the buffer."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
                if self._whole or end + 2 < len(self._buffer):  # else the rest of a number may come, such as "e-7"
                    return value, end
            except _Fault:
                raise
            except ValueError:
                if self._whole or len(self._buffer) - self._at > RECORD:
                    raise
            self._more()

    def _more(self) -> bool:
        """Read on, as much as the buffer has, so that a long value is not decoded too often."""
        self._line_at(self._at)
        parts = [self._buffer[self._at :]]
        self._at = self._counted = 0
        wanted = max(PIECE, len(parts[0]))
        for piece in self._pieces:
            parts.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        self._buffer, self._whole = "".join(parts), len(parts) == 1
        return not self._whole

    def _line_at(self, place: int) -> int:
        self._line += self._buffer.count("\n", self._counted, place)
        self._counted = place
        return self._line

    def _refuse(self, error: Exception) -> NoReturn:
        at = error.pos if isinstance(error, json.JSONDecodeError) else self._at
        raise UserError(
            f"{self._text.path}, line {self._line_at(at)}, after record {self._count}: not JSON ({_said(error)}): is "
            "the file complete? If so, correct it"
        ) from error
