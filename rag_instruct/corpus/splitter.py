"""Cut documents into passages: windows of equal length as in DPR (arXiv 2004.04906), or along their structure."""

import re
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import NamedTuple

from rag_instruct.corpus.blocks import Block, Document

# Chinese and Japanese have no blanks between words: each character counts as a word.
CHARACTER = (
    "\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
WORD = re.compile(f"[{CHARACTER}][\u3099\u309a\ufe00-\ufe0f]*|[^\\s{CHARACTER}]+")
# Thai, Lao, Tibetan, Burmese and Khmer have no blanks either. ICU's dictionaries and rules find their words.
CONNECTED = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f]")
SENTENCES = "en"  # language of the rules for sentences: they know English abbreviations, and full stops of all scripts
Span = tuple[int, int]
Sized = tuple[int, int, int]  # the place of a word, and its length: 1, or its number of tokens


class Piece(NamedTuple):
    """A piece of a document, and the page on which it begins, or 0."""

    text: str
    page: int


def word_spans(text: str) -> list[Span]:
    """Return the places of the words in a text."""
    found: list[Span] = []
    for match in WORD.finditer(text):
        found += _connected(match) if CONNECTED.search(match[0]) else [match.span()]
    return found


def _connected(match: re.Match[str]) -> Iterator[Span]:
    from icu4py.breakers import WordBreaker

    start = match.start()
    for word in WordBreaker(match[0], "en"):
        yield start, start + len(word)
        start += len(word)


def in_words(text: str) -> list[Sized]:
    """Return the places of the words in a text, each with the length 1."""
    return [(start, end, 1) for start, end in word_spans(text)]


class Limit(NamedTuple):
    """The largest length of a passage, and how lengths are measured: by default in words."""

    most: int
    measure: Callable[[str], list[Sized]] = in_words

    def count(self, text: str) -> int:
        """Return the length of a text."""
        return sum(length for _, _, length in self.measure(text))

    def windows(self, text: str) -> list[Span]:
        """Return the places of pieces with as many words as the limit has room for. A longer word is a piece itself."""
        found: list[Span] = []
        begin, stop, size = -1, 0, 0
        for start, end, length in self.measure(text):
            if begin >= 0 and size + length > self.most:
                found.append((begin, stop))
                begin, size = -1, 0
            begin, stop, size = start if begin < 0 else begin, end, size + length
        return [*found, (begin, stop)] if begin >= 0 else found


def windows(document: Document, limit: Limit) -> Iterator[Piece]:
    """Yield passages with as many words as the limit has room for."""
    text = document.text
    for start, end in limit.windows(text):
        yield Piece(text[start:end], document.page_at(start))


def along_structure(document: Document, limit: Limit) -> Iterator[Piece]:
    """Yield passages within the limit that keep to headings, paragraphs and sentences.

    A passage begins with the headings above it. Short sections that follow each other share a passage.
    """
    path: list[Block] = []  # the headings above the passage
    before: list[Block] = []  # the headings above the section before
    waiting: list[_Unit] = []  # the sections that share the passage so far
    for headings, units in _sections(document.blocks, limit):
        added = [*_new_headings(headings, before, limit), *units]
        room = limit.most - limit.count(_context(path, limit))
        if waiting and len(headings) >= len(path) and _fits(waiting, added, room):
            waiting += added
        else:
            yield from _passages(path, waiting, limit)
            without_room = headings[: len(headings) - len(_above(headings, limit))]
            path, waiting = headings, [*_new_headings(without_room, before, limit), *units]
        before = headings
    yield from _passages(path, waiting, limit)


class _Unit(NamedTuple):
    """A block, or a sentence of a long block, that a passage holds whole."""

    text: str
    length: int
    page: int
    before: str = "\n\n"  # what separates it from the unit before it
    header: str = ""  # of a table's row: the names of the columns, for a passage that begins with this row


def _sections(blocks: Sequence[Block], limit: Limit) -> Iterator[tuple[list[Block], list[_Unit]]]:
    """Yield the units between two headings, with the headings above them.

    A heading that is long, or has no text below it, is a unit itself.
    """
    path: list[Block] = []
    units: list[_Unit] = []
    for block, following in zip(blocks, [*blocks[1:], Block("", 1)], strict=True):
        if not block.level:
            units += _units(block, limit)
            continue
        if units:
            yield path, units
        path, units = [heading for heading in path if heading.level < block.level], []
        if 0 < following.level <= block.level or limit.count(block.text) > limit.most // 4:
            units = _units(block, limit)
        else:
            path = [*path, block]
    if units:
        yield path, units


def _units(block: Block, limit: Limit) -> list[_Unit]:
    """Return a block as one unit if it is short enough, or else its sentences and pieces of long sentences."""
    import sentencex  # most stages that load this module only count words

    before = "\n" if block.joined else "\n\n"
    room = limit._replace(most=limit.most - limit.most // 4)  # the headings take the rest
    if (size := limit.count(block.text)) <= room.most:
        return [_Unit(block.text, size, block.page, before, block.header)]
    found: list[_Unit] = []
    at = end = 0
    for sentence in sentencex.segment(SENTENCES, block.text):
        for first, last in room.windows(sentence):
            piece, blank = sentence[first:last], block.text[end : at + first]
            page = block.page_at(at + first)
            found.append(_Unit(piece, limit.count(piece), page, blank if found else before))
            end = at + last
        at += len(sentence)
    return found


def _new_headings(headings: list[Block], before: list[Block], limit: Limit) -> list[_Unit]:
    """Return, as units, the headings that the section before did not have. So each stands in a text only once."""
    new = (one for one in headings if all(one is not known for known in before))
    return [_Unit(one.text, limit.count(one.text), one.page) for one in new]


def _fits(waiting: list[_Unit], added: list[_Unit], room: int) -> bool:
    """Return whether a section shares the passage of the section before it, because one of them is short."""
    have, more = (sum(unit.length for unit in units) for units in (waiting, added))
    return have + more <= room and (have < room / 2 or more < room / 5)


def _context(path: list[Block], limit: Limit) -> str:
    """Return the headings above a passage as one line."""
    return " > ".join(heading.text.replace("\n", " ") for heading in _above(path, limit))


def _above(path: list[Block], limit: Limit) -> list[Block]:
    """Return the headings for which the first line of a passage has room. If they are long, outer ones are left out."""
    for start in range(len(path)):
        if limit.count(" > ".join(heading.text for heading in path[start:])) <= limit.most // 4:
            return path[start:]
    return []


def _passages(path: list[Block], units: list[_Unit], limit: Limit) -> Iterator[Piece]:
    """Pack units into passages of about the same length."""
    context = _context(path, limit)
    room = limit.most - limit.count(context)
    total = sum(unit.length for unit in units)
    wanted = total / max(ceil(total / room), 1)
    packed: list[_Unit] = []
    size = 0
    for unit in units:
        if packed and (size + unit.length > room or size + unit.length / 2 > wanted):
            opening = _opening(packed, unit, room - unit.length, limit)  # moves to the next passage
            yield _written(context, packed[: len(packed) - len(opening)])
            packed, size = opening, sum(limit.count(one.header) + one.length for one in opening)
        header = 0 if packed else limit.count(unit.header)
        if header and header + unit.length > room:
            header, unit = 0, unit._replace(header="")
        packed.append(unit)
        size += header + unit.length
    if packed:
        yield _written(context, packed)


def _opening(packed: list[_Unit], following: _Unit, room: int, limit: Limit) -> list[_Unit]:
    """Return the last unit if it opens what follows, and has room in the next passage.

    It is a text such as "Example:", or the names of a table's columns.
    """
    last = packed[-1]
    opens = last.text.endswith((":", "\uff1a")) or last.text == following.header
    fits = limit.count(last.header) + last.length <= room
    return [last] if len(packed) > 1 and opens and fits else []


def _written(context: str, units: list[_Unit]) -> Piece:
    header = f"{units[0].header}\n" if units[0].header else ""
    body = header + "".join((unit.before if number else "") + unit.text for number, unit in enumerate(units))
    return Piece(f"{context}\n{body}" if context else body, units[0].page)
