"""Prepare Word documents for mammoth, which turns them into HTML."""

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from rag_instruct.corpus.formulas import linear

STYLES = "\n".join(  # added to mammoth's own map of styles
    ["p[style-name='Title'] => h1.title:fresh"]
    + [f"p[style-name='{name}'] => p.toc:fresh" for name in ("TOC Heading", *(f"toc {n}" for n in range(1, 10)))]
)
HEADING = re.compile("heading ([1-6])", re.IGNORECASE)
READING = re.compile(rb"<w:ruby>.*?<w:rubyBase>(.*?)</w:rubyBase>\s*</w:ruby>", re.DOTALL)
FIELD = re.compile(rb"</?w:fldSimple\b[^>]*>")
# What we write before a list item: a type of HTML's lists and a number, between two signs that no text has.
NUMBER = re.compile("\ue000([aAiI1])(\\d+)\ue001")
COUNTS = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I"}
TEXTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
UNREAD = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Choice"  # mammoth reads the other version


class _Style(NamedTuple):
    name: str
    based: str  # the id of the style that it is based on
    level: str  # its outline level, from 0
    list: str  # the id of the list that its paragraphs belong to
    depth: str  # their level in this list


class _Counter(NamedTuple):
    name: str  # the same for all that count together
    start: int
    counts: str  # a type of HTML's lists


PLAIN = _Style("", "", "", "", "")


def prepared(path: Path) -> tuple[io.BytesIO, str]:
    """Return a copy of a Word document that mammoth reads without loss, and our map of its styles.

    mammoth leaves out words with a phonetic guide, simple fields such as the number in "Table 1", and formulas. It
    counts a list anew after each interruption, so items get a `NUMBER`.
    """
    made, styles = io.BytesIO(), STYLES
    with zipfile.ZipFile(path) as document, zipfile.ZipFile(made, "w") as copy:
        for name in dict.fromkeys(document.namelist()):
            if name.startswith("word/media/"):  # large, and not read
                continue
            content = document.read(name)
            if name.startswith("word/") and name.endswith(".xml"):
                content = FIELD.sub(b"", READING.sub(rb"\1", content))
            if name in TEXTS:
                content = _edited(content, document)
            if name == "word/styles.xml":
                styles += "".join(_headings(content))
            copy.writestr(name, content)
    made.seek(0)
    return made, styles


def _edited(content: bytes, document: zipfile.ZipFile) -> bytes:
    """Return the text of a document with formulas as text and with the numbers of list items."""
    names = document.namelist()
    numbering, styles = (
        document.read(name) if name in names else b"<none/>" for name in ("word/numbering.xml", "word/styles.xml")
    )
    root = ElementTree.fromstring(content)
    _write_formulas(root)
    _write_numbers(root, _lists(ElementTree.fromstring(numbering)), _known(styles))
    edited: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return edited


def _write_formulas(root: ElementTree.Element) -> None:
    """Turn formulas into texts. mammoth reads the children of a "smartTag", but not those of an "oMathPara"."""
    space = root.tag.rpartition("}")[0] + "}"
    for paragraph in root.iter(f"{MATH}oMathPara"):
        paragraph.tag = f"{space}smartTag"
    lines = [one for part in root.iter() for one, after in pairwise(part) if one.tag == after.tag == f"{MATH}oMath"]
    for formula in [*root.iter(f"{MATH}oMath")]:
        text = linear(formula)
        for part in [*formula]:
            formula.remove(part)
        formula.tag = f"{space}r"
        ElementTree.SubElement(formula, f"{space}t").text = text
        if formula in lines:
            ElementTree.SubElement(formula, f"{space}br")


def _lists(numbering: ElementTree.Element) -> dict[tuple[str, str], _Counter]:
    """Return how numbered lists count, by the list's id and the level.

    Lists of one form share a counter. A list with a start of its own has a counter of its own.
    """
    found: dict[tuple[str, str], _Counter] = {}
    forms: dict[str, dict[str, _Counter]] = {}
    for part in numbering:
        own = _attributes(part)
        levels = {_attributes(level).get("ilvl", ""): _values(level) for level in part}
        if "abstractNumId" in own:
            forms[own["abstractNumId"]] = {
                at: _Counter("", _whole(values.get("start", "1")), COUNTS.get(values.get("numFmt", ""), "1"))
                for at, values in levels.items()
                if at.isdecimal() and values.get("numFmt") != "bullet"
            }
        elif "numId" in own:
            form = _values(part).get("abstractNumId", "")
            starts = {at: _whole(values["startOverride"]) for at, values in levels.items() if "startOverride" in values}
            name = f"list {own['numId']}" if starts else form
            for level, counter in forms.get(form, {}).items():
                found[own["numId"], level] = counter._replace(name=name, start=starts.get(level, counter.start))
    return found


def _write_numbers(
    root: ElementTree.Element, lists: dict[tuple[str, str], _Counter], styles: dict[str, _Style]
) -> None:
    """Begin each paragraph of a numbered list with its number."""
    space = root.tag.rpartition("}")[0] + "}"
    unread = {paragraph for version in root.iter(UNREAD) for paragraph in version.iter(f"{space}p")}
    counts: dict[str, dict[int, int]] = {}  # for each counter: the last number of each level
    for paragraph in root.iter(f"{space}p"):
        own = paragraph.find(f"{space}pPr")
        if own is None or paragraph in unread:
            continue
        values = _values(own)
        style = styles.get(values.get("pStyle", ""), PLAIN)
        counter = lists.get((values.get("numId", style.list), values.get("ilvl", style.depth or "0")))
        if counter:
            level, count = _whole(values.get("ilvl", style.depth or "0")), counts.get(counter.name, {})
            number = count.get(level, counter.start - 1) + 1
            counts[counter.name] = {at: last for at, last in count.items() if at < level} | {level: number}
            run = ElementTree.Element(f"{space}r")
            ElementTree.SubElement(run, f"{space}t").text = f"\ue000{counter.counts}{number}\ue001"
            paragraph.insert(1, run)


def _whole(value: str) -> int:
    return int(value) if value.isdecimal() else 1


def _attributes(part: ElementTree.Element) -> dict[str, str]:
    """Return the attributes of an element without their namespace, of which there are two."""
    return {key.rpartition("}")[2]: value for key, value in part.attrib.items()}


def _values(part: ElementTree.Element) -> dict[str, str]:
    """Return the values of all elements in an element, by their names without the namespace."""
    found = [(one.tag.rpartition("}")[2], next(iter(one.attrib.values()), "")) for one in part.iter()]
    return dict(reversed(found))  # the first one counts: earlier values, of tracked changes, stand behind it


def _known(styles: bytes) -> dict[str, _Style]:
    """Return the styles of paragraphs by their ids."""
    found: dict[str, _Style] = {}
    for style in ElementTree.fromstring(styles):
        if "paragraph" in style.attrib.values():
            values = _values(style)
            keys = ("name", "basedOn", "outlineLvl", "numId", "ilvl")
            found[_attributes(style).get("styleId", "")] = _Style(*(values.get(key, "") for key in keys))
    return found


def _headings(styles: bytes) -> Iterator[str]:
    """Yield lines of mammoth's map for styles that are based on one of Word's headings, or have an outline level."""
    known = _known(styles)
    for style in known.values():
        level = _level(style, known)
        if level < 6 and not HEADING.fullmatch(style.name) and not re.search(r"['\\\n]", style.name):
            yield f"\np[style-name='{style.name}'] => h{level + 1}:fresh"


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
