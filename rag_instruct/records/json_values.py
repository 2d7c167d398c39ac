"""Read JSON values one at a time: the elements of an array, the members of an object, or one value per line."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.records.opening import BOM, LONGEST_RECORD, Form, Located, Text

DEEPEST = 100  # levels of nesting in a record
PIECE = 1 << 16  # characters that are read at a time, at least
SPACE = re.compile(r"[ \t\n\r]*")
HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half of a UTF-16 surrogate pair, as JSON escapes it
# Finds the key of the first array of objects in an object, if all values before it are plain.
FIRST_ARRAY = re.compile(r'\{\s*(?:"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[^"\[\]{},\s]+)\s*,\s*)*"([^"\\]+)"\s*:\s*\[\s*\{')


class _Fault(ValueError):
    """A fault that reading on does not cure.

    The json module's own ValueError may only mean that the end is not read yet.
    """


def json_records(text: Text, form: Form) -> Iterator[Located]:
    """Read an array of records, or one record per line. The first character of the file decides, not its name.

    `form` may name the key whose value is the array (`under`), or say that the file is one object whose values are the
    records (`keyed`).
    """
    halves = _Halves()
    nested = form.keyed or form.under or text.head.startswith("[")
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

    def replaced(self, value: Any, source: str, place: str, in_record: bool = True) -> Any:
        """Return the value with question marks for half pairs. `in_record`: the pairs count for the warning."""
        if "\\u" not in source or not HALF.search(source):
            return value
        written = json.dumps(value, ensure_ascii=False)
        found = written.encode("utf-8", "replace").decode()
        if found == written:
            return value
        if in_record:
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
            record = _refuse_depth(DECODER.decode(line), line)
        except (ValueError, RecursionError) as error:
            # If even the first line fails, the file may be a single object over many lines.
            remedy = _remedy(line, error, text.head if not found else "")
            raise UserError(f"{text.path}, line {number}: not JSON ({_said(error)}): {remedy}") from error
        found = True
        place = f"line {number}"
        yield place, halves.replaced(record, line, place)


def _remedy(line: str, error: Exception, head: str) -> str:
    """Return what to do about a line. `head` is the beginning of the file if this is the first line, or else ""."""
    if isinstance(error, json.JSONDecodeError):
        if line.rstrip().endswith(","):
            return "remove the comma at the end of the line"
        if line.lstrip().startswith("{'"):
            return "write JSON with double quotes, as Python's json.dumps does"
        if "control character" in error.msg:
            return "write a line break or tab inside a text as \\n or \\t"
        if head.startswith("{"):
            key = FIRST_ARRAY.match(head)
            under = f"`under: {key[1]}`" if key else "`under` to the key of the array"
            keyed = ", or `keyed: id` if each value is a record" if re.match(r'\{\s*"[^"]*"\s*:\s*\{', head) else ""
            return f"write one record per line, an array of records, or set {under}{keyed}"
    return "correct or remove the line"


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"more than {DEEPEST} levels of nesting"
    return str(getattr(error, "msg", error)).removesuffix(" at")


def _refuse_depth(value: Any, source: str) -> Any:
    """Return the value, or raise _Fault if it has more than DEEPEST levels. Later steps recurse into it.

    `source` is its JSON text. We look at the levels one by one only if its brackets allow so many.
    """
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
        self._buffer, self._at = "", 0  # text that is read, and the position of the next character in it
        self._at_end = False  # whether the last attempt to read on found no more text
        self._line, self._line_position = 1, 0  # the number of the line at this position of the buffer
        self._count = 0  # records so far
        self._place = ""  # of the last value, for messages

    def records(self, form: Form) -> Iterator[Located]:
        if form.keyed:
            if self._peek() != "{":
                self._refuse_layout("no object of records by key begins here", "remove `keyed` from")
            found: Iterator[Any] = (self._with_key(name, form.keyed) for name in self._members(in_record=True))
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
        if self._peek() != "{":
            self._refuse_layout(f"the value of {name!r} is no record", "remove `keyed` from")
        return {field: name, **self._value()}

    def _under(self, keys: list[str]) -> Iterator[Any]:
        """Yield the elements of the array at a path of keys. All other members are skipped."""
        if self._peek() == "[":
            yield from self._under_elements(keys)
            return
        if self._peek() != "{":
            self._refuse_layout(f"no object with the key {keys[0]!r} begins here")
        found = False
        for name in self._members():
            found = found or name == keys[0]
            if name != keys[0]:
                self._skip()
            elif len(keys) > 1:
                yield from self._under(keys[1:])
            elif self._peek() == "[":
                yield from self._elements()
            else:
                self._refuse_layout(f"the value of {name!r} is no array of records")
        if not found:
            self._refuse_layout(f"the object that ends here has no key {keys[0]!r}")

    def _under_elements(self, keys: list[str]) -> Iterator[Any]:
        """Yield the records at a path of keys in each element of the array that begins here."""
        for element in self._elements():
            line, _, _ = self._place.partition(",")
            for record in self._within(element, keys, {}):
                self._place = f"{line}, record {self._count + 1}"
                yield record

    def _within(self, value: Any, keys: list[str], around: dict[str, Any]) -> Iterator[Any]:
        """Yield the records at a path of keys in a value, with the plain fields of the objects around them.

        So a question of SQuAD's layout has the text of its paragraph.
        """
        if isinstance(value, list):
            for part in value:
                yield from self._within(part, keys, around)
        elif not keys:
            yield {**around, **value} if isinstance(value, dict) else value
        elif isinstance(value, dict) and keys[0] in value:
            plain = {name: part for name, part in value.items() if not isinstance(part, dict | list)}
            yield from self._within(value[keys[0]], keys[1:], {**around, **plain})
        else:
            self._refuse_layout(f"no object with the key {keys[0]!r} begins here")

    def _elements(self, in_record: bool = True) -> Iterator[Any]:
        """Yield the elements of the array that begins here. `in_record`: see `_Halves`."""
        self._take("[")
        if self._peek() == "]":
            self._take("]")
            return
        while True:
            yield self._value(in_record)
            if self._take(",]") == "]":
                return
            if self._peek() == "]":
                self._refuse(_Fault("a comma before the end of the array, which must go"))

    def _members(self, in_record: bool = False) -> Iterator[str]:
        """Yield the keys of the object that begins here. After each key, the caller must read or skip the value.

        `in_record`: the keys are parts of records (see `_Halves`).
        """
        self._take("{")
        if self._peek() == "}":
            self._take("}")
            return
        seen: set[str] = set()
        while True:
            if self._peek() != '"':
                self._refuse(_Fault("a key in quotes was expected"))
            name = self._value(in_record)
            if name in seen:
                self._refuse(_Fault(f"the key {name!r} occurs twice in an object"))
            seen.add(name)
            self._take(":")
            yield name
            if self._take(",}") == "}":
                return

    def _skip(self) -> None:
        """Skip a value. An array is skipped element by element, so it need not fit into memory."""
        if self._peek() != "[":
            self._value(in_record=False)
            return
        for _ in self._elements(in_record=False):
            pass

    def _peek(self) -> str:
        """Skip white space, reading on if needed. Return the next character, or "" at the end of the file."""
        while True:
            found = SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_on():
                return ""

    def _take(self, expected: str) -> str:
        found = self._peek()
        if not found or found not in expected:
            self._refuse(_Fault(f"{' or '.join(expected)} was expected, but {found or 'the end'} came"))
        self._at += 1
        return found

    def _value(self, in_record: bool = True) -> Any:
        """Decode the value that begins here, reading on until it is complete. `in_record`: see `_Halves`."""
        self._peek()
        self._place = f"line {self._line_at(self._at)}, record {self._count + 1}"
        try:
            value, end = self._complete()
            source = self._buffer[self._at : end]
            value = self._halves.replaced(_refuse_depth(value, source), source, self._place, in_record)
        except (ValueError, RecursionError) as error:
            self._refuse(error)
        self._at = end
        return value

    def _complete(self) -> tuple[Any, int]:
        """Return the value that begins here, and its end in the buffer."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
                # The buffer may end inside a number: of "1e-", the decoder accepts the 1.
                if self._at_end or end + len("e-") < len(self._buffer):
                    return value, end
            except _Fault:
                raise
            except ValueError:
                if self._at_end or len(self._buffer) - self._at > LONGEST_RECORD:
                    raise
            self._read_on()

    def _read_on(self) -> bool:
        """Drop the text before the position and read on. Return whether there was more.

        The rest of the buffer at least doubles, because a long value is decoded again from its start each time.
        """
        self._line_at(self._at)
        parts = [self._buffer[self._at :]]
        self._at = self._line_position = 0
        wanted = max(PIECE, len(parts[0]))
        for piece in self._pieces:
            parts.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        self._buffer, self._at_end = "".join(parts), len(parts) == 1
        return not self._at_end

    def _line_at(self, position: int) -> int:
        """Return the number of the line at a position of the buffer. Counts on from the last position."""
        self._line += self._buffer.count("\n", self._line_position, position)
        self._line_position = position
        return self._line

    def _refuse_layout(self, fault: str, remedy: str = "correct `under` in") -> NoReturn:
        """Refuse JSON that is not arranged as `under` or `keyed` says."""
        raise UserError(f"{self._text.path}, line {self._line_at(self._at)}: {fault}: {remedy} config.yaml")

    def _refuse(self, error: Exception) -> NoReturn:
        at = error.pos if isinstance(error, json.JSONDecodeError) else self._at
        raise UserError(
            f"{self._text.path}, line {self._line_at(at)}, after record {self._count}: not JSON ({_said(error)}): is "
            "the file complete? If so, correct it"
        ) from error
