"""Read PDF files: their pages become lines with places and letter sizes, and these become blocks."""

import math
import re
from collections.abc import Iterator
from ctypes import c_int, create_string_buffer
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2
from pypdfium2 import raw

from rag_instruct.corpus.blocks import Block
from rag_instruct.corpus.layout import HYPHEN, Cell, Line, blocks_of, plain_name, without_contents, without_running

CELLS = 1.1  # blank space between two cells of a table, in sizes of a letter
FEW_WORDS = re.compile(r"[^\W\d]\S*( \S+){0,4}")
TURNED = 0.1  # lines that are turned are left out if they have at most this part of the page's letters
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\x9f\uffff]")
# What pdfium gives for a letter without a known character: a control sign, or one of a private meaning.
UNREADABLE = re.compile(rf"(?<![\U00010000-\U0010ffff]){CONTROL.pattern}|[\ufffd\ue000-\uf8ff]")
MOST_UNREADABLE = 0.25  # a page with more such letters, as a part of all, is left out
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")  # the halves of a rare character
SYMBOL = re.compile("^[\x01-\x08\x0e-\x1f\x80-\x9f\uf000-\uf0ff](?=\\s)")  # of a font of signs: the mark of a list item
ALEF_LAM = re.compile("[\u0622\u0623\u0625\u0627]\u0644")
# What macOS writes into some files of TeX: a sign for the ligature "ff", and no character for "ffi" and "ffl".
FF_SIGN = re.compile("(?<=[A-Za-z])\u21b5")
LIGATURES = {"\ufb00": "ff", "\ufb03": "ffi", "\ufb04": "ffl"}
BOLD = re.compile(rb"bold|black|heavy|bx\d|-demi", re.IGNORECASE)
FIXED = re.compile(rb"mono(?!type)|nimbusmon|courier|typewriter|consolas|menlo|tt\d", re.IGNORECASE)
MARK = re.compile(r"[-•◦▪‣●·\u2013]|\(?\w{1,3}[.)]|(\d+|[A-Z])(\.\d+)+")  # of a list's item, or of a heading


class Pdf(NamedTuple):
    """What a PDF file holds."""

    title: str  # of its metadata
    blocks: list[Block]
    running: int  # lines of headers, footers and page numbers, which are left out
    contents: int  # lines of tables of contents, and their headings, which are left out
    turned: int  # lines whose letters are turned against the page, as stamps in the margin, which are left out
    empty: list[int]  # pages with pictures and no text, such as scans
    unreadable: list[int]  # pages whose letters have no known characters


def read_pdf(path: Path) -> Pdf:
    """Read a PDF file. Raises ValueError, which says why, for a file that is damaged or needs a password."""
    try:
        file = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        said = "it needs a password: save it without one" if locked else f"it is damaged ({error})"
        raise ValueError(said) from error
    try:
        if file.get_formtype() == raw.FORMTYPE_XFA_FULL:
            raise ValueError("it is an XFA form, which only Adobe Reader shows: print it into a new PDF file there")
        lines: list[Line] = []
        empty, unreadable = [], []
        for number in range(len(file)):
            found, pictures, share = _page(file, number)
            if not found and pictures:
                empty.append(number + 1)
            elif share > MOST_UNREADABLE:
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
    text_lines = without_contents(kept)
    running, contents = len(straight) - len(kept), len(kept) - len(text_lines)
    turned = len(lines) - len(straight)
    return Pdf(title, blocks_of(text_lines, outline), running, contents, turned, empty, unreadable)


def _share_unreadable(text: str) -> float:
    letters = text.replace(" ", "")
    return len(UNREADABLE.findall(letters)) / len(letters) if letters else 0


def _page(file: Any, number: int) -> tuple[list[Line], bool, float]:
    """Return a page's lines as they were written, whether it has only pictures, and its share of unreadable letters.

    The share is that of UNREADABLE: letters without a known character, as a part of all.
    """
    page = _filled_in(file, number)
    try:
        text_page = page.get_textpage()
        text = _characters(text_page)
        lines = list(_lines(text_page, text, number + 1))
        pictures = not lines and any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return _against_the_page(lines), pictures, _share_unreadable(text)
    finally:
        page.close()


def _filled_in(file: Any, number: int) -> Any:
    """Return a page with the texts of its form fields, which are no part of a page's text otherwise."""
    page = file[number]
    if any(_is_field(page, at) for at in range(raw.FPDFPage_GetAnnotCount(page))):
        raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        page.close()
        return file[number]
    return page


def _is_field(page: Any, at: int) -> bool:
    annotation = raw.FPDFPage_GetAnnot(page, at)
    try:
        return bool(raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_WIDGET)
    finally:
        raw.FPDFPage_CloseAnnot(annotation)


def _lines(text_page: Any, characters: str, page: int) -> Iterator[Line]:
    """Yield the lines of a page, given its characters. pdfium gives the size and place of each."""
    whole = _in_order(text_page, characters)
    start = 0  # of the line in the page's text
    for text in re.split(f"(?<=[\n{HYPHEN}])", whole):
        if CONTROL.sub("", text).replace(HYPHEN, "").strip():
            plain = _plain(SYMBOL.sub("\u2022", text.lstrip())).strip()
            first = start + len(text) - len(text.lstrip())
            last = start + len(text.rstrip().rstrip(HYPHEN)) - 1
            # The middle shows the size. It is no blank: blanks that pdfium adds between a line's parts have the size 1.
            candidates = range(start + len(text) // 2, last)
            middle = next((one for one in candidates if not text[one - start].isspace()), first)
            given = SYMBOL.sub("\u2022", whole[first : max(first, last) + 1])
            yield _line(text_page, plain, given, page, first, middle)
        start += len(text)


def _characters(text_page: Any) -> str:
    """Return all characters of a page, at their places.

    pdfium's own text of a page lacks those without a meaning, such as the signs of some list items. Then the places of
    all others behind them would be wrong.
    """
    text = "".join(chr(raw.FPDFText_GetUnicode(text_page, at)) for at in range(text_page.count_chars()))
    text = PAIR.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16") + "\0", text)
    return _with_ligatures(re.sub("[\ud800-\udfff]", "\ufffd", re.sub("(?<=\\S)\x02", HYPHEN, text)))


def _with_ligatures(text: str) -> str:
    """Return a text with ligatures where macOS wrote "\u21b5" or a null. Each is one character, so places stay valid.

    "ffl" stands before a vowel ("offline"), "ffi" before other letters ("efficient").
    """
    if not re.search("[a-z]\u21b5[a-z]", text):
        return text
    text = re.sub("(?<=[A-Za-z])\0(?=[aeiouy])", "\ufb04", FF_SIGN.sub("\ufb00", text))
    return re.sub("(?<=[A-Za-z])\0(?=[a-z])", "\ufb03", text)


def _plain(text: str) -> str:
    """Return a text without signs that nobody sees, and with the letters of ligatures."""
    text = CONTROL.sub("", text)
    for sign, letters in LIGATURES.items():
        text = text.replace(sign, letters)
    return text


def _in_order(text_page: Any, text: str) -> str:
    """Return a text with the two letters of each Arabic lam-alef in their order. pdfium swaps them.

    They are one sign on the page, so they have the same place. Of two signs, the order is right.
    """
    letters = list(text)
    for found in ALEF_LAM.finditer(text):
        at = found.start()
        if text_page.get_charbox(at) == text_page.get_charbox(at + 1):
            letters[at : at + 2] = reversed(found[0])
    return "".join(letters)


def _against_the_page(lines: list[Line]) -> list[Line]:
    """Return the lines. If many are turned, the text of the page is turned itself, and none counts as turned."""
    turned = sum(len(line.text) for line in lines if line.turned)
    if turned <= TURNED * sum(len(line.text) for line in lines):
        return lines
    return [line._replace(turned=False) for line in lines]


def _line(text_page: Any, text: str, given: str, page: int, first: int, middle: int) -> Line:
    last = first + len(given) - 1
    begin, bottom, _, top = text_page.get_charbox(first, loose=True)
    end = text_page.get_charbox(last, loose=True)
    left, right = min(begin, end[0]), max(begin, end[2])  # some scripts run from right to left
    size = abs(raw.FPDFText_GetFontSize(text_page, middle)) * _scale(text_page, middle)
    turned = abs(math.sin(raw.FPDFText_GetCharAngle(text_page, middle))) > 0.5
    late = last - len(given) // 8  # in a line that begins with a bold phrase and goes on as text, it is not bold
    bold = sum(_is_bold(text_page, at) for at in (first, middle, last)) >= 2 and _is_bold(text_page, late)
    size = round(size * 2) / 2 or top - bottom
    cells = () if turned else _cells(text_page, given, first, size, bold)
    if cells and text.endswith(HYPHEN):
        cells = (*cells[:-1], cells[-1]._replace(text=f"{cells[-1].text}-"))
    fixed = all(_is_fixed(text_page, at) for at in (middle, late))  # the first one may be the number of a line
    return Line(text, page, left, bottom, right, top, size, bold, turned, cells, fixed)


def _cells(text_page: Any, text: str, first: int, size: float, bold: bool) -> tuple[Cell, ...]:
    """Return the parts of a line that wide blank space separates, or nothing if it is one part.

    `first` is the place of the line's first character on the page. The number of a heading, of a list item or of a line
    is no cell of its own. In front of a few words that are not bold, a number may be one, as in a ranking.
    """
    starts, ends = [0], list[int]()
    for blank in re.finditer(r"\s+", text):
        before, after = first + blank.start() - 1, first + blank.end()
        if text_page.get_charbox(after)[0] - text_page.get_charbox(before)[2] > CELLS * size:
            ends.append(blank.start())
            starts.append(blank.end())
    cells = [
        Cell(
            " ".join(_plain(text[start:end]).replace(HYPHEN, "-").split()),
            text_page.get_charbox(first + start)[0],
            text_page.get_charbox(first + end - 1)[2],
        )
        for start, end in zip(starts, [*ends, len(text)], strict=True)
    ]
    number = len(cells) == 2 and cells[0].text.isdecimal() and len(cells[0].text) < 4
    if MARK.fullmatch(cells[0].text) or (number and (bold or not FEW_WORDS.fullmatch(cells[1].text))):
        cells[:2] = [Cell(f"{cells[0].text} {cells[1].text}", cells[0].left, cells[1].right)] if cells[1:] else cells
    return tuple(cells) if len(cells) > 1 else ()


def _scale(text_page: Any, at: int) -> float:
    """Return by how much a letter is larger than its font says: some writers set all fonts to 1 and scale them."""
    matrix = raw.FS_MATRIX()
    return math.hypot(matrix.c, matrix.d) if raw.FPDFText_GetMatrix(text_page, at, matrix) else 1.0


def _is_bold(text_page: Any, at: int) -> bool:
    if raw.FPDFText_GetFontWeight(text_page, at) >= 600:
        return True
    name = create_string_buffer(100)  # many fonts say it in their names only
    return bool(raw.FPDFText_GetFontInfo(text_page, at, name, 100, None)) and bool(BOLD.search(name.value))


def _is_fixed(text_page: Any, at: int) -> bool:
    """Return whether a letter's font says that all its letters have one width, by a flag or by its name."""
    name, flags = create_string_buffer(100), c_int()
    known = bool(raw.FPDFText_GetFontInfo(text_page, at, name, 100, flags))
    return known and (bool(flags.value & 1) or bool(FIXED.search(name.value)))
