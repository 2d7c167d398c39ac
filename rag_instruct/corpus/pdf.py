"""Turn PDF files into blocks: lines with their places and letter sizes become headings and paragraphs."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ctypes import create_string_buffer
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.corpus.blocks import Block
from rag_instruct.words import WITHOUT_SPACES

LARGER = 1.12  # a heading's letters are at least this much larger than those of the text
GAP = 0.8  # blank space above a paragraph, in heights of a line
RUNNING = 3  # pages whose first or last lines are alike have a running header or footer
EDGE = 2  # lines at the top and at the bottom of a page that may be one
LONGEST_HEADING = 200  # characters
TURNED = 0.1  # of a page's letters may stand against the others, to be left out
UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff]")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\uffff]")
LEADERS = re.compile(r"(\s?[.\u2026\u00b7]){4,}\s*(\d+|[ivxlc]+)$")  # an entry of a table of contents
NUMBERED = re.compile(r"((?:\d+|[A-Z])(?:\.\d+)*)\.?\s+\S")
HYPHEN = "\ufffe"  # what pdfium writes for a hyphen at the end of a line
BOLD = re.compile(rb"bold|black|heavy|bx\d|-demi", re.IGNORECASE)
BULLET = re.compile(r"([-•◦▪‣●·\u2013]|\(?\d{1,2}[.)]|\(?[a-z]\))\s")
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

    @property
    def height(self) -> float:
        return max(self.size, self.top - self.bottom, 1.0)


class Pdf(NamedTuple):
    """What a PDF file holds."""

    title: str  # of its metadata
    blocks: list[Block]
    running: int  # lines of headers, footers and page numbers, which are left out
    contents: int  # lines of tables of contents, which are left out
    turned: int  # lines in the margins that stand upright on a page, which are left out
    empty: list[int]  # pages with pictures and no text, such as scans
    unreadable: list[int]  # pages whose letters have no known characters


def read_pdf(path: Path) -> Pdf:
    """Read a PDF file. Raises ValueError, which says why, for a file that is damaged or needs a password."""
    import pypdfium2

    try:
        file = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        said = "it needs a password" if "password" in str(error).lower() else f"it is damaged ({error})"
        raise ValueError(said) from error
    try:
        lines: list[Line] = []
        empty, unreadable = [], []
        for number in range(len(file)):
            found, pictures = _page(file, number)
            if not found and pictures:
                empty.append(number + 1)
            elif _share_unreadable(found) > 0.2:
                unreadable.append(number + 1)
            else:
                lines += found
        outline = {_plain(entry.get_title()): entry.level + 1 for entry in file.get_toc()}
        title = str(file.get_metadata_dict().get("Title") or "")
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"it is damaged ({error})") from error
    finally:
        file.close()
    straight = [line for line in lines if not line.turned]
    kept = _without_running(straight)
    quotable = [line for line in kept if not LEADERS.search(line.text)]
    running, contents = len(straight) - len(kept), len(kept) - len(quotable)
    turned = len(lines) - len(straight)
    return Pdf(title, _blocks(quotable, outline), running, contents, turned, empty, unreadable)


def _share_unreadable(lines: list[Line]) -> float:
    text = "".join(line.text for line in lines)
    return len(UNREADABLE.findall(text)) / len(text) if text else 0


def _page(file: Any, number: int) -> tuple[list[Line], bool]:
    """Return the lines of a page in the order in which they were written, and whether the page has pictures."""
    from pypdfium2 import raw

    page = file[number]
    try:
        text_page = page.get_textpage()
        whole = text_page.get_text_range(errors="replace") if text_page.count_chars() else ""
        lines, at = [], 0
        for text in re.split(f"(?<=[\n{HYPHEN}])", whole):
            plain = CONTROL.sub("", text).strip()
            if plain.strip(HYPHEN):
                first = at + len(text) - len(text.lstrip())
                last = at + len(text.rstrip().rstrip(HYPHEN)) - 1
                lines.append(_line(text_page, plain, number + 1, first, max(first, last)))
            at += len(text)
        pictures = not lines and any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return _seen_as_turned(lines), pictures
    finally:
        page.close()


def _seen_as_turned(lines: list[Line]) -> list[Line]:
    """Return the lines, turned ones only where they are few: on other pages the text itself is turned."""
    turned = sum(len(line.text) for line in lines if line.turned)
    if turned <= TURNED * sum(len(line.text) for line in lines):
        return lines
    return [line._replace(turned=False) for line in lines]


def _line(text_page: Any, text: str, page: int, first: int, last: int) -> Line:
    from pypdfium2 import raw

    left, bottom, _, top = text_page.get_charbox(first, loose=True)
    _, _, right, _ = text_page.get_charbox(last, loose=True)
    middle = (first + last) // 2
    size = abs(raw.FPDFText_GetFontSize(text_page, middle)) * _scale(text_page, middle)
    turned = abs(math.sin(raw.FPDFText_GetCharAngle(text_page, middle))) > 0.5
    bold = sum(_is_bold(text_page, at) for at in (first, middle, last)) >= 2
    return Line(text, page, left, bottom, right, top, round(size * 2) / 2 or top - bottom, bold, turned)


def _scale(text_page: Any, at: int) -> float:
    """Return by how much a letter is larger than its font says: some writers set all fonts to 1 and scale them."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    return math.hypot(matrix.c, matrix.d) if raw.FPDFText_GetMatrix(text_page, at, matrix) else 1.0


def _is_bold(text_page: Any, at: int) -> bool:
    from pypdfium2 import raw

    if raw.FPDFText_GetFontWeight(text_page, at) >= 600:
        return True
    name = create_string_buffer(100)  # many fonts say it in their names only
    return bool(raw.FPDFText_GetFontInfo(text_page, at, name, 100, None)) and bool(BOLD.search(name.value))


def _plain(text: str) -> str:
    """Return a heading without its number and blanks, as an outline and a page may write it differently."""
    return re.sub(r"[\W\d_]+", "", text).casefold()


def _without_running(lines: list[Line]) -> list[Line]:
    """Leave out running headers, footers and page numbers.

    They are lines at the edge that are alike on several pages, or that count with the pages.
    """
    pages: dict[int, list[Line]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    edges = {number: _edges(found) for number, found in pages.items()}
    counts = Counter(like for found in edges.values() for like in {_like(line) for line in found})
    offsets = Counter(one for found in edges.values() for one in {one for line in found for one in _offsets(line)})
    often = {like for like, count in counts.items() if count >= max(RUNNING, len(pages) // 20)}
    numbering = {offset for offset, count in offsets.items() if count >= max(RUNNING, len(pages) // 4)}

    places = Counter(_place(line) for line in lines)

    def runs(line: Line) -> bool:
        at_edge = line in edges[line.page] and (_like(line) in often or bool(numbering & _offsets(line)))
        return at_edge or places[_place(line)] >= max(RUNNING, len(pages) // 2)

    return [line for line in lines if not runs(line)]


def _place(line: Line) -> tuple[str, int, int]:
    """Return the text and its place: a watermark stands at the same place of all pages."""
    return line.text, round(line.left / 12), round(line.bottom / 12)


def _offsets(line: Line) -> set[int]:
    """Return by how much the page differs from a number at the line's begin or end."""
    numbers = re.findall(r"^\d{1,5}(?=\s|$)|\b\d{1,5}$", line.text)
    return {line.page - int(number) for number in numbers} if len(line.text) <= LONGEST_HEADING else set()


def _edges(lines: list[Line]) -> set[Line]:
    by_height = sorted(lines, key=lambda line: -line.top)
    return {*by_height[:EDGE], *by_height[-EDGE:]}


def _like(line: Line) -> tuple[str, int]:
    """Return the text with its numbers replaced, and the height on the page."""
    text = re.sub(r"\d+", "#", line.text)
    return re.sub(r"^[ivxlc]+$", "#", text.casefold()), round(line.bottom / 12)


def _blocks(lines: list[Line], outline: dict[str, int]) -> list[Block]:
    counts = Counter[float]()
    for line in lines:
        counts[line.size] += len(line.text)
    body = counts.most_common(1)[0][0] if counts else 0.0
    sizes = sorted({line.size for line in lines if line.size >= body * LARGER}, reverse=True)
    levels = {size: min(number, 5) for number, size in enumerate(sizes, start=1)}
    found: list[Block] = []
    for group in _groups(lines, body):
        text, first = _text_of(group), group[0]
        level = _level(text, first, levels, outline)
        if found and not level and _continues(found[-1], text):
            found[-1] = found[-1]._replace(text=_spliced(found[-1].text, text))
        elif found and 0 < level < found[-1].level and found[-1].page == first.page:  # "Chapter 3" above its title
            found[-1] = Block(f"{found[-1].text} {text}", level, first.page)
        else:
            found.append(Block(text, level, first.page))
    return found


def _level(text: str, line: Line, levels: dict[float, int], outline: dict[str, int]) -> int:
    """Return the level of a heading, or 0 for a text."""
    if len(text) > LONGEST_HEADING or not re.search(r"[^\W\d_]", text):
        return 0
    named = outline.get(_plain(text), 0) if line.bold or line.size in levels or line.text[:1].isdigit() else 0
    if line.size in levels:
        return named or levels[line.size]
    alone = line.bold and not ENDS.search(text) and len(text.split()) <= 12
    numbered = NUMBERED.match(text)
    return named or (len(levels) + (numbered[1].count(".") + 1 if numbered else 1) if alone else 0)


def _groups(lines: Iterable[Line], body: float) -> Iterator[list[Line]]:
    """Yield the lines of each heading or paragraph."""
    group: list[Line] = []
    for line in lines:
        if group and _begins(line, group):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _begins(line: Line, group: list[Line]) -> bool:
    """Return whether a line begins a new paragraph or heading."""
    last = group[-1]
    gap = last.bottom - line.top
    if line.page != last.page or gap > GAP * last.height or line.bottom > last.top:
        return True  # another page, a blank space, or the next column
    if abs(line.size - last.size) > 0.08 * last.size or line.bold != last.bold:
        return True
    if BULLET.match(line.text) or (line.bold and NUMBERED.match(line.text)):
        return True
    indented = line.left - min(one.left for one in group[-2:]) > line.size
    return indented and bool(ENDS.search(last.text)) and len(group) > 1


def _text_of(group: list[Line]) -> str:
    """Join the lines of a group. A line with room for the next word, such as a row of a table, keeps its line break."""
    edge = max(line.right for line in group)
    text = group[0].text
    for before, line in pairwise(group):
        word = len(line.text.split()[0]) * (line.right - line.left) / len(line.text)
        apart = before.right + word + before.size / 2 < edge and not text.endswith((HYPHEN, "-"))
        text = f"{text}\n{line.text}" if apart else _spliced(text, line.text)
    return re.sub("[ \t]+", " ", text.replace(HYPHEN, "-")).strip()


def _spliced(text: str, more: str) -> str:
    """Join two lines. A word that a hyphen divides becomes whole where it goes on with a small letter."""
    if text.endswith((HYPHEN, "-")) and text[-2:-1].isalpha():
        return text[:-1] + ("" if more[:1].islower() else "-") + more
    return text + ("" if WITHOUT_SPACES.search(text[-1:]) else " ") + more


def _continues(block: Block, text: str) -> bool:
    """Return whether a paragraph goes on in the next column or on the next page."""
    open_ended = not ENDS.search(block.text) and len(block.text.split()) > 6
    return not block.level and open_ended and (text[:1].islower() or block.text.endswith(","))
