"""Turn PDF files into blocks: lines with their places and letter sizes become headings and paragraphs."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.corpus.blocks import Block

LARGER = 1.12  # a heading's letters are at least this much larger than those of the text
GAP = 0.8  # blank space above a paragraph, in heights of a line
SHORT = 0.85  # a line that ends before this share of the paragraph's width keeps its line break
RUNNING = 3  # pages whose first or last lines are alike have a running header or footer
EDGE = 2  # lines at the top and at the bottom of a page that may be one
LONGEST_HEADING = 200  # characters
UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff]")
CONTROL = re.compile("[\x00-\x01\x03-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
HYPHEN = "\x02"  # what pdfium writes for a hyphen at the end of a line
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

    @property
    def height(self) -> float:
        return max(self.size, self.top - self.bottom, 1.0)


class Pdf(NamedTuple):
    """What a PDF file holds."""

    title: str  # of its metadata
    blocks: list[Block]
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
    return Pdf(title, _blocks(_without_running(lines), outline), empty, unreadable)


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
        for text in re.split(r"(?<=\n)", whole):
            plain = CONTROL.sub("", text).strip()
            if plain.strip(HYPHEN):
                first = at + len(text) - len(text.lstrip())
                last = at + len(text.rstrip().rstrip(HYPHEN)) - 1
                lines.append(_line(text_page, plain, number + 1, first, max(first, last)))
            at += len(text)
        pictures = not lines and any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return lines, pictures
    finally:
        page.close()


def _line(text_page: Any, text: str, page: int, first: int, last: int) -> Line:
    from pypdfium2 import raw

    left, bottom, _, top = text_page.get_charbox(first, loose=True)
    _, _, right, _ = text_page.get_charbox(last, loose=True)
    middle = (first + last) // 2
    size = raw.FPDFText_GetFontSize(text_page, middle)
    weight = raw.FPDFText_GetFontWeight(text_page, middle)
    return Line(text, page, left, bottom, right, top, round(abs(size) * 2) / 2 or top - bottom, weight >= 600)


def _plain(text: str) -> str:
    """Return a heading without its number and blanks, as an outline and a page may write it differently."""
    return re.sub(r"[\W\d_]+", "", text).casefold()


def _without_running(lines: list[Line]) -> list[Line]:
    """Leave out running headers, footers and page numbers: edge lines that are alike on several pages."""
    pages: dict[int, list[Line]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    edges = {number: _edges(found) for number, found in pages.items()}
    counts = Counter(like for found in edges.values() for like in {_like(line) for line in found})
    most = max(RUNNING, len(pages) // 20)
    return [line for line in lines if not (line in edges[line.page] and counts[_like(line)] >= most)]


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
    return named or (len(levels) + 1 if alone else 0)


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
    last, first = group[-1], group[0]
    gap = last.bottom - line.top
    if line.page != last.page or gap > GAP * last.height or line.bottom > last.top:
        return True  # another page, a blank space, or the next column
    if abs(line.size - last.size) > 0.08 * last.size or (line.bold != first.bold and len(group) == 1):
        return True
    if BULLET.match(line.text):
        return True
    indented = line.left - min(one.left for one in group[-2:]) > line.size
    return indented and bool(ENDS.search(last.text)) and len(group) > 1


def _text_of(group: list[Line]) -> str:
    """Join the lines of a group. A line that ends early, such as a row of a table, keeps its line break."""
    width = max(line.right for line in group) - min(line.left for line in group)
    edge = min(line.left for line in group) + SHORT * width
    text = group[0].text
    for before, line in pairwise(group):
        apart = before.right < edge and not text.endswith((HYPHEN, "-"))
        text = f"{text}\n{line.text}" if apart else _spliced(text, line.text)
    return re.sub("[ \t]+", " ", text.replace(HYPHEN, "-")).strip()


def _spliced(text: str, more: str) -> str:
    """Join two lines. A word that a hyphen divides becomes whole where it goes on with a small letter."""
    if text.endswith((HYPHEN, "-")) and text[-2:-1].isalpha() and more[:1].islower():
        return text[:-1] + more
    without = re.search(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]$", text)  # scripts without blanks
    return text + ("" if without else " ") + more


def _continues(block: Block, text: str) -> bool:
    """Return whether a paragraph goes on in the next column or on the next page."""
    return not block.level and not ENDS.search(block.text) and text[:1].islower() and len(block.text.split()) > 6
