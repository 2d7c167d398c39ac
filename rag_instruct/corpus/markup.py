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

HEADING = re.compile(r"h([1-6])$")
PARAGRAPHS = {
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "header", "hr", "html", "main", "ol", "p", "pre", "section", "summary", "table", "tbody",
    "tfoot", "thead", "ul", "li", "tr",
}  # fmt: skip
INLINE = {"a", "br", "sub", "sup"}
ROWS = {"tbody", "tfoot", "thead", "tr"}
SKIPPED = {"button", "head", "iframe", "nav", "noscript", "script", "select", "style", "svg", "template"}
IN_HEAD = {"base", "head", "link", "meta", "noscript", "script", "style", "template", "title"}  # all others end it
HIDEABLE = {
    "a",
    "aside",
    "div",
    "form",
    "ol",
    "section",
    "span",
    "sup",
    "table",
    "ul",
}  # they end with an end tag of their own
# Classes and roles of what is no text of the page: links to edit a section or to the paragraph itself, lists of links.
NO_TEXT = {
    "breadcrumb", "breadcrumbs", "cookie-banner", "cookie-consent", "headerlink", "mw-editsection", "navbox",
    "newsletter", "noprint", "share", "sharing", "social-share", "toc",
}  # fmt: skip
NO_ROLES = {"navigation", "search", "dialog", "alertdialog"}
RAISED, LOWERED = (
    dict(zip("0123456789+-\u2212n", signs, strict=True)) for signs in ("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋₋ₙ")
)
BOLD_LINE = re.compile(r"<p>(?:<a id=[^>]*></a>)*<strong>([^<]{1,100}?)</strong>(<sup>.*?</sup>)?</p>")
TITLE_STYLE = "p[style-name='Title'] => h1:fresh"  # added to mammoth's own map of styles
KNOWN = 15  # letters of a text that does not occur twice by chance
NEAR = 5  # blocks between a heading and the first text that counts as below it
FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?)^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
FRONT_KEY = re.compile(r"^\s*[\w\"'-]+[ \t]*[:=]", re.MULTILINE)  # without one, a rule begins the text
FRONT_TITLE = re.compile(r"""^title[ \t]*[:=][ \t]*(["']?)(.+?)\1[ \t]*$""", re.MULTILINE)
HEAD_TITLE = re.compile(r"<title[^>]*>([^<]+)", re.IGNORECASE)
DEEPEST = 1000  # levels of lists and quotes: markdown-it leaves out deeper ones without a word
MOST_UNENDED = 20  # hidden elements without an end: in a page with more, nothing is hidden
MOST_COLUMNS = 30  # that a cell may span
Attributes = dict[str, str | None]


class _Walker(HTMLParser):
    """Collects the blocks of an HTML text."""

    def __init__(self, skipped: Set[str], hides: bool, shown: Set[tuple[int, int]] = frozenset()) -> None:
        super().__init__(convert_charrefs=True)
        self._to_skip, self._hides, self._shown = skipped, hides, shown
        self.begun = (0, 0)  # the place of the element that is skipped
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._level = self._skipped = self._pre = 0
        self._skipping = ""  # the tag of the element that is skipped; `_skipped` is how many of this tag are open
        self._lists: list[int | None] = []  # for each open list: the number of its next item, or None for bullets
        self._cells: list[str] | None = None  # of the open row of a table
        self._in_cell = self._in_term = False
        self._names = False  # whether all cells of the open row are names of columns
        self._header = ""  # the row with the names of the columns of the open table
        self._spanned: dict[
            int, tuple[int, str]
        ] = {}  # by column of the table: the rows that a cell still spans, its text
        self._spans = (1, 1)  # rows and columns of the open cell
        self._padding = 0  # empty cells below the cell before, if another one follows
        self._small = -1  # where raised or lowered signs begin
        self._linked, self._link = -1, ""  # where a link to a place of the page begins, and its text
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
        elif tag == "a":
            self._linked = len(self._parts) if re.match(r"#\w", given.get("href") or "") else -1
        else:
            self._small = len(self._parts)

    def _skips(self, tag: str, attributes: Attributes) -> bool:
        """Return whether an element that begins is skipped."""
        if self._skipping == "head" and tag not in IN_HEAD:
            self._skipped, self._skipping = 0, ""
        hidden = self._hides and tag in HIDEABLE and _is_hidden(attributes) and self.getpos() not in self._shown
        if not self._skipped and (tag in self._to_skip or hidden):
            self._skipping, self.begun = tag, self.getpos()
        self._skipped += bool(self._skipping) and tag == self._skipping
        return bool(self._skipping)

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= tag == self._skipping
            self._skipping = self._skipping if self._skipped else ""
        elif tag in INLINE:
            self._end_inline(tag)
        elif self._cells is not None:
            self._end_in_row(tag)
        elif HEADING.match(tag) or tag in PARAGRAPHS:
            self._end()
            if tag == "dl":
                self._end_terms()
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
            self._pre -= tag == "pre" and self._pre > 0
            self._follows = self._follows and (tag == "li" or tag in ROWS or bool(self._lists))

    def _end_inline(self, tag: str) -> None:
        if tag == "a" and self._linked >= 0:
            place, self._linked, self._link = self._linked, -1, " ".join(self._since(self._linked).split())
            if not re.search(r"\w", self._link):  # a sign that links a heading to itself
                del self._parts[place:]
        elif tag in ("sup", "sub") and self._small >= 0:
            self._parts[self._small :] = [_small(self._since(self._small), RAISED if tag == "sup" else LOWERED)]
            self._small = -1

    def _since(self, place: int) -> str:
        return "".join(self._parts[place:])

    def handle_data(self, data: str) -> None:
        if not self._skipped:
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
        self.unended = self._skipping
        self._end_row()
        self._end()
        self._end_terms()

    def _begin_paragraph(self, tag: str, given: Attributes) -> None:
        self._end_row()
        self._end()
        self._in_term = tag == "dt"
        if tag == "li":
            self._begin_item(_whole(given.get("value")))
        elif tag == "tr":
            self._cells, self._names = [], True
        elif tag in ("ul", "ol"):
            start = _whole(given.get("start"))
            self._lists.append(None if tag == "ul" else 1 if start is None else start)
        elif tag not in ROWS and (tag == "table" or not self._lists):
            self._follows = False
        if tag == "table":
            self._spanned = {}
        self._pre += tag == "pre"

    def _begin_item(self, given: int | None) -> None:
        """Begin an item of a list. `given` is the number that the item itself has."""
        depth = max(len(self._lists) - 1, 0)
        mark, following = "- ", self._lists[-1] if self._lists else None
        if following is not None:
            number = following if given is None else given
            mark, self._lists[-1] = f"{number}. ", number + 1
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
            if rows > 1:
                self._spanned[len(self._cells)] = rows - 1, text
            self._cells.append(text)
            self._padding = min(columns, MOST_COLUMNS) - 1
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
            self._repeat_spanned(self._cells)
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
        if re.fullmatch("[\u00b6\u2191\u21a9]\ufe0e?", self._link):  # to the paragraph, or back to a footnote's place
            text = text.removesuffix(self._link).rstrip()
        if self._item and self._link and _is_link(text, self._link):
            self.contents += 1
            self._item = ""
        elif text and self._in_term:
            self._term = f"{self._term}\n{text}" if self._term else text
        elif text:
            self._add(text if self._level else self._item + text, joins=bool(self._item) and not self._level)
            self._item = ""
        self._level, self._in_term = 0, False
        self._small, self._linked, self._link = -1, -1, ""

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
    return bool(no_text) or "hidden" in attributes or "display:none" in style


def _is_link(text: str, link: str) -> bool:
    """Return whether a text is a link, behind a number at most."""
    return text.endswith(link) and not re.search(r"[^\W\d_]", text.removesuffix(link))


def _whole(value: str | None) -> int | None:
    """Return a whole number, or None if an attribute is missing or is something else."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 6 else None


def _small(text: str, signs: dict[str, str]) -> str:
    """Return raised or lowered digits as such ("m²"), and every other text as it is ("1st")."""
    return "".join(map(signs.__getitem__, text)) if text and all(sign in signs for sign in text) else text


class Marked(NamedTuple):
    """What a text with markup holds."""

    blocks: list[Block]
    contents: int  # items of tables of contents, which are left out


def html_blocks(text: str, hides: bool = True) -> Marked:
    """Return the blocks of an HTML text, without navigation, scripts, styles, and what its classes call no text.

    An element without its end tag, which would swallow the rest of the page, is kept.
    """
    skipped, shown = set(SKIPPED), set[tuple[int, int]]()
    while True:
        walker = _Walker(skipped, hides, shown)
        walker.feed(text)
        walker.close()
        if walker.unended in skipped - {"script", "style"}:
            skipped.remove(walker.unended)
        elif walker.unended in HIDEABLE and hides:
            shown.add(walker.begun)
            hides = len(shown) < MOST_UNENDED
        else:
            return Marked(_without_contents(walker.blocks), walker.contents)


def _without_contents(blocks: list[Block]) -> list[Block]:
    """Return the blocks without headings of tables of contents that have no text. Headings below them rise."""
    found: list[Block] = []
    left_out = 0  # the level of the last one
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
    last that it finds, with the headings above them. Short blocks count beside others: alone they occur by chance.
    """
    import trafilatura

    found = trafilatura.extract(text, output_format="txt", include_comments=False, favor_recall=True)
    described = trafilatura.extract_metadata(text)
    main = _Letters(_letters(found or ""))
    for hides in (True, False):  # a class such as "share" may stand at the text itself
        blocks, contents = html_blocks(text, hides)
        keys = [_letters(re.sub(r"^\s*(-|\d+\.) | \| ", "", block.text)) for block in blocks]
        inside = [number for number, key in enumerate(keys) if len(key) >= KNOWN and key in main]
        if inside or (blocks and not main.text):
            break
    first, last = (inside[0], inside[-1] + 1) if inside else (0, len(blocks))
    while first and (blocks[first].joined or (keys[first - 1] and keys[first - 1] in main)):
        first -= 1
    while last < len(blocks) and (blocks[last].joined or (keys[last] and keys[last] in main)):
        last += 1
    first = _with_heading(blocks, first) if blocks else 0
    return (
        _title(text, described, blocks[first:last]),
        Marked(blocks[first:last], contents),
        len(blocks) - (last - first),
    )


class _Letters:
    """The letters of a page's main content. Blocks are asked for in their order, so each search begins at the last."""

    def __init__(self, text: str) -> None:
        self.text, self._at = text, 0

    def __contains__(self, letters: str) -> bool:
        found = self.text.find(letters, self._at)
        self._at = max(found, self._at)
        return found >= 0 or letters in self.text


def _title(text: str, described: Any, blocks: list[Block]) -> str:
    """Return the title that trafilatura finds, or that of the page's head, if the first names a section or nothing."""
    found = re.sub(r"\s*\u00b6$", "", (described and described.title) or "")
    head = HEAD_TITLE.search(text)
    named = " ".join(unescape(head[1]).split()) if head else ""
    levels = {_letters(block.text): block.level for block in reversed(blocks) if block.level}
    if named and (not found or NO_NAME.fullmatch(found) or levels.get(_letters(found), 0) > 1):
        return named
    first, *others = re.split(r"\s+[-|:\u00b7\u00bb\u2013\u2014]\s+", named)
    is_site = _letters(first) in levels and _letters(found) in map(_letters, others)  # "OS | Node.js documentation"
    return first if is_site else found


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


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
    rendered = (
        MarkdownIt("commonmark", {"maxNesting": DEEPEST})
        .enable(["table", "strikethrough"])
        .render(text[front.end() if front else 0 :])
    )
    return _front_title(front[1], front[2]) if front else "", html_blocks(rendered)


def _front_title(mark: str, matter: str) -> str:
    """Return the title in front matter, or "". If it is no YAML or TOML, as in `title: A: B`, its line is the title."""
    try:
        found = yaml.load(matter, yaml.BaseLoader) if mark == "---" else tomllib.loads(matter)  # texts stay texts
    except (yaml.YAMLError, ValueError):
        line = FRONT_TITLE.search(matter)
        return line[2] if line else ""
    title = found.get("title") if isinstance(found, dict) else None
    return title.strip() if isinstance(title, str) else ""


def docx_blocks(path: Path) -> Marked:
    """Return the blocks of a Word document. If no style makes headings, short bold paragraphs are headings."""
    import mammoth

    with path.open("rb") as file:
        no_pictures = mammoth.images.img_element(lambda _: {})
        converted = mammoth.convert_to_html(file, convert_image=no_pictures, style_map=TITLE_STYLE).value
    if not re.search(r"<h[1-6]>", converted):
        converted = BOLD_LINE.sub(_as_heading, converted)
    return html_blocks(converted)


def _as_heading(found: re.Match[str]) -> str:
    """Return a bold paragraph as a heading: the first of a document is its title."""
    text, level = found[1].strip(), 2 if found.start() else 1
    if not text or len(text.split()) > 12 or text.endswith((".", ":", "!", "?", ",", ";")):
        return found[0]
    return f"<h{level}>{text}{found[2] or ''}</h{level}>"
