"""Turn the lines of pages into blocks: running headers and footers go, headings, paragraphs and tables are found."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from rag_instruct.corpus.blocks import CONTENTS, Block, blank_after

LARGER = 1.12  # a heading's letters are at least this much larger than those of the text
GAP = 0.8  # blank space above a paragraph, in heights of a line
WIDER = 0.4  # the same in a text with wide lines: how much more space than between its lines
WIDEST = 1.3  # space between the lines of a text with double spacing
ALIGNED = 3  # points between the edges of cells in one column
SMALLER = 0.95  # letters of a running header, if nothing else shows that it is one
RUNNING = 3  # pages whose first or last lines are alike have a running header or footer
EDGE = 2  # lines at the top and at the bottom of a page that may be one
LONGEST_HEADING = 200  # characters
LEADERS = re.compile(r"(\s?[.\u2026\u00b7]){4,}\s*(\d+|[ivxlc]+)$")  # an entry of a table of contents
NUMBERED = re.compile(r"((?:\d+|[A-Z](?=\.)|[B-HJ-Z])(?:\.\d+)*)\.?\s+\S")  # "A" and "I" are words as well
HYPHEN = "\ufffe"  # what pdfium writes for a hyphen at the end of a line
BULLET = re.compile(r"([-•◦▪‣●·\u2013]|\(?\d{1,2}[.)]|\(?[a-z]\))\s")
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

    @property
    def height(self) -> float:
        return max(self.size, self.top - self.bottom, 1.0)


class Cell(NamedTuple):
    """A part of a line that may be the cell of a table."""

    text: str
    left: float
    right: float


def without_contents(lines: list[Line]) -> list[Line]:
    """Leave out tables of contents, and their headings."""
    return [line for line, following in pairwise([*lines, None]) if line and not _is_contents(line, following)]


def _is_contents(line: Line, following: Line | None) -> bool:
    """Return whether a line belongs to a table of contents, or is its heading."""
    heads = following and CONTENTS.fullmatch(line.text) and LEADERS.search(following.text)
    return bool(heads or LEADERS.search(line.text))


def plain_name(text: str) -> str:
    """Return a heading without its number and blanks, as an outline and a page may write it differently."""
    return re.sub(r"[\W\d_]+", "", text).casefold()


def without_running(lines: list[Line]) -> list[Line]:
    """Leave out running headers, footers and page numbers.

    They are lines at the edge that are alike on several pages, or that count with the pages, or small lines that stand
    apart at the top of most pages. Large lines are headings, unless they are the same on most pages.
    """
    pages: dict[int, list[Line]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    body = _body_size(lines)
    edges = {number: _edges(found) for number, found in pages.items()}
    counts = Counter(like for found in edges.values() for like in {_like(line, body) for line in found})
    offsets = Counter(
        one for found in edges.values() for one in {one for line in found for one in _offsets(line, body)}
    )
    numbering = {offset for offset, count in offsets.items() if count >= max(RUNNING, len(pages) // 4)}
    places = Counter(_place(line) for line in lines)
    heads = {line for found in pages.values() for line in _small_heads(found, body)}
    heights = Counter(round(line.bottom / 12) for line in heads)
    most = max(RUNNING, len(pages) // 2)

    def runs(line: Line) -> bool:
        often = most if _is_large(line, body) else max(RUNNING, len(pages) // 20)
        if line in edges[line.page] and (counts[_like(line, body)] >= often or numbering & _offsets(line, body)):
            return True
        return places[_place(line)] >= most or (line in heads and heights[round(line.bottom / 12)] >= most)

    return [line for line in lines if not runs(line)]


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


def _place(line: Line) -> tuple[str, int, int]:
    """Return the text and its place: a watermark stands at the same place of all pages."""
    return line.text, round(line.left / 12), round(line.bottom / 12)


def _offsets(line: Line, body: float) -> set[int]:
    """Return by how much the page differs from a number at the line's begin or end."""
    pattern = r"\d{1,5}$" if _is_large(line, body) else r"^\d{1,5}(?=\s|$)|\b\d{1,5}$"
    numbers = re.findall(f"^{pattern}" if _is_large(line, body) else pattern, line.text)
    return {line.page - int(number) for number in numbers} if len(line.text) <= LONGEST_HEADING else set()


def _edges(lines: list[Line]) -> set[Line]:
    by_height = sorted(lines, key=lambda line: -line.top)
    return {*by_height[:EDGE], *by_height[-EDGE:]}


def _like(line: Line, body: float) -> tuple[str, int]:
    """Return the text with its numbers replaced, and the height on the page. Large lines keep their numbers."""
    text = line.text if _is_large(line, body) else re.sub(r"\d+", "#", line.text)
    return re.sub(r"^[ivxlc]+$", "#", text.casefold()), round(line.bottom / 12)


def blocks_of(lines: list[Line], outline: dict[str, int]) -> list[Block]:
    body = _body_size(lines)
    sizes = sorted({line.size for line in lines if _is_large(line, body)}, reverse=True)
    levels = {size: min(number, 5) for number, size in enumerate(sizes, start=1)}
    found: list[Block] = []
    rows, table = _rows(lines, body), list[Line]()  # the rows of the table so far
    for group in _groups(lines, rows):
        first = group[0]
        if first in rows:
            table = [*table, first] if table and table[-1].page == first.page else [first]
            header = _written(table[0]) if table[0].bold and len(table) > 1 else ""
            found.append(Block(_written(first), 0, first.page, header, joined=len(table) > 1))
            continue
        text = _text_of(group)
        level = _level(text, first, levels, outline)
        if found and not table and not level and _continues(found[-1], text):
            found[-1] = found[-1]._replace(text=_spliced(found[-1].text, text))
        elif found and _names_chapter(found[-1], text, level, first.page):
            found[-1] = Block(f"{found[-1].text} {text}", level, first.page)
        else:
            found.append(Block(text, level, first.page))
        table = []
    return found


def _rows(lines: list[Line], body: float) -> set[Line]:
    """Return the lines that are rows of tables: half of their cells stand below or above those of another row."""
    found: set[Line] = set()
    for upper, lower in pairwise(lines):
        fewest = min(len(upper.cells), len(lower.cells)) - 1
        if fewest < 1 or upper.page != lower.page or _is_large(upper, body) or _is_large(lower, body):
            continue
        aligned = sum(any(_is_aligned(one, other) for other in upper.cells[1:]) for one in lower.cells[1:])
        if aligned * 2 >= fewest:
            found |= {upper, lower}
    return found


def _is_aligned(one: Cell, other: Cell) -> bool:
    """Return whether two cells have the same left edge, right edge or middle."""
    apart = one.left - other.left, one.right - other.right
    return min(abs(apart[0]), abs(apart[1]), abs(sum(apart)) / 2) < ALIGNED


def _written(row: Line) -> str:
    return " | ".join(cell.text for cell in row.cells)


def _names_chapter(block: Block, text: str, level: int, page: int) -> bool:
    """Return whether a heading is a short one above the chapter's title, such as "Chapter 3"."""
    short = len(block.text.split()) <= 3 and not NUMBERED.match(text)
    return 0 < level < block.level and block.page == page and short


def _level(text: str, line: Line, levels: dict[float, int], outline: dict[str, int]) -> int:
    """Return the level of a heading, or 0 for a text."""
    if len(text) > LONGEST_HEADING or not re.search(r"[^\W\d_]", text):
        return 0
    named = outline.get(plain_name(text), 0) if line.bold or line.size in levels or line.text[:1].isdigit() else 0
    if line.size in levels:
        return named or levels[line.size]
    alone = line.bold and not ENDS.search(text) and len(text.split()) <= 12
    numbered = NUMBERED.match(text)
    return named or (len(levels) + (numbered[1].count(".") + 1 if numbered else 1) if alone else 0)


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
    if abs(line.size - last.size) > 0.08 * last.size or line.bold != last.bold:
        return True
    if BULLET.match(line.text) or (line.bold and NUMBERED.match(line.text)):
        return True
    if REFERENCE.match(line.text) and (REFERENCE.match(group[0].text) or ENDS.search(last.text)):
        return True
    indented = line.left - min(one.left for one in group[-2:]) > line.size
    return indented and bool(ENDS.search(last.text)) and len(group) > 1


def _text_of(group: list[Line]) -> str:
    """Join the lines of a group. A line with room for the next word keeps its line break, as in an address."""
    edge = max(line.right for line in group)
    text = group[0].text
    for before, line in pairwise(group):
        word = len(line.text.split()[0]) * (line.right - line.left) / len(line.text)
        apart = before.right + word + before.size / 2 < edge and not text.endswith((HYPHEN, "-"))
        goes_on = line.left >= before.right - 1 and abs(line.bottom - before.bottom) < before.size / 2  # behind a mark
        text = f"{text}\n{line.text}" if apart and not goes_on else _spliced(text, line.text)
    return re.sub("[ \t]+", " ", text.replace(HYPHEN, "-")).strip()


def _spliced(text: str, more: str) -> str:
    """Join two lines. A word that a hyphen divides becomes whole where it goes on with a small letter."""
    if text.endswith((HYPHEN, "-")) and text[-2:-1].isalpha():
        return text[:-1] + ("" if more[:1].islower() else "-") + more
    return text + blank_after(text) + more


def _continues(block: Block, text: str) -> bool:
    """Return whether a paragraph goes on in the next column or on the next page."""
    open_ended = not ENDS.search(block.text) and len(block.text.split()) > 6
    return not block.level and open_ended and (text[:1].islower() or block.text.endswith(","))
