"""The parts of a document: headings, paragraphs, list items and rows of tables, with their pages."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rag_instruct.words import WITHOUT_SPACES

# Headings of tables of contents.
CONTENTS = re.compile(
    r"(?:table of )?contents|inhalt(?:sverzeichnis)?|sommaire|table des mati\u00e8res|\u00edndice"
    r"|\u76ee\u5f55|\u76ee\u9304|\u76ee\u6b21",
    re.I,
)
# Headings that say nothing about their document, so they are not its title.
NO_NAME = re.compile(
    rf"(?:1\.?\s+)?(?:{CONTENTS.pattern}|abstract|introduction|(?:executive )?summary|highlights|preface|foreword"
    r"|zusammenfassung|einleitung|vorwort|r\u00e9sum\u00e9|avant-propos|resumen|\u6458\u8981)",
    re.I,
)


EAST_SIGNS = re.compile("[\u3000-\u303f\uff00-\uffef]$")  # full stops and brackets of Chinese and Japanese


def blank_after(text: str) -> str:
    """Return what stands between a line and the next one: nothing in scripts without spaces, or else a blank."""
    return "" if WITHOUT_SPACES.search(text[-1:]) or EAST_SIGNS.search(text) else " "


class Block(NamedTuple):
    """A part of a document. Passages along the structure hold it whole if it fits."""

    text: str
    level: int = 0  # 1 for a main heading, 2 for one below it, and so on; 0 for text
    page: int = 0  # from 1; 0 where documents have no pages
    header: str = ""  # of a table's row: the row with the names of the columns
    joined: bool = False  # a row of a table or an item of a list, which follows the block before it on the next line
    turns: tuple[tuple[int, int], ...] = ()  # (offset in the text, page) for each further page of a paragraph

    def page_at(self, offset: int) -> int:
        """Return the page of the character at this offset of the text."""
        return next((page for start, page in reversed(self.turns) if start <= offset), self.page)


@dataclass
class Document:
    """A document of a corpus."""

    place: str  # its file, or its place in a file of records, for messages
    id: str
    title: str
    blocks: list[Block]

    @cached_property
    def _text_and_starts(self) -> tuple[str, list[int]]:
        parts: list[str] = []
        starts, length = [], 0
        for block in self.blocks:
            blank = "" if not parts else "\n" if block.joined else "\n\n"
            starts.append(length + len(blank))
            length += len(blank) + len(block.text)
            parts += [blank, block.text]
        return "".join(parts), starts

    @property
    def text(self) -> str:
        """The text of all blocks. A blank line separates them, but rows and items follow on the next line."""
        return self._text_and_starts[0]

    def page_at(self, offset: int) -> int:
        """Return the page of the character at this offset of the text, or 0 if documents have no pages."""
        starts = self._text_and_starts[1]
        at = max(bisect_right(starts, offset) - 1, 0)
        return self.blocks[at].page_at(offset - starts[at])
