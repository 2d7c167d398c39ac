"""Turn HTML, Markdown and DOCX into blocks: headings, paragraphs, list items, rows of tables, code."""

import re
from collections.abc import Set
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from rag_instruct.corpus.blocks import Block

HEADING = re.compile(r"h([1-6])$")
PARAGRAPHS = {
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "header", "hr", "html", "main", "ol", "p", "pre", "section", "summary", "table", "tbody",
    "tfoot", "thead", "ul", "li", "tr",
}  # fmt: skip
ROWS = {"tbody", "tfoot", "thead", "tr"}
SKIPPED = {"button", "head", "iframe", "nav", "noscript", "script", "select", "style", "svg", "template"}
IN_HEAD = {"base", "head", "link", "meta", "noscript", "script", "style", "template", "title"}  # all others end it
HIDEABLE = {"div", "section", "span", "table"}  # elements that end with an end tag of their own
TITLE_STYLE = "p[style-name='Title'] => h1:fresh"  # added to mammoth's own map of styles
KNOWN = 15  # letters of a text that does not occur twice by chance
NEAR = 5  # blocks between a heading and the first text that counts as below it
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*\n", re.DOTALL | re.MULTILINE)
FRONT_TITLE = re.compile(r"""^title:[ \t]*(["']?)(.+?)\1[ \t]*$""", re.MULTILINE)


class _Walker(HTMLParser):
    """Collects the blocks of an HTML text."""

    def __init__(self, skipped: Set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._to_skip = skipped
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._level = self._skipped = self._pre = 0
        self._skipping = ""  # the tag of the element that is skipped; `_skipped` is how many of this tag are open
        self._lists: list[int] = []  # for each open list: the number of its last item, or -1 for a list with bullets
        self._cells: list[str] | None = None  # of the open row of a table
        self._in_cell = self._in_term = False
        self._names = False  # whether all cells of the open row are names of columns
        self._header = ""  # the row with the names of the columns of the open table
        self._term = ""  # of a list of definitions, which the definition follows
        self._item = ""  # what stands before the text of the open list item
        self._follows = False  # whether the last block belongs to the same list or table

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if self._skips(tag, dict(attributes)):
            return
        if tag == "br":
            self._parts.append("\n")
        elif self._cells is not None and tag not in ("td", "th", "tr"):
            self._parts.append(" " if tag in PARAGRAPHS else "")
        elif tag in ("td", "th"):
            self._begin_cell(tag)
        elif heading := HEADING.match(tag):
            self._end()
            self._end_terms()
            self._level = int(heading[1])
        elif tag in PARAGRAPHS:
            self._begin_paragraph(tag)

    def _skips(self, tag: str, attributes: dict[str, str | None]) -> bool:
        """Return whether an element that begins is skipped."""
        if self._skipping == "head" and tag not in IN_HEAD:
            self._skipped, self._skipping = 0, ""
        if not self._skipped and (tag in self._to_skip or (tag in HIDEABLE and _is_hidden(attributes))):
            self._skipping = tag
        self._skipped += bool(self._skipping) and tag == self._skipping
        return bool(self._skipping)

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= tag == self._skipping
            self._skipping = self._skipping if self._skipped else ""
        elif self._cells is not None:
            self._end_in_row(tag)
        elif HEADING.match(tag) or tag in PARAGRAPHS:
            self._end()
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
            self._pre -= tag == "pre" and self._pre > 0
            self._follows = self._follows and (tag == "li" or tag in ROWS or bool(self._lists))

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._parts.append(data if self._pre else re.sub(r"\s+", " ", data))

    def close(self) -> None:
        """End the page. `unended` is then the tag of an element that was skipped up to the end of the page, or ""."""
        super().close()
        self.unended = self._skipping
        self._end_row()
        self._end()
        self._end_terms()

    def _begin_paragraph(self, tag: str) -> None:
        self._end_row()
        self._end()
        self._in_term = tag == "dt"
        if tag == "li":
            self._begin_item()
        elif tag == "tr":
            self._cells, self._names = [], True
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else -1)
        elif tag not in ROWS and (tag == "table" or not self._lists):
            self._follows = False
        self._pre += tag == "pre"

    def _begin_item(self) -> None:
        depth = max(len(self._lists) - 1, 0)
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
        number = self._lists[-1] if self._lists else -1
        self._item = "  " * depth + (f"{number}. " if number >= 0 else "- ")

    def _begin_cell(self, tag: str) -> None:
        if self._cells is None:  # a cell without its row
            self._begin_paragraph("tr")
        self._end_cell()
        self._names = self._names and tag == "th"
        self._in_cell = True

    def _end_cell(self) -> None:
        """Keep the open cell, also an empty one. Between the cells of a row is white space only."""
        text = " ".join("".join(self._parts).split())
        self._parts.clear()
        if self._cells is not None and (text or self._in_cell):
            self._cells.append(text)
        self._in_cell = False

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
        row = " | ".join(self._cells) if any(self._cells) else ""
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
        text = re.sub(r"\s*\u00b6$", "", text)  # the sign of a link to the paragraph itself
        if text and self._in_term:
            self._term = f"{self._term}\n{text}" if self._term else text
        elif text:
            self._add(text if self._level else self._item + text, joins=bool(self._item) and not self._level)
            self._item = ""
        self._level, self._in_term = 0, False

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


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    style = re.sub(r"\s", "", attributes.get("style") or "").lower()
    return "hidden" in attributes or "display:none" in style


def html_blocks(text: str) -> list[Block]:
    """Return the blocks of an HTML text, without navigation, scripts and styles.

    An element without its end tag, which would swallow the rest of the page, is kept.
    """
    skipped = set(SKIPPED)
    while True:
        walker = _Walker(skipped)
        walker.feed(text)
        walker.close()
        if walker.unended not in skipped - {"script", "style"}:
            return walker.blocks
        skipped.remove(walker.unended)


def main_blocks(text: str) -> tuple[str, list[Block], int]:
    """Return a web page's title, the blocks of its main content, and how many other blocks it has.

    trafilatura finds the main content, but drops many headings and tables. So we keep all blocks from the first to the
    last that it finds, with the headings above them.
    """
    import trafilatura

    found = trafilatura.extract(text, output_format="txt", include_comments=False, favor_recall=True)
    described = trafilatura.extract_metadata(text)
    blocks, main = html_blocks(text), _letters(found or "")
    keys = [_letters(re.sub(r"^\s*(-|\d+\.) | \| ", "", block.text)) for block in blocks]
    inside = [number for number, key in enumerate(keys) if len(key) >= KNOWN and key in main]
    first, last = (_with_heading(blocks, inside[0]), inside[-1] + 1) if inside else (0, len(blocks))
    return (described and described.title) or "", blocks[first:last], len(blocks) - (last - first)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _with_heading(blocks: list[Block], first: int) -> int:
    """Return the place of the heading above a block, or of the block itself if none is near."""
    for place in range(first, max(first - NEAR, -1), -1):
        if blocks[place].level:
            return _with_heading(blocks, place - 1) if place and blocks[place - 1].level else place
    return first


def markdown_blocks(text: str) -> tuple[str, list[Block]]:
    """Return the title in a Markdown text's front matter, or "", and the blocks."""
    front = FRONT_MATTER.match(text)
    title = FRONT_TITLE.search(front[1]) if front else None
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text[front.end() if front else 0 :])
    return title[2] if title else "", html_blocks(rendered)


def docx_blocks(path: Path) -> list[Block]:
    """Return the blocks of a Word document."""
    import mammoth

    with path.open("rb") as file:
        no_pictures = mammoth.images.img_element(lambda _: {})
        converted = mammoth.convert_to_html(file, convert_image=no_pictures, style_map=TITLE_STYLE)
        return html_blocks(converted.value)


def text_blocks(text: str) -> list[Block]:
    """Return the paragraphs of a plain text, which blank lines separate. Line breaks inside stay."""
    parts = re.split(r"\n[ \t\f\r]*\n", text.replace("\r\n", "\n"))
    return [Block(part.strip()) for part in parts if part.strip()]
