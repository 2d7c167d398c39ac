"""Turn plain text into paragraphs: lines that were broken at a width are joined, running lines of pages left out."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent

from rag_instruct.corpus.blocks import Block, blank_after
from rag_instruct.words import STOP, WITHOUT_SPACES

EDGE = 2  # lines at the top and at the bottom of a page that may be running lines
RUNNING = 3  # pages with alike lines at their edge have running lines
WIDTHS = range(50, 121)  # characters a line at which texts are broken
INDENT = 5  # blanks that may have been stripped from the first line of a paragraph
ENOUGH = 5  # fewer lines show no width
APART = re.compile(r"\t|[^\s.!?:]\s{2,}\S")  # columns inside a line
BROKEN = re.compile(r"[\w,.!?\"'\u2019\u201d-]$")  # the end of a line of prose
HYPHENATED = re.compile(r"\w-+$")  # in "wide -", the sign is a dash between blanks
JOINT = "\x1f"  # stands for a line break after a hyphen
DIVIDED = re.compile(rf"(\w+)-{JOINT}(\w+)")
CODE = re.compile(r"[={}<>\\|]|\(\)|->|::")
GOES_ON = re.compile(r"[\w\u3000-\u303f\uff00-\uffef(\[\"'\u2018\u201c$\u20ac\u00a3]")  # the start of a line of prose
ITEM = re.compile(r"([-*+\u2022\u2023\u00b7>|#=~]|\(?\w{1,3}[.)]|\[\w+\])\s")


def text_blocks(text: str) -> list[Block]:
    """Return the paragraphs of a plain text, which blank lines separate. Line breaks inside stay."""
    parts = re.split(r"\n[ \t\f]*\n", re.sub("\r\n?", "\n", text))
    return [Block(dedent(part).strip()) for part in parts if part.strip()]


def plain_blocks(text: str) -> tuple[list[Block], int]:
    """Return the paragraphs of a text file, and how many lines of running headers and footers are left out."""
    text, running = _without_running(text)
    blocks = text_blocks(text)
    width = _width(blocks)
    if width:
        words = set(re.findall(r"\w+", text.casefold()))
        blocks = [block._replace(text=_unbroken(block.text, width, words)) for block in blocks]
    return blocks, running


def _without_running(text: str) -> tuple[str, int]:
    """Return the text without page breaks and running lines, and the number of these lines.

    Running lines stand at the top or bottom of several pages, and differ only in their numbers.
    """
    pages = [page.split("\n") for page in text.split("\f")]
    edges = [_edge(page) for page in pages]
    counts = Counter(
        key for page, edge in zip(pages, edges, strict=True) for key in {_key(page[number]) for number in edge}
    )
    often = {key for key, count in counts.items() if count >= max(RUNNING, len(pages) // 2)}
    kept, left_out = list[str](), 0
    for page, edge in zip(pages, edges, strict=True):
        running = {number for number in edge if _key(page[number]) in often}
        left_out += len(running)
        kept.append("\n".join(line for number, line in enumerate(page) if number not in running).strip("\n"))
    return _without_page_breaks(kept), left_out


def _without_page_breaks(pages: list[str]) -> str:
    """Join pages. A sentence that a page break divides goes on in the next line; otherwise, a paragraph begins."""
    parts, last = list[str](), ""  # the last page with text
    for page in pages:
        goes_on = page.lstrip()[:1].islower() or last.rstrip().endswith((",", "-"))
        divided = last and goes_on and not last.endswith(":")
        parts += ["\n" if divided else "\n\n" if last else "", page]
        last = page if page.strip() or not last else f"{last.rstrip()}\n\n"
    return "".join(parts)


def _edge(page: list[str]) -> set[int]:
    filled = [number for number, line in enumerate(page) if line.strip()]
    edge = EDGE if len(filled) > 2 * EDGE else 1
    return {*filled[:edge], *filled[-edge:]}


def _key(line: str) -> str:
    """Return what alike lines have in common: the words, without their numbers, blanks and capitals."""
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", " ".join(line.split()).casefold())


def _size(text: str) -> int:
    """Return the length of a text. Chinese and Japanese characters are twice as wide as letters."""
    return len(text) + len(WITHOUT_SPACES.findall(text))


def _width(blocks: list[Block]) -> int:
    """Return the width at which the lines of a text were broken, or 0 if they were not."""
    sizes = sorted(_size(line.strip()) for block in blocks for line in block.text.split("\n")[:-1])
    width = sizes[len(sizes) * 9 // 10] if len(sizes) >= ENOUGH else 0
    return width if width in WIDTHS else 0


def _unbroken(text: str, width: int, words: set[str]) -> str:
    """Join the lines of prose that were broken at the width. Verses, addresses, tables and code keep their lines.

    A word that a hyphen divides becomes whole if it is one of the document's `words`: "exam-" and "ple", but not
    "well-" and "known".
    """
    joined = "".join(_joined([line.rstrip() for line in text.split("\n")], width))
    return DIVIDED.sub(lambda found: found[1] + found[2] if _is_whole(found, words) else found[0], joined).replace(
        JOINT, ""
    )


def _is_whole(divided: re.Match[str], words: set[str]) -> bool:
    return divided[2].islower() and (divided[1] + divided[2]).casefold() in words


def _is_record(line: str, following: str) -> bool:
    """Return whether two lines are rows of columns, lines of code, or lines that begin alike, as those of a log."""
    first, second = (_key(one)[:4] for one in (line, following))
    alike = first == second and following.split()[0].casefold() not in STOP
    return alike or any(APART.search(one.strip()) or CODE.search(one) for one in (line, following))


def _joined(lines: list[str], width: int) -> Iterator[str]:
    """Yield the lines, with what separates each from the line before: a line break, a blank, or nothing."""
    yield lines[0]
    for number, (line, following) in enumerate(pairwise(lines)):
        word = following.split(maxsplit=1)[0] if following.strip() else ""
        unit = word[:1] if WITHOUT_SPACES.match(word) else word  # scripts without spaces break lines inside words
        indent = 0 if number else INDENT
        full = bool(word) and indent + _size(line) + 1 + _size(unit) > width
        blank = blank_after(line)
        prose = not blank or BROKEN.search(line)
        begins = GOES_ON.match(following.lstrip()) and not ITEM.match(following.lstrip())
        if not (full and prose and begins) or _is_record(line, following):
            yield f"\n{following}"
        else:
            yield (JOINT if HYPHENATED.search(line) else blank) + following.lstrip()
