"""Prepare Word documents for mammoth, which turns them into HTML."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

STYLES = "\n".join(  # added to mammoth's own map of styles
    ["p[style-name='Title'] => h1:fresh"]
    + [f"p[style-name='{name}'] => p.toc:fresh" for name in ("TOC Heading", *(f"toc {n}" for n in range(1, 10)))]
)
HEADING = re.compile("heading ([1-6])", re.IGNORECASE)
READING = re.compile(rb"<w:ruby>.*?<w:rubyBase>(.*?)</w:rubyBase>\s*</w:ruby>", re.DOTALL)
FIELD = re.compile(rb"</?w:fldSimple\b[^>]*>")


class _Style(NamedTuple):
    name: str
    based: str  # the id of the style that it is based on
    level: str  # its outline level, from 0


def prepared(path: Path) -> tuple[io.BytesIO, str]:
    """Return a copy of a Word document that mammoth reads without loss, and our map of its styles.

    mammoth leaves out words with a phonetic guide, and simple fields such as the number in "Table 1".
    """
    made, styles = io.BytesIO(), STYLES
    with zipfile.ZipFile(path) as document, zipfile.ZipFile(made, "w") as copy:
        for name in dict.fromkeys(document.namelist()):
            if name.startswith("word/media/"):  # large, and not read
                continue
            content = document.read(name)
            if name.startswith("word/") and name.endswith(".xml"):
                content = FIELD.sub(b"", READING.sub(rb"\1", content))
            if name == "word/styles.xml":
                styles += "".join(_headings(content))
            copy.writestr(name, content)
    made.seek(0)
    return made, styles


def _headings(styles: bytes) -> Iterator[str]:
    """Yield lines of mammoth's map for styles that are based on one of Word's headings, or have an outline level."""
    known = dict(map(_read, filter(_is_of_paragraphs, ElementTree.fromstring(styles))))
    for style in known.values():
        level = _level(style, known)
        if level < 6 and not HEADING.fullmatch(style.name) and not re.search(r"['\\\n]", style.name):
            yield f"\np[style-name='{style.name}'] => h{level + 1}:fresh"


def _is_of_paragraphs(style: ElementTree.Element) -> bool:
    return "paragraph" in style.attrib.values()


def _read(style: ElementTree.Element) -> tuple[str, _Style]:
    """Return a style's id and the style. Attributes have a namespace, of which there are two."""
    values = {part.tag.rpartition("}")[2]: next(iter(part.attrib.values()), "") for part in style.iter()}
    own = {key.rpartition("}")[2]: value for key, value in style.attrib.items()}
    return own.get("styleId", ""), _Style(*(values.get(key, "") for key in ("name", "basedOn", "outlineLvl")))


def _level(style: _Style, known: dict[str, _Style]) -> int:
    """Return the outline level of a style, or of the one that it is based on. 9 is that of a text."""
    for _ in range(len(known)):
        if style.level.isdecimal():
            return int(style.level)
        if heading := HEADING.fullmatch(style.name):
            return int(heading[1]) - 1
        if style.based not in known:
            break
        style = known[style.based]
    return 9
