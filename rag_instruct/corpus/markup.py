"""Turn HTML, Markdown and DOCX into blocks: headings, paragraphs, list items, rows of tables, code."""

import re
import tomllib
import unicodedata
from collections.abc import Set
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from markdown_it import MarkdownIt

from rag_instruct.corpus.blocks import CONTENTS, NO_NAME, Block
from rag_instruct.corpus.word import NUMBER, prepared

HEADING = re.compile(r"h([1-6])$")
PARAGRAPHS = {
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "header", "hr", "html", "main", "ol", "p", "pre", "section", "summary", "table", "tbody",
    "tfoot", "thead", "ul", "li", "tr",
}  # fmt: skip
INLINE = {"a", "annotation", "br", "input", "semantics", "sub", "sup"}
ROMAN = {
    "m": 1000, "cm": 900, "d": 500, "cd": 400, "c": 100, "xc": 90, "l": 50, "xl": 40, "x": 10, "ix": 9, "v": 5, "iv": 4,
    "i": 1,
}  # fmt: skip
LISTS = {"li", "ol", "ul"}
ROWS = {"tbody", "tfoot", "thead", "tr"}
SKIPPED = {
    "audio", "button", "canvas", "datalist", "head", "iframe", "nav", "noscript", "script", "select", "style", "svg",
    "template", "video",
}  # fmt: skip
IN_HEAD = {"base", "head", "link", "meta", "noscript", "script", "style", "template", "title"}  # all others end it
# Elements that a class, a role or a style can hide. All but "p" need an end tag, so we know where they end. A "p" also
# ends where the next block begins.
HIDEABLE = {
    "a", "article", "aside", "b", "blockquote", "code", "details", "dialog", "div", "dl", "em", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "i", "label", "ol", "p", "pre", "section", "small", "span",
    "strong", "sub", "sup", "table", "ul",
}  # fmt: skip
# A start or an end tag of these ends a "p" that has no end tag. A "p" has no blocks inside. So the end tag of a block
# closes an element around the "p", and ends the "p" too.
ENDS_P = PARAGRAPHS - {"html"} | {"td", "th"} | {f"h{level}" for level in range(1, 7)}
# Classes and roles of elements that are not the text: links to edit a section, links of a paragraph to itself, banners.
NO_TEXT = {
    "breadcrumb", "breadcrumbs", "catlinks", "cookie-banner", "cookie-consent", "headerlink", "mw-cite-backlink",
    "mw-editsection", "mw-jump-link", "navbar", "navbox", "newsletter", "nomobile", "noprint", "printfooter", "share",
    "sharing", "social-share", "toc",
}  # fmt: skip
NO_ROLES = {"navigation", "search", "dialog", "alertdialog"}
RAISED, LOWERED = (
    dict(zip("0123456789+-\u2212n", signs, strict=True)) for signs in ("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋₋ₙ")
)
BOLD_LINE = re.compile(r"<p>(?:<a id=[^>]*></a>)*<strong>([^<]{1,100}?)</strong>(<sup>.*?</sup>)?</p>")
KNOWN = 15  # a text with fewer letters may occur twice by chance
NEAR = 5  # blocks in which we look for the heading of the main content: its first block, and those above
BULLET = re.compile(r"\A[\u2022\u25aa\u25cf\u25e6\u2023]\s+")  # that stands in the text of an item
# A sign that links a paragraph to itself, or a footnote back to its place in the text.
SIGN_OF_LINK = re.compile("[\u00b6\u2191\u21a9]\ufe0e?")
FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
FRONT_KEY = re.compile(r"^\s*[\w\"'-]+[ \t]*[:=]", re.MULTILINE)  # without one, a rule begins the text
FRONT_TITLE = re.compile(r"""^title[ \t]*[:=][ \t]*(["']?)(.+?)\1[ \t]*$""", re.MULTILINE | re.IGNORECASE)
# In prose, x[[i]] is the element of a list.
WIKI_LINK = re.compile(
    r"(?<![A-Za-z0-9_)\]])(!?)\[\[(?=[^\]]*[^\W\d_])([^\[\]|\n]+?)(?:\\?\|([^\[\]\n]+))?\]\](?![(\[])"
)
CALLOUT = re.compile(r"<blockquote>\n<p>\[![\w-]+\][+-]?[ \t]*([^\n<]*)(?:\n|(?=</p>))")
OPENING = re.compile(r"( *)(?:!!!|\?\?\?\+?|===[+!]{0,2}(?= *\")) *([\w-]*)[\w -]*(?:\"(.*)\")? *")
FENCE = re.compile(r" *(```+|~~~+)")
HEADING_ID = re.compile(r"[ \t]*\{[#.][\w:.-]+[^{}<]*\}(</h[1-6]>)")  # attributes, as pandoc and Hugo write them
HEAD_TITLE = re.compile(r"<title[^>]*>([^<]+)", re.IGNORECASE)
DEEPEST = 1000  # levels of lists and quotes: markdown-it leaves out deeper ones without a word
MOST_UNENDED = 20  # hidden elements without an end tag; from this number on, a page is read with all it hides
MOST_COLUMNS = 30  # that a cell may span
Attributes = dict[str, str | None]


class _Walker(HTMLParser):
    """Collects the blocks of an HTML text.

    Elements whose tag is `skipped` are left out. If `hides` is true, hidden elements are left out too, apart from those
    whose place is in `shown`.
    """

    def __init__(self, skipped: Set[str], hides: bool, shown: Set[tuple[int, int]]) -> None:
        super().__init__(convert_charrefs=True)
        self._to_skip, self._hides, self._shown = skipped, hides, shown
        self.skip_begin = (0, 0)  # the place of the element that is skipped
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._level = self._skip_depth = self._pre = 0
        self._skip_tag = ""  # the tag of the element that is skipped; `_skip_depth` is how many of this tag are open
        self._lists: list[int | None] = []  # for each open list: the number of its next item, or None for bullets
        self._counts: list[str] = []  # and how it counts, such as "a" for a, b, c
        self._cells: list[str] | None = None  # of the open row of a table
        self._in_cell = self._in_term = False
        self._names = False  # whether all cells of the open row are names of columns
        self._header = ""  # the row with the names of the columns of the open table
        # For each column of the table that a cell from above reaches: how many more rows it spans, and its text.
        self._spanned: dict[int, tuple[int, str]] = {}
        self._spans = (1, 1)  # rows and columns of the open cell
        self._padding = 0  # further columns that the last cell spans; they become empty cells if another cell follows
        # Where in `_parts` a raised or lowered text begins, and a link to a place of the page; -1 if none is open.
        self._shift_begin = self._link_begin = -1
        self._link = ""  # the text of the last such link
        self._formula_begin = -1  # where in `_parts` an open formula begins; -1 if none is open
        self.contents = 0  # items of tables of contents
        self._term = ""  # of a list of definitions, which the definition follows
        self._item = ""  # what stands before the text of the open list item
        self._follows = False  # whether the last block belongs to the same list or table

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        given = dict(attributes)
        if self._skips(tag, given):
            return
        if tag in INLINE:
            self._begin_inline(tag, given)
        elif self._cells is not None and tag not in ("td", "th", "tr"):
            self._parts.append(" " if tag in PARAGRAPHS else "")
        elif tag in ("td", "th"):
            self._begin_cell(tag, given)
        elif heading := HEADING.match(tag):
            self._end()
            self._end_terms()
            self._level = int(heading[1])
        elif tag in PARAGRAPHS:
            self._begin_paragraph(tag, given)

    def _begin_inline(self, tag: str, given: Attributes) -> None:
        if tag == "br":
            self._parts.append("\n")
        elif tag == "input":
            box = "\u2612" if "checked" in given else "\u2610"
            self._parts.append(box if given.get("type") == "checkbox" else "")
        elif tag == "semantics":
            self._formula_begin = len(self._parts)
        elif tag == "annotation":
            if 0 <= self._formula_begin < len(self._parts) and "tex" in (given.get("encoding") or ""):
                del self._parts[self._formula_begin :]  # the same formula in signs, without its fractions and powers
        elif tag == "a":
            self._link_begin = len(self._parts) if re.match(r"#\w", given.get("href") or "") else -1
        else:
            self._shift_begin = len(self._parts)

    def _skips(self, tag: str, attributes: Attributes) -> bool:
        """Return whether an element that begins is skipped."""
        if (self._skip_tag == "head" and tag not in IN_HEAD) or (self._skip_tag == "p" and tag in ENDS_P):
            self._skip_depth, self._skip_tag = 0, ""
        mark = tag == "sup" and "reference" in (attributes.get("class") or "").split()  # of a note, such as "[1]"
        hides = self._hides and tag in HIDEABLE and self.getpos() not in self._shown
        hidden = hides and (mark or _is_hidden(attributes))
        shadow = tag == "template" and "shadowrootmode" in attributes  # the text of a component, which browsers show
        if not self._skip_tag and ((tag in self._to_skip and not shadow) or hidden):
            self._skip_tag, self.skip_begin = tag, self.getpos()
        if tag == self._skip_tag:
            self._skip_depth += 1
        return bool(self._skip_tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skips_end(tag):
            return
        if tag in INLINE:
            self._end_inline(tag)
        elif self._cells is not None:
            self._end_in_row(tag)
        elif HEADING.match(tag) or tag in PARAGRAPHS:
            self._end()
            if tag == "dl":
                self._end_terms()
            if tag in LISTS:
                self._end_list(tag)
            if tag == "pre" and self._pre:
                self._pre -= 1
            self._follows = self._follows and (tag == "li" or tag in ROWS or bool(self._lists))

    def _end_list(self, tag: str) -> None:
        self._item = ""  # the mark of an item without a text
        if tag != "li" and self._lists:
            self._lists.pop()
            self._counts.pop()

    def _skips_end(self, tag: str) -> bool:
        """Return whether an end tag is skipped: it stands in an element that is skipped, or ends this element."""
        if self._skip_tag == "p" and tag in ENDS_P - {"p"}:
            self._skip_depth, self._skip_tag = 0, ""
        if not self._skip_tag:
            return False
        if tag == self._skip_tag:
            self._skip_depth -= 1
        if not self._skip_depth:
            self._skip_tag = ""
        return True

    def _end_inline(self, tag: str) -> None:
        if tag == "a" and self._link_begin >= 0:
            self._link = " ".join(self._since(self._link_begin).split())
            if not re.search(r"\w", self._link):  # a sign that links a heading to itself
                del self._parts[self._link_begin :]
            self._link_begin = -1
        elif tag in ("sup", "sub") and self._shift_begin >= 0:
            shifted = _shifted(self._since(self._shift_begin), RAISED if tag == "sup" else LOWERED)
            self._parts[self._shift_begin :] = [shifted]
            self._shift_begin = -1

    def _since(self, begin: int) -> str:
        return "".join(self._parts[begin:])

    def handle_data(self, data: str) -> None:
        if not self._skip_tag:
            data = data.replace("\u00ad", "")  # says where a word may be divided
            self._parts.append(data if self._pre else re.sub(r"\s+", " ", data))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over "<![x]>" as browsers do. The parser's own method raises AssertionError for unknown names."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i)

    def close(self) -> None:
        """End the page. `unended` is then the tag of an element that was skipped up to the end of the page, or ""."""
        super().close()
        self.unended = self._skip_tag
        self._end_row()
        self._end()
        self._end_terms()

    def _begin_paragraph(self, tag: str, given: Attributes) -> None:
        self._end_row()
        self._end()
        self._in_term = tag == "dt"
        if tag == "li":
            self._begin_item(_whole(given.get("value")), given.get("type"))
        elif tag == "tr":
            self._cells, self._names = [], True
        elif tag in ("ul", "ol"):
            start = _whole(given.get("start"))
            self._lists.append(None if tag == "ul" else 1 if start is None else start)
            self._counts.append(given.get("type") or "")
        elif tag not in ROWS and (tag == "table" or not self._lists):
            self._follows = False  # a new table, or a paragraph that is in no list item, follows no row or item
        if tag == "table":
            self._spanned = {}
        if tag == "pre":
            self._pre += 1

    def _begin_item(self, given: int | None, counts: str | None) -> None:
        """Begin an item of a list. `given` and `counts` are the number that the item itself has, and how it counts."""
        depth = max(len(self._lists) - 1, 0)
        mark, following = "- ", self._lists[-1] if self._lists else None
        if following is not None:
            number = following if given is None else given
            mark = f"{_counted(number, counts or self._counts[-1])}. "
            self._lists[-1] = number + 1
        self._item = "  " * depth + mark

    def _begin_cell(self, tag: str, given: Attributes) -> None:
        if self._cells is None:  # a cell without its row
            self._begin_paragraph("tr", {})
        self._end_cell()
        self._spans = _whole(given.get("rowspan")) or 1, _whole(given.get("colspan")) or 1
        self._names = self._names and tag == "th"
        self._in_cell = True

    def _end_cell(self) -> None:
        """Keep the open cell, also an empty one. Between the cells of a row is white space only."""
        text = " ".join("".join(self._parts).split())
        self._parts.clear()
        if self._cells is not None and (text or self._in_cell):
            self._cells += [""] * self._padding
            self._repeat_spanned(self._cells)
            rows, columns = self._spans
            self._padding = min(columns, MOST_COLUMNS) - 1
            if rows > 1:
                first = len(self._cells)
                self._spanned |= {first + n: (rows - 1, "" if n else text) for n in range(self._padding + 1)}
            self._cells.append(text)
        self._in_cell = False

    def _repeat_spanned(self, cells: list[str]) -> None:
        """Add the cells that reach down from rows above, up to the next free column."""
        while len(cells) in self._spanned:
            column = len(cells)
            rows, text = self._spanned.pop(column)
            if rows > 1:
                self._spanned[column] = rows - 1, text
            cells.append(text)

    def _end_in_row(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table", "tbody", "thead"):
            self._end_row()
        elif tag in PARAGRAPHS:
            self._parts.append(" ")
        self._follows = self._follows and tag != "table"

    def _end_row(self) -> None:
        if self._cells is None:
            return
        self._end_cell()
        if self._cells and any(column >= len(self._cells) + self._padding for column in self._spanned):
            self._cells += [""] * self._padding
            own = len(self._cells)
            self._repeat_spanned(self._cells)
            while len(self._cells) > own and not self._cells[-1]:
                self._cells.pop()
        row, self._padding = " | ".join(self._cells) if any(self._cells) else "", 0
        self._cells = None
        self._header = self._header if self._follows else ""
        self._add(row, joins=True)
        if self._names and not self._header:
            self._header = row

    def _end(self) -> None:
        """Keep the open heading, paragraph or list item."""
        raw = "".join(self._parts)
        lines = [line.rstrip() if self._pre else " ".join(line.split()) for line in raw.split("\n")]
        text = "\n".join(lines).strip("\n" if self._pre else None)
        self._parts.clear()
        if SIGN_OF_LINK.fullmatch(self._link):
            text = text.removesuffix(self._link).rstrip()
        if self._item and self._link and _is_link(text, self._link):  # such as "- 2.1 Sizes": a table of contents
            self.contents += 1
            self._item = ""
        elif text and self._in_term:
            self._term = f"{self._term}\n{text}" if self._term else text
        elif text:
            text = text if self._level else self._item + BULLET.sub("", text) if self._item else text
            self._header = ""  # a list below a table has no columns
            self._add(text, joins=bool(self._item) and not self._level)
            self._item = ""
        self._level, self._in_term = 0, False
        self._shift_begin, self._formula_begin, self._link_begin, self._link = -1, -1, -1, ""

    def _end_terms(self) -> None:
        """Keep the terms that no definition follows."""
        term, self._term = self._term, ""
        self._add(term, joins=False)

    def _add(self, text: str, joins: bool) -> None:
        if text:
            text, self._term = f"{self._term}\n{text}" if self._term else text, ""
            header = self._header if joins and self._follows else ""
            self.blocks.append(Block(text, self._level, header=header, joined=joins and self._follows))
            self._follows = joins


def _is_hidden(attributes: Attributes) -> bool:
    style = re.sub(r"\s", "", attributes.get("style") or "").lower()
    classes = set((attributes.get("class") or "").lower().split())
    no_text = classes & NO_TEXT or (attributes.get("role") or "").lower() in NO_ROLES
    hidden = attributes.get("hidden", "until-found") != "until-found"  # what a search in the page opens is text
    unseen = "display:none" in style or "visibility:hidden" in style or attributes.get("aria-hidden") == "true"
    return bool(no_text) or hidden or unseen


def _is_link(text: str, link: str) -> bool:
    """Return whether the link is the whole text, apart from a number or signs before it."""
    return text.endswith(link) and not re.search(r"[^\W\d_]", text.removesuffix(link))


def _whole(value: str | None) -> int | None:
    """Return a whole number, or None if an attribute is missing or is something else."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 6 else None


def _counted(number: int, counts: str) -> str:
    """Return a number of a list as HTML's types of lists write it: "a", "A", "i", "I", or else in digits."""
    if number < 1 or counts not in ("a", "A", "i", "I"):
        return str(number)
    letters = ""
    while number and counts in "aA":
        number, last = divmod(number - 1, 26)
        letters = chr(ord("a") + last) + letters
    for sign, value in ROMAN.items():
        letters += sign * (number // value)
        number %= value
    return letters if counts.islower() else letters.upper()


def _shifted(text: str, signs: dict[str, str]) -> str:
    """Return digits as raised or lowered `signs` ("m²"), and every other text as it is ("1st")."""
    return "".join(map(signs.__getitem__, text)) if text and all(sign in signs for sign in text) else text


class Marked(NamedTuple):
    """What a text with markup holds."""

    blocks: list[Block]
    contents: int  # items of tables of contents, which are left out


def html_blocks(text: str, hides: bool = True) -> Marked:
    """Return the blocks of an HTML text, without navigation, scripts, styles and, if it `hides`, hidden elements.

    An element that lacks its end tag would swallow the rest of the page. So we parse the page again and keep this
    element, or all elements of its tag.
    """
    skipped, shown = set(SKIPPED), set[tuple[int, int]]()
    while True:
        walker = _Walker(skipped, hides, shown)
        walker.feed(text)
        walker.close()
        if walker.unended in skipped - {"script", "style"}:
            skipped.remove(walker.unended)
        elif walker.unended in HIDEABLE and hides:
            shown.add(walker.skip_begin)
            hides = len(shown) < MOST_UNENDED
        else:
            return Marked(_without_contents(walker.blocks), walker.contents)


def _without_contents(blocks: list[Block]) -> list[Block]:
    """Leave out headings such as "Contents" if no text follows. Headings below them rise by one level."""
    found: list[Block] = []
    left_out = 0  # the level of the last such heading, while its section lasts
    for block, after in pairwise([*blocks, Block("", 1)]):
        left_out = 0 if 0 < block.level <= left_out else left_out
        if block.level and after.level and CONTENTS.fullmatch(block.text):
            left_out = block.level
        else:
            found.append(block._replace(level=block.level - 1) if left_out and block.level else block)
    return found


def main_blocks(text: str) -> tuple[str, Marked, int]:
    """Return a web page's title, the blocks of its main content, and how many other blocks it has.

    trafilatura finds the main content, but drops many headings and tables. So we keep all blocks from the first to the
    last that it finds, with the headings above them.
    """
    import trafilatura

    found = trafilatura.extract(text, output_format="txt", include_comments=False, favor_recall=True)
    described = trafilatura.extract_metadata(text)
    main = _MainContent(_letters(found or ""))
    for hides in (True, False):  # a class such as "share" may hide the main content itself
        blocks, contents = html_blocks(text, hides)
        first, last = _main_range(blocks, main)
        if first < last or (blocks and main.is_empty):
            break
    if first == last:  # nothing of the main content is found: keep all
        first, last = 0, len(blocks)
    kept = blocks[first:last]
    heads = [block.text for block in blocks if block.level == 1]
    title = _without_site(_title(text, described, kept), heads)
    return title, Marked(kept, contents), len(blocks) - len(kept)


def _main_range(blocks: list[Block], main: "_MainContent") -> tuple[int, int]:
    """Return the place of the main content's first block, and the place after its last; (0, 0) if there is none.

    Long blocks show where it is. Short ones may occur there by chance, so they count only beside others.
    """
    keys = [_letters(re.sub(r"^\s*(-|\d+\.|[a-zA-Z]{1,7}\.) | \| ", "", block.text)) for block in blocks]
    inside = [number for number, key in enumerate(keys) if len(key) >= KNOWN and main.has(key)]
    if not inside:
        return 0, 0
    first, last = inside[0], inside[-1] + 1
    while first and (blocks[first].joined or (keys[first - 1] and main.has(keys[first - 1]))):
        first -= 1
    while last < len(blocks) and (blocks[last].joined or (keys[last] and main.has(keys[last]))):
        last += 1
    return _with_heading(blocks, first), last


class _MainContent:
    """The letters of a page's main content.

    Blocks are looked up mostly in their order. So each search begins where the last one was found: otherwise, the time
    for a long page would grow with the square of its length.
    """

    def __init__(self, letters: str) -> None:
        self._all, self._at = letters, 0
        self.is_empty = not letters

    def has(self, letters: str) -> bool:
        found = self._all.find(letters, self._at)
        self._at = max(found, self._at)
        return found >= 0 or letters in self._all


def _title(text: str, described: Any, blocks: list[Block]) -> str:
    """Return the title of a page: the one that trafilatura finds, or the one in the page's head.

    We take the head's if trafilatura finds none, or takes a section's heading or the site's name for it.
    """
    found = re.sub(r"\s*\u00b6$", "", (described and described.title) or "")
    head = HEAD_TITLE.search(text)
    in_head = " ".join(unescape(head[1]).split()) if head else ""
    levels = {_letters(block.text): block.level for block in reversed(blocks) if block.level}
    if in_head and (not found or NO_NAME.fullmatch(found) or levels.get(_letters(found), 0) > 1):
        return in_head
    first, *others = re.split(r"\s+[-|:\u00b7\u00bb\u2013\u2014]\s+", in_head)  # "OS | Node.js documentation"
    found_site = _letters(first) in levels and _letters(found) in map(_letters, others)
    return first if found_site else found


def _without_site(title: str, heads: list[str]) -> str:
    """Return a page's title without the name of the site, if the rest is the only main heading of the page."""
    own = heads[0] if len(heads) == 1 else ""
    return own if own and re.match(r"\s+[-|\u00b7\u00bb\u2013\u2014]\s", title.removeprefix(own)) else title


def _letters(text: str) -> str:
    """Return what two readings of a text have in common: letters and digits, without marks such as "[1]"."""
    return re.sub(r"\[\d+\]|[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _with_heading(blocks: list[Block], first: int) -> int:
    """Return the place of the heading above a block, or of the block itself if none is near."""
    for place in range(first, max(first - NEAR, -1), -1):
        if blocks[place].level:
            return _with_heading(blocks, place - 1) if place and blocks[place - 1].level else place
    return first


def markdown_blocks(text: str) -> tuple[str, Marked]:
    """Return the title in a Markdown text's front matter, or "", and the blocks."""
    front = FRONT_MATTER.match(text)
    if front and front[2].strip() and not FRONT_KEY.search(front[2]):
        front = None
    markdown = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])
    markdown.inline.ruler.before("link", "wiki_link", _wiki_link)
    rendered = markdown.render(_without_openings(text[front.end() if front else 0 :]))
    rendered = CALLOUT.sub(r"<blockquote>\n<p>\1</p>\n<p>", rendered)
    rendered = HEADING_ID.sub(r"\1", rendered)
    return _front_title(front[1], front[2]) if front else "", html_blocks(rendered)


def _without_openings(text: str) -> str:
    """Return a text whose notes and tabs, as MkDocs writes them, are plain paragraphs: a title, and what it opens.

    MkDocs indents what belongs to them, which Markdown takes for code.
    """
    found: list[str] = []
    opened: list[int] = []  # the indents of the notes that are open
    fence = ""  # of the code that is open: lines in it open nothing
    lines = text.split("\n")
    for number, line in enumerate(lines):
        while opened and line.strip() and not line.startswith(" " * (opened[-1] + 4)):
            opened.pop()
        for indent in opened:
            line = line[:indent] + line[indent + 4 :]
        mark = FENCE.match(line)
        opening = None if fence else OPENING.fullmatch(line)
        inside = next((one for one in lines[number + 1 :] if one.strip()), "")
        if opening and inside.startswith(" " * (4 * len(opened) + len(opening[1]) + 4)):
            opened.append(len(opening[1]))
            line = f"{opening[1]}{opening[3] or opening[2].capitalize()}\n"
        elif mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        found.append(line)
    return "\n".join(found)


def _wiki_link(state: Any, silent: bool) -> bool:
    """Read links and embedded files as Obsidian and wikis write them: "[[Page#Section|shown]]", "![[picture.png]]"."""
    found = WIKI_LINK.match(state.src, state.pos)
    if not found:
        return False
    if not silent and not found[1]:
        state.push("text", "", 0).content = found[3] or found[2].removeprefix("#").replace("#", " > ")
    state.pos = found.end()
    return True


def _front_title(mark: str, matter: str) -> str:
    """Return the title in front matter, or "".

    Front matter such as `title: A: B` is not valid YAML. Then the title is the rest of this line.
    """
    try:
        found = yaml.load(matter, yaml.BaseLoader) if mark == "---" else tomllib.loads(matter)  # texts stay texts
    except (yaml.YAMLError, ValueError):
        line = FRONT_TITLE.search(matter)
        return line[2] if line else ""
    named = {str(key).lower(): value for key, value in found.items()} if isinstance(found, dict) else {}
    title = named.get("title")
    return title.strip() if isinstance(title, str) else ""


def docx_blocks(path: Path) -> tuple[str, Marked]:
    """Return the text of a Word document that has the style "Title", or "", and the document's blocks.

    If no style makes headings, short bold paragraphs are headings.
    """
    import mammoth

    no_pictures = mammoth.images.img_element(lambda _: {})
    file, styles = prepared(path)
    converted = mammoth.convert_to_html(file, convert_image=no_pictures, style_map=styles).value
    converted, contents = re.subn(r'<p class="toc">.*?</p>', "", converted, flags=re.DOTALL)
    converted = NUMBER.sub("", re.sub(f"<li>{NUMBER.pattern}", r'<li type="\1" value="\2">', converted))
    title = re.search(r'<h1 class="title">(.*?)</h1>', converted, re.DOTALL)
    if not title and not re.search(r"<h[1-6]>", converted):
        converted = BOLD_LINE.sub(_as_heading, converted)
    found = html_blocks(converted)
    named = [block.text for block in html_blocks(title[0]).blocks] if title else []
    return "".join(named), found._replace(contents=found.contents + contents)


def _as_heading(found: re.Match[str]) -> str:
    """Return a bold paragraph as a heading: of level 1 at the very start, or else of level 2. Sentences stay text."""
    text, level = found[1].strip(), 2 if found.start() else 1
    if not text or len(text.split()) > 12 or text.endswith((".", ":", "!", "?", ",", ";")):
        return found[0]
    return f"<h{level}>{text}{found[2] or ''}</h{level}>"
