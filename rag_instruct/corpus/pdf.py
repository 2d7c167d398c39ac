"""Read PDF files: their pages become lines with places and letter sizes, and these become blocks."""

import math
import re
from ctypes import create_string_buffer
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.corpus.blocks import Block
from rag_instruct.corpus.layout import HYPHEN, Cell, Line, blocks_of, plain_name, without_contents, without_running

CELLS = 1.1  # blank space between two cells of a table, in sizes of a letter
TURNED = 0.1  # of a page's letters may stand against the others, to be left out
UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff]")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\uffff]")
BOLD = re.compile(rb"bold|black|heavy|bx\d|-demi", re.IGNORECASE)
MARK = re.compile(r"[-•◦▪‣●·\u2013]|\(?\w{1,3}[.)]|\d+(\.\d+)+")  # of a list's item, or of a heading


class Pdf(NamedTuple):
    """What a PDF file holds."""

    title: str  # of its metadata
    blocks: list[Block]
    running: int  # lines of headers, footers and page numbers, which are left out
    contents: int  # lines of tables of contents, and their headings, which are left out
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
        outline = {plain_name(entry.get_title()): entry.level + 1 for entry in file.get_toc()}
        title = str(file.get_metadata_dict().get("Title") or "")
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"it is damaged ({error})") from error
    finally:
        file.close()
    straight = [line for line in lines if not line.turned]
    kept = without_running(straight)
    quotable = without_contents(kept)
    running, contents = len(straight) - len(kept), len(kept) - len(quotable)
    turned = len(lines) - len(straight)
    return Pdf(title, blocks_of(quotable, outline), running, contents, turned, empty, unreadable)


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
                seen = range(
                    at + len(text) // 2, last
                )  # a blank has the size 1 where a line's parts are placed one by one
                middle = next((one for one in seen if not text[one - at].isspace()), first)
                lines.append(_line(text_page, plain, number + 1, first, middle, max(first, last)))
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


def _line(text_page: Any, text: str, page: int, first: int, middle: int, last: int) -> Line:
    from pypdfium2 import raw

    left, bottom, _, top = text_page.get_charbox(first, loose=True)
    _, _, right, _ = text_page.get_charbox(last, loose=True)
    size = abs(raw.FPDFText_GetFontSize(text_page, middle)) * _scale(text_page, middle)
    turned = abs(math.sin(raw.FPDFText_GetCharAngle(text_page, middle))) > 0.5
    bold = sum(_is_bold(text_page, at) for at in (first, middle, last)) >= 2
    size = round(size * 2) / 2 or top - bottom
    cells = () if turned else _cells(text_page, first, last, size)
    return Line(text, page, left, bottom, right, top, size, bold, turned, cells)


def _cells(text_page: Any, first: int, last: int, size: float) -> tuple[Cell, ...]:
    """Return the parts of a line that wide blank space separates, or nothing if it is one part.

    The number of a heading or list item is no cell of its own.
    """
    boxes = [text_page.get_rect(number) for number in range(text_page.count_rects(first, last - first + 1))]
    parts = boxes[:1]
    for left, bottom, right, top in boxes[1:]:
        before = parts[-1]
        if left - before[2] > CELLS * size:
            parts.append((left, bottom, right, top))
        else:
            parts[-1] = (before[0], min(before[1], bottom), max(before[2], right), max(before[3], top))
    if len(parts) < 2:
        return ()
    texts = [CONTROL.sub("", text_page.get_text_bounded(*part)).replace(HYPHEN, "-") for part in parts]
    cells = [Cell(" ".join(text.split()), part[0], part[2]) for text, part in zip(texts, parts, strict=True)]
    if MARK.fullmatch(cells[0].text) or (len(cells) == 2 and cells[0].text.isdecimal() and len(cells[0].text) < 4):
        cells[:2] = [Cell(f"{cells[0].text} {cells[1].text}", cells[0].left, cells[1].right)]
    return tuple(cells) if len(cells) > 1 else ()


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
