"""Cut documents into passages of a given number of words, as DPR cut Wikipedia (arXiv 2004.04906, section 4.1)."""

import re
from collections.abc import Iterable, Iterator

from rag_instruct.corpus.readers import Fields
from rag_instruct.logs import logger

# Chinese and Japanese have no blanks between words: each character counts as a word.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def split_text(text: str, words: int) -> list[str]:
    """Cut the text into pieces of `words` words. The last piece may be shorter. Blanks inside a piece stay."""
    spans = [match.span() for match in WORD.finditer(text)]
    pieces = [spans[start : start + words] for start in range(0, len(spans), words)]
    return [text[piece[0][0] : piece[-1][1]] for piece in pieces]


def split_documents(documents: Iterable[Fields], columns: dict[str, str], words: int) -> Iterator[Fields]:
    """Cut documents into passages with the id `<document's id>-<number from 1>` and the document's title.

    A document without an id gets its place in the file as id. Empty documents are left out, with a warning.
    """
    empty: list[str] = []
    for where, document in documents:
        pieces = split_text(document.get(columns["text"], ""), words)
        if not pieces:
            empty.append(where)
        identifier = document.get(columns["id"]) or where.replace(" ", "_")
        for number, piece in enumerate(pieces, start=1):
            fields = {columns["id"]: f"{identifier}-{number}", columns["text"]: piece}
            yield where, {columns["title"]: "", **document, **fields}
    if empty:
        logger.warning("left out %d empty documents, the first of them %s", len(empty), ", ".join(empty[:5]))
