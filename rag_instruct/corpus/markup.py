"""Turn HTML, Markdown and DOCX into blocks: headings, paragraphs, list items, rows of tables, code."""

import re
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
SKIPPED = {"head", "nav", "noscript", "script", "style", "svg", "template"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*\n", re.DOTALL | re.MULTILINE)
FRONT_TITLE = re.compile(r"""^title:[ \t]*(["']?)(.+?)\1[ \t]*$""", re.MULTILINE)


class _Walker(HTMLParser):
    """Collects the blocks of an HTML text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._level = self._skipped = self._pre = 0
        self._lists: list[int] = []  # for each open list: the number of its last item, or -1 for a list with bullets
        self._cells: list[str] | None = None  # of the open row of a table
        self._item = ""  # what stands before the text of the open list item
        self._follows = False  # whether the last block belongs to the same list or table

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if self._skipped or tag in SKIPPED:
            self._skipped += tag not in VOID
        elif tag == "br":
            self._parts.append("\n")
        elif self._cells is not None and tag not in ("td", "th", "tr"):
            self._parts.append(" " if tag in PARAGRAPHS else "")
        elif tag in ("td", "th"):
            self._end_cell()
        elif heading := HEADING.match(tag):
            self._end()
            self._level = int(heading[1])
        elif tag in PARAGRAPHS:
            self._begin_paragraph(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= tag not in VOID
        elif self._cells is not None:
            self._end_in_row(tag)
        elif HEADING.match(tag) or tag in PARAGRAPHS:
            self._end()
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
            self._pre -= tag == "pre" and self._pre > 0
            self._follows = self._follows and (tag == "li" or bool(self._lists))

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._parts.append(data if self._pre else re.sub(r"\s+", " ", data))

    def close(self) -> None:
        super().close()
        self._end_row()
        self._end()

    def _begin_paragraph(self, tag: str) -> None:
        self._end()
        if tag == "li":
            self._begin_item()
        elif tag == "tr":
            self._end_row()
            self._cells = []
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else -1)
        elif tag == "table" or not self._lists:
            self._follows = False
        self._pre += tag == "pre"

    def _begin_item(self) -> None:
        depth = max(len(self._lists) - 1, 0)
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
        number = self._lists[-1] if self._lists else -1
        self._item = "  " * depth + (f"{number}. " if number >= 0 else "- ")

    def _end_cell(self) -> None:
        """Keep the open cell. The text before the first cell of a row is white space."""
        text = " ".join("".join(self._parts).split())
        self._parts.clear()
        if self._cells is not None and text:
            self._cells.append(text)

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
        row = " | ".join(self._cells)
        self._cells = None
        self._add(row, joins=True)

    def _end(self) -> None:
        """Keep the open heading, paragraph or list item."""
        raw = "".join(self._parts)
        lines = [line.rstrip() if self._pre else " ".join(line.split()) for line in raw.split("\n")]
        text = "\n".join(lines).strip("\n" if self._pre else None)
        self._parts.clear()
        if text:
            self._add(self._item + text, joins=bool(self._item))
            self._item = ""
        self._level = 0

    def _add(self, text: str, joins: bool) -> None:
        if text:
            self.blocks.append(Block(text, self._level, joined=joins and self._follows))
            self._follows = joins


def html_blocks(text: str) -> list[Block]:
    """Return the blocks of an HTML text, without navigation, scripts and styles."""
    walker = _Walker()
    walker.feed(text)
    walker.close()
    return walker.blocks


def main_blocks(text: str) -> tuple[str, list[Block]]:
    """Return the title and the blocks of a web page's main content, without navigation, header and footer."""
    import trafilatura

    content = trafilatura.extract(
        text, output_format="html", include_comments=False, include_tables=True, favor_recall=True
    )
    found = trafilatura.extract_metadata(text)
    return (found and found.title) or "", html_blocks(content or "")


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
        return html_blocks(mammoth.convert_to_html(file, convert_image=mammoth.images.img_element(lambda _: {})).value)


def text_blocks(text: str) -> list[Block]:
    """Return the paragraphs of a plain text, which blank lines separate. Line breaks inside stay."""
    parts = re.split(r"\n[ \t\f\r]*\n", text.replace("\r\n", "\n"))
    return [Block(part.strip()) for part in parts if part.strip()]
