"""Turn the lines of pages into blocks: remove running headers and footers, find headings, paragraphs and tables."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from rag_instruct.corpus.blocks import CONTENTS, Block, blank_after

LARGER = 1.12  # a heading's letters are at least this much larger than those of the text
GAP = 0.8  # blank space above a paragraph, in heights of a line
WIDER = 0.4  # in widely spaced text, a paragraph's gap exceeds the usual gap by this much
WIDEST = 1.3  # most space between the lines of a paragraph: that of double spacing
ALIGNED = 3  # points between the edges of cells in one column
WORD = 0.6  # blank space between two words of a line, in sizes of a letter, is at most this
SMALLER = 0.95  # a running header that differs on each page has letters of at most this part of the text's size
RUNNING = 3  # least pages with alike first or last lines: then these are running headers or footers
STAMPED = 5  # least pages with a line at the same place: then it is a watermark, and no text such as "Answer:"
EDGE = 2  # lines at the top, and at the bottom, of a page that may be running headers or footers
LONGEST_HEADING = 200  # characters
LEADERS = re.compile(r"(\s?[.\u2026\u00b7]){4,}\s*(\d+|[ivxlc]+)$")  # an entry of a table of contents
ENTRY = re.compile(r"\w.*\s(\d+)$")  # what may be an entry without dots
PAGE_NUMBER = re.compile(
    r"[-\u2013\u2014\s]*(\d{1,2}[-.\u2013])?\d{1,3}[-\u2013\u2014\s]*"
)  # also "2-17", of chapter 2
# A heading with a number or letter. "A" and "I" need a full stop, because they are words as well.
NUMBERED = re.compile(r"((?:\d+|[A-Z](?=\.)|[B-HJ-Z])(?:\.\d+)*)\.?\s+\S")
HYPHEN = "\ufffe"  # what pdfium writes for a hyphen at the end of a line
BULLET = re.compile(r"([-•◦▪‣●○■□❖➢✓·\u2013]|\(?\d{1,2}[.)]|\(?[a-z]\))\s")
REFERENCE = re.compile(r"\[\w{1,12}\]\s")
ENDS = re.compile("[.!?:;\u3002\uff01\uff1f\u0964\u0965\u061f\u06d4\u1362]['\"\u201d\u2019)\\]]*$")


class Line(NamedTuple):
    """A line of a page, with the corners of its box in points from the page's lower left."""

    text: str
    page: int
    left: float
    bottom: float
    right: float
    top: float
    size: float  # of its letters
    bold: bool
    turned: bool  # against the page, as a stamp in the margin
    cells: tuple["Cell", ...] = ()  # the parts of the line, if wide blank space separates them
    fixed: bool = False  # its letters are all of one width, as those of code

    @property
    def height(self) -> float:
        return max(self.size, self.top - self.bottom, 1.0)


class Cell(NamedTuple):
    """A part of a line that may be the cell of a table."""

    text: str
    left: float
    right: float


EMPTY = Cell("", 0, 0)


def without_contents(lines: list[Line]) -> list[Line]:
    """Leave out tables of contents, and their headings. Entries without dots count only below such a heading."""
    kept: list[Line] = []
    last = -1  # the page of the last entry, while the table lasts
    pages = lines[-1].page if lines else 0
    leads = _lead_to_pages(lines, pages)
    for line, following in pairwise([*lines, None]):
        if line and CONTENTS.fullmatch(line.text) and following and _entry_page(following, 0, pages) >= 0:
            last = 0
        elif line and leads and last >= 0 and following and _goes_on(line, following):
            continue  # the first line of an entry, whose page stands in the next one
        elif line and (last := _entry_page(line, last, pages)) < 0 and not (leads and LEADERS.search(line.text)):
            kept.append(line)
    return kept


def _lead_to_pages(lines: list[Line], pages: int) -> bool:
    """Return whether lines with dots are entries of a table of contents, and no prices or amounts.

    They are if a heading such as "Contents" stands above one, or at least half of their numbers are pages.
    """
    numbers = [found[2] for line in lines if (found := LEADERS.search(line.text))]
    inside = sum(not number.isdecimal() or int(number) <= pages for number in numbers)
    headed = any(CONTENTS.fullmatch(one.text) and LEADERS.search(after.text) for one, after in pairwise(lines))
    return headed or inside * 2 >= len(numbers)


def _entry_page(line: Line, last: int, pages: int) -> int:
    """Return the page to which an entry of a table of contents leads, or -1 if the line is no entry.

    `last` is the page of the entry before, or -1 outside tables of contents. An entry without dots cannot lead to an
    earlier page. An entry with dots can: for it, we return `last`.
    """
    found = LEADERS.search(line.text) if last >= 0 else None
    entry = ENTRY.fullmatch(line.text)
    if found or last < 0 or not entry:
        return last if found else -1
    return int(entry[1]) if last <= int(entry[1]) <= pages else -1


def _goes_on(line: Line, following: Line) -> bool:
    """Return whether the next line, an entry with dots, stands close below a line without a page."""
    close = line.page == following.page and line.bottom - following.top < GAP * line.height
    return close and bool(LEADERS.search(following.text)) and not re.search(r"\d$", line.text)


def plain_name(text: str) -> str:
    """Return a heading without its number and blanks, as an outline and a page may write it differently."""
    return re.sub(r"[\W\d_]+", "", text).casefold()


def without_running(lines: list[Line]) -> list[Line]:
    """Leave out running headers, footers, page numbers and watermarks."""
    running = _Running(lines)
    return [line for line in lines if not running.has(line)]


class _Running:
    """Tells which lines run through the pages. A large line is a heading, unless half of the pages have it."""

    def __init__(self, lines: list[Line]) -> None:
        pages: dict[int, list[Line]] = {}
        for line in lines:
            pages.setdefault(line.page, []).append(line)
        self._body = _body_size(lines)
        self._some, self._most = (max(RUNNING, len(pages) // part) for part in (20, 2))
        self._stamped = max(self._most, min(len(pages), STAMPED))
        self._edges = {number: _edges(found) for number, found in pages.items()}
        # Both count pages, not lines: each page has a set.
        self._alike = Counter(key for edge in self._edges.values() for key in {_key(line, self._body) for line in edge})
        offsets = Counter(
            offset
            for edge in self._edges.values()
            for offset in {offset for line in edge for offset in _offsets(line, self._body)}
        )
        self._numbering = {offset for offset, count in offsets.items() if count >= max(RUNNING, len(pages) // 4)}
        self._places = Counter(_place(line) for line in lines)
        self._small_heads = {line for found in pages.values() for line in _small_heads(found, self._body)}
        self._heights = Counter(_height(line) for line in self._small_heads)
        self._numbers = {line for found in pages.values() for line in _page_numbers(found, self._body)}

    def has(self, line: Line) -> bool:
        return self._is_at_edge(line) or self._is_watermark(line) or self._is_small_head(line) or line in self._numbers

    def _is_at_edge(self, line: Line) -> bool:
        """Return whether a line at the edge is alike on several pages, or has a number that grows with the page."""
        often = self._most if _is_large(line, self._body) else self._some
        alike = self._alike[_key(line, self._body)] >= often
        return line in self._edges[line.page] and (alike or bool(self._numbering & _offsets(line, self._body)))

    def _is_watermark(self, line: Line) -> bool:
        """Return whether half of the pages have the line at the same place: at least five, or all."""
        return self._places[_place(line)] >= self._stamped

    def _is_small_head(self, line: Line) -> bool:
        """Return whether the line is small and apart at the top, and half of the pages have such a line there."""
        return line in self._small_heads and self._heights[_height(line)] >= self._most


def _body_size(lines: list[Line]) -> float:
    """Return the size of most letters."""
    counts = Counter[float]()
    for line in lines:
        counts[line.size] += len(line.text)
    return counts.most_common(1)[0][0] if counts else 0.0


def _is_large(line: Line, body: float) -> bool:
    return line.size >= body * LARGER


def _small_heads(lines: list[Line], body: float) -> list[Line]:
    """Return the first line of a page, if it is smaller than the text and stands apart from it."""
    first, *others = sorted(lines, key=lambda line: -line.top)
    apart = others and first.bottom - others[0].top > first.height
    return [first] if apart and first.size <= body * SMALLER else []


def _page_numbers(lines: list[Line], body: float) -> list[Line]:
    """Return the lowest line of a page, if it is a number that stands apart from the text."""
    *others, lowest = sorted(lines, key=lambda line: -line.top)
    apart = others and min(line.bottom for line in others) - lowest.top > lowest.height
    return [lowest] if apart and PAGE_NUMBER.fullmatch(lowest.text) and not _is_large(lowest, body) else []


def _height(line: Line) -> int:
    """Return a line's height on the page, roughly: lines of 12 points each."""
    return round(line.bottom / 12)


def _place(line: Line) -> tuple[str, int, int]:
    """Return what is the same for a watermark on all pages: its text and its place."""
    return line.text, round(line.left / 12), _height(line)


def _offsets(line: Line, body: float) -> set[int]:
    """Return the page less each number at an end of the line. In a large line, only a number alone counts."""
    if len(line.text) > LONGEST_HEADING:
        return set()
    number = r"^\d{1,5}$" if _is_large(line, body) else r"^\d{1,5}(?=\s|$)|\b\d{1,5}$"
    return {line.page - int(found) for found in re.findall(number, line.text)}


def _edges(lines: list[Line]) -> set[Line]:
    """Return the lines at the top and at the bottom of a page that stand apart from the text."""
    by_height = sorted(lines, key=lambda line: -line.top)
    return {*_apart(by_height), *_apart(by_height[::-1])}


def _apart(lines: list[Line]) -> list[Line]:
    """Return the first lines, if blank space follows."""
    for count in range(min(EDGE, len(lines)), 0, -1):
        last, *following = lines[count - 1 : count + 1]
        gaps = [max(last.bottom - line.top, line.bottom - last.top) for line in following]
        if all(gap > GAP * last.height for gap in gaps):
            return lines[:count]
    return []


def _key(line: Line, body: float) -> tuple[str, int]:
    """Return what alike lines have in common: the text without its numbers, and the height on the page.

    Large lines keep their numbers, so that "Chapter 1" and "Chapter 2", or "Part I" and "Part II", are not alike.
    """
    text = line.text.casefold()
    return text if _is_large(line, body) else re.sub(r"\d+|(^|(?<=\s))[ivxlc]+$", "#", text), _height(line)


def blocks_of(lines: list[Line], outline: dict[str, int]) -> list[Block]:
    """Return the headings, paragraphs and rows of tables. `outline` gives levels of headings by their `plain_name`."""
    body = _body_size(lines)
    if sum(len(line.text) if line.fixed else -len(line.text) for line in lines) > 0:
        lines = [line._replace(fixed=False) for line in lines]  # the text is typewritten, not only its code
    sizes = sorted({line.size for line in lines if _is_large(line, body)}, reverse=True)
    levels = {size: min(number, 5) for number, size in enumerate(sizes, start=1)}
    found: list[Block] = []
    rows, table = _rows(lines, body), list[Line]()  # the rows of the open table
    for group in _groups(lines, rows):
        first = group[0]
        if first in rows:
            table = [*table, first] if table and table[-1].page == first.page else [first]
            found.append(_row_block(table))
            continue
        while group and table and (at := _continued_cell(group[0], table[-1])):
            table[-1] = _continued_row(table[-1], at, group.pop(0))
            found[-1] = _row_block(table)
        if group:
            text = _text_of(group)
            _add(found, Block(text, _level(text, group[0], levels, outline), group[0].page), after_table=bool(table))
            table = []
    return found


def _continued_cell(line: Line, row: Line) -> int:
    """Return the place of the cell in which a line goes on below a row, or 0.

    A line below the first cell never continues it: it may begin a row.
    """
    near = row.page == line.page and abs(row.bottom - line.top) < GAP * row.height and line.bottom < row.bottom
    if line.cells or not near or line.bold != row.bold:
        return 0
    return next((at for at, cell in enumerate(row.cells) if at and abs(cell.left - line.left) < ALIGNED), 0)


def _continued_row(row: Line, at: int, line: Line) -> Line:
    """Return a row with one more line of text in one of its cells."""
    cells = [*row.cells]
    cells[at] = cells[at]._replace(text=_spliced(cells[at].text, line.text.replace(HYPHEN, "-")))
    return row._replace(cells=tuple(cells), bottom=line.bottom)


def _row_block(table: list[Line]) -> Block:
    """Return the block of a table's last row. A bold first row has the names of the columns."""
    header = _written(table[0].cells) if table[0].bold and len(table) > 1 else ""
    cells = _in_columns(table[-1].cells, table[0].cells)
    return Block(_written(cells), 0, table[-1].page, header, joined=len(table) > 1)


def _in_columns(cells: tuple[Cell, ...], columns: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return the cells of a row with empty ones for columns that it lacks, if each cell is in a column of its own."""
    places = [next((at for at, column in enumerate(columns) if _is_aligned(cell, column)), -1) for cell in cells]
    if len(cells) >= len(columns) or places[0] < 0 or any(one >= other for one, other in pairwise(places)):
        return cells
    found = dict(zip(places, cells, strict=True))
    return tuple(found.get(at, EMPTY) for at in range(len(columns)))


def _add(blocks: list[Block], block: Block, after_table: bool) -> None:
    """Add a heading or paragraph, or join it to the last block that it continues."""
    if blocks and not after_table and not block.level and _continues(blocks[-1], block.text):
        text = _spliced(blocks[-1].text, block.text)
        turn = len(text) - len(block.text), block.page
        blocks[-1] = blocks[-1]._replace(text=text, turns=(*blocks[-1].turns, turn))
    elif blocks and _is_chapter_number(blocks[-1], block):
        blocks[-1] = block._replace(text=f"{blocks[-1].text} {block.text}")
    else:
        blocks.append(block)


def _rows(lines: list[Line], body: float) -> set[Line]:
    """Return the lines that are rows of tables: half of their cells stand below or above those of another row."""
    found: set[Line] = set()
    for upper, lower in _rows_below(lines):
        fewest = min(len(upper.cells), len(lower.cells)) - 1
        if fewest < 1 or upper.page != lower.page or _is_large(upper, body) or _is_large(lower, body):
            continue
        aligned = sum(any(_is_aligned(one, other) for other in upper.cells[1:]) for one in lower.cells[1:])
        if aligned * 2 >= fewest:
            found |= {upper, lower}
    return found


def _rows_below(lines: list[Line]) -> Iterator[tuple[Line, Line]]:
    """Yield pairs of lines that follow each other. Lines that continue a cell of the upper line are left out."""
    upper: Line | None = None
    bottom = 0.0  # of its last line
    for line in lines:
        if upper and _continued_cell(line, upper._replace(bottom=bottom)):
            bottom = line.bottom
            continue
        if upper:
            yield upper, line
        upper, bottom = line, line.bottom


def _is_aligned(one: Cell, other: Cell) -> bool:
    """Return whether two cells have the same left edge, right edge or middle."""
    apart = one.left - other.left, one.right - other.right
    return min(abs(apart[0]), abs(apart[1]), abs(sum(apart)) / 2) < ALIGNED


def _written(cells: tuple[Cell, ...]) -> str:
    return " | ".join(cell.text for cell in cells)


def _is_chapter_number(block: Block, title: Block) -> bool:
    """Return whether a block is a short line, such as "Chapter 3", above the chapter's title in larger letters."""
    short = len(block.text.split()) <= 3 and not NUMBERED.match(title.text)
    return 0 < title.level < block.level and block.page == title.page and short


def _level(text: str, line: Line, levels: dict[float, int], outline: dict[str, int]) -> int:
    """Return the level of a heading, or 0 for a text. `line` is its first line."""
    if len(text) > LONGEST_HEADING or not re.search(r"[^\W\d_]", text) or text.startswith("\u2022"):
        return 0
    is_sentence = text[:1].islower() and len(text.split()) > 3  # or a part of one, such as "where x = [y"
    is_large = line.size in levels and not is_sentence
    in_outline = outline.get(plain_name(text), 0) if line.bold or is_large or line.text[:1].isdigit() else 0
    if in_outline or is_large:
        return in_outline or levels[line.size]
    if not line.bold or line.cells or ENDS.search(text) or len(text.split()) > 12:
        return 0
    numbered = NUMBERED.match(text)
    return len(levels) + 1 + (numbered[1].count(".") if numbered else 0)


def _groups(lines: list[Line], rows: set[Line]) -> Iterator[list[Line]]:
    """Yield the lines of each heading or paragraph, and each row of a table."""
    usual = _usual_gap(lines)
    group: list[Line] = []
    for line in lines:
        if group and _begins(line, group, usual, rows):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _usual_gap(lines: list[Line]) -> float:
    """Return the most frequent blank space between two lines of a paragraph, in heights of a line."""
    edges: dict[int, float] = {}
    for line in lines:
        edges[line.page] = max(edges.get(line.page, 0), line.right)
    gaps = Counter(
        round((upper.bottom - lower.top) / upper.height, 1)
        for upper, lower in pairwise(lines)
        if upper.page == lower.page and upper.size == lower.size and upper.bottom >= lower.top
        and upper.right > 0.85 * edges[upper.page] and not ENDS.search(upper.text) and not upper.cells
    )  # fmt: skip
    return min(gaps.most_common(1)[0][0], WIDEST) if gaps else 0.0


def _begins(line: Line, group: list[Line], usual: float, rows: set[Line]) -> bool:
    """Return whether a line begins a new paragraph, heading or row."""
    last = group[-1]
    gap = last.bottom - line.top
    if line.page != last.page or gap > max(GAP, usual + WIDER) * last.height or line.bottom > last.top:
        return True  # another page, a blank space, or the next column
    if line in rows or last in rows:
        return True
    if _is_close(last, line, WORD):
        return False  # such as the text behind a raised sign
    if abs(line.size - last.size) > 0.08 * last.size or line.bold != last.bold:
        return True
    if BULLET.match(line.text) or (line.bold and NUMBERED.match(line.text)):
        return True
    if REFERENCE.match(line.text) and (REFERENCE.match(group[0].text) or ENDS.search(last.text)):
        return True
    # Two lines are compared, because the first line of a paragraph may be indented itself.
    indented = line.left - min(one.left for one in group[-2:]) > line.size
    return indented and bool(ENDS.search(last.text)) and len(group) > 1


def _text_of(group: list[Line]) -> str:
    """Join the lines of a group. Code keeps its line breaks, and so does a line with room for the next word.

    The latter stand in addresses, for example.
    """
    edge = max(line.right for line in group)
    is_code = all(line.fixed for line in group)
    text = group[0].text
    for before, line in pairwise(group):
        width = len(line.text.split()[0]) * (line.right - line.left) / len(line.text)  # of the next word
        has_room = before.right + width + before.size / 2 < edge and not text.endswith((HYPHEN, "-"))
        beside = _is_beside(before, line)
        if _is_close(before, line, 0.1) and not (text[-1:].isdigit() and line.text[:1].isdigit()):
            text += line.text  # as in "1\u20444"; the numbers of a power stay apart
        else:
            keeps = (has_room or is_code) and not beside
            text = f"{text}\n{line.text}" if keeps else _spliced(text, line.text)
    return re.sub("[ \t]+", " ", text.replace(HYPHEN, "-")).strip()


def _is_beside(before: Line, line: Line) -> bool:
    """Return whether a line stands beside another, as the text of a list item beside a mark that is its own line."""
    size = max(before.size, line.size)
    return line.left >= before.right - before.size / 2 and abs(line.bottom - before.bottom) < size / 2


def _is_close(before: Line, line: Line, most: float) -> bool:
    """Return whether a line goes on beside the other, with blank space of at `most` this part of a letter's size."""
    return _is_beside(before, line) and line.left < before.right + most * max(before.size, line.size)


def _spliced(text: str, more: str) -> str:
    """Join two lines. A word that a hyphen divides becomes whole where it goes on with a small letter."""
    if text.endswith((HYPHEN, "-")) and text[-2:-1].isalpha():
        return text[:-1] + ("" if more[:1].islower() else "-") + more
    return text + blank_after(text) + more


def _continues(block: Block, text: str) -> bool:
    """Return whether a paragraph goes on in the next column or on the next page."""
    open_ended = not ENDS.search(block.text) and len(block.text.split()) > 6
    return not block.level and open_ended and (text[:1].islower() or block.text.endswith(","))
