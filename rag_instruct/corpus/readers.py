"""Read a corpus: the records of a file, or the documents of a folder."""

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.corpus.blocks import NO_NAME, Block, Document
from rag_instruct.corpus.files import DOCUMENTS, FORMATS, LeftOut, documents_of, is_document, records_of
from rag_instruct.corpus.markup import docx_blocks, main_blocks, markdown_blocks
from rag_instruct.corpus.plain import plain_blocks
from rag_instruct.errors import UserError
from rag_instruct.logs import progress
from rag_instruct.records import Form, is_known, located_records, member_as_list, shown
from rag_instruct.records.opening import read_document, wrong_file
from rag_instruct.records.values import layout_hint, name_of, names_of, text_of

FIELDS = ("id", "text", "title")
MARKED = (".html", ".htm", ".xhtml", ".md", ".markdown")  # documents that may begin as a web page does
# A web page or XML by its first bytes. In a text that explains "<html>", words follow the tag.
TAGS_FIRST = re.compile(rb"\s*<[^<>]*(?:>\s*(?:<|\Z)|\Z)|\s*<[^<>]*>[^<>]*</(?:html|body)>\s*\Z", re.IGNORECASE)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A heading with a number, such as "1.2 Gloves" or "Chapter 1".
CHAPTER = re.compile(
    r"\d+(\.\d+)*\.?\s+\D|(chapter|part|section|article|kapitel|teil|abschnitt|chapitre|partie|cap\w+lo)\s+(\d+|[ivxlc]+)\b"
    r"|\u7b2c\w{1,3}[\u7ae0\u90e8\u7bc7\u7de8\u7f16]",
    re.I,
)
ABOVE = 30  # words above the first of several main headings; with more of them, it is not the document's title
FILE_NAME = re.compile(r"\S+\.(x?html?|docx?|pdf)|untitled( document)?", re.I)  # as the title of a web page
LISTED = 20  # documents that a message names
RUNNING_LINES = "lines of running headers, footers and page numbers"
CONTENTS_LINES = "lines of tables of contents"
CHARSET = re.compile(rb"""<(?:meta[^>]+charset|\?xml[^>]+encoding)=["']?\s*([\w-]+)""", re.IGNORECASE)
# What browsers read for these names, where Python's codecs know fewer signs or other ones.
WEB = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "shift_jis": "cp932",
    "shift-jis": "cp932", "x-sjis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc-kr": "cp949",
    "utf-16": "utf-8", "utf-16le": "utf-8", "utf-16be": "utf-8", "unicode": "utf-8",
}  # fmt: skip
# Titles that programs write into PDF files by themselves: names of files, and defaults.
NO_TITLE = re.compile(
    r"\W*(untitled.*|anonymous|unspecified)\W*|microsoft (word|powerpoint|excel).*|\W*|document\d*"
    r"|(slide|folie|diapositiva?e?) \d+"
    r"|.*\.(do[ct][xm]?|pp[st][xm]?|xlsx?|dvi|tex|ind[bd]|pdf|e?ps|od[pst]|qxd|rtf|fm|pmd|p65|pub|wpd|cdr)"
    r"|powerpoint[ -](presentation|pr\u00e4sentation|\u6f14\u793a\u6587\u7a3f)"
    r"|(pr[e\u00e9]senta\w+|apresenta\w+)( standard)?( di| de| do)? (microsoft )?powerpoint",
    re.I,
)


class Record(NamedTuple):
    """A record of a corpus file: its place in the file, and its fields as texts. Missing fields are empty."""

    place: str
    id: str
    title: str
    text: str


def read_records(
    source: Path,
    columns: Mapping[str, str],
    form: Form,
    needed: tuple[str, ...] = ("text",),
    of_folder: bool = False,
) -> Iterator[Record]:
    """Read the records of a file. `columns` maps id, text and title to names in the file, "a.b" to b inside of a.

    Every record must have the `needed` fields. `of_folder` says that we read all files of a folder, for messages.
    Raises UserError for an unknown kind of file, for a record that is no object, lacks a needed field or has a value
    that is no text, and for columns that no record has.
    """
    if not is_known(source) and source.suffix.lower() != ".zip":
        raise UserError(
            f"{source}: unknown kind of corpus file: give .json, .jsonl, .tsv, .csv, .parquet (all but .parquet also "
            f"with .gz or .zst), a .zip with one of them, a document ({', '.join(DOCUMENTS)}), or a folder of "
            "documents or of such files"
        )
    named = {field: columns.get(field, field) for field in FIELDS}
    missing = {name for field, name in columns.items() if field in FIELDS}
    place = ""
    for place, record in located_records(source, tuple(named.values()), form):
        if not isinstance(record, dict):
            raise UserError(f"{source}, {place}: {shown(record)} is not a JSON object: correct or remove the record")
        found = {field: value for field, name in named.items() for value in member_as_list(record, name)}
        missing -= {named[field] for field in found}
        for field in needed:
            if field not in found:
                raise _no_column(source, place, named[field], record, form, of_folder)
        try:
            name = name_of(found.get("id"), "id")
            text = text_of(found["text"], "text")
            title = name_of(found.get("title"), "title")
        except TypeError as error:
            raise UserError(
                f"{source}, {place}: {error}: correct or remove the record, or name another column under `columns` of "
                "the corpus in config.yaml"
            ) from error
        yield Record(place, name, title, text)
    if missing and place:
        raise UserError(
            f"{source}: no record has the column {', '.join(sorted(missing))}: correct `columns` of the corpus in "
            "config.yaml"
        )


def _no_column(
    source: Path, place: str, name: str, record: Mapping[str, Any], form: Form, of_folder: bool
) -> UserError:
    hint = layout_hint(source, place, record, form.under)
    hint += "; if the file has no passages, move it out of the folder" if of_folder else ""
    hint += "; whole documents need no ids: set `words`" if name == "id" else ""
    return UserError(
        f"{source}, {place}: no column {name!r}, it has {names_of(record)}: rename a column, or give "
        f"its name under `columns` of the corpus in config.yaml{hint}"
    )


def read_documents(source: Path, form: Form, left_out: LeftOut) -> Iterator[Document]:
    """Read the documents of a folder, or a single document. `left_out` gets files and pages that are not read.

    Raises UserError that lists the documents that cannot be read, after all others were tried.
    """
    folder = source if source.is_dir() else source.parent
    paths = documents_of(source, left_out) if source.is_dir() else [source]
    _refuse_missing_packages(source, paths)
    unreadable: list[str] = []
    for path in progress(paths, f"reading {source.name}"):
        name = str(path.relative_to(folder))
        try:
            _refuse_others(path)
            title, blocks = READERS[path.suffix.lower()](path, form, left_out, name)
        except (ValueError, RecursionError) as error:
            said = "its lists or quotes are nested too deeply" if isinstance(error, RecursionError) else error
            unreadable.append(f"{name}: {said}")
            continue
        except UserError as error:
            unreadable.append(str(error).removeprefix(f"{folder}/"))
            continue
        if blocks:
            yield Document(place=name, id=name, title=title, blocks=blocks)
        else:
            left_out.add("empty documents", name)
    if unreadable:
        more = f"\n... and {len(unreadable) - LISTED} more" if len(unreadable) > LISTED else ""
        raise UserError(
            f"{source}: {len(unreadable)} of {len(paths)} documents cannot be read: correct them, or move them out of "
            "the folder:\n" + "\n".join(unreadable[:LISTED]) + more
        )


def _refuse_others(path: Path) -> None:
    """Raise ValueError if a file is not the document that its name promises, as after a download that failed."""
    kind = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(1 << 10)
    said = wrong_file(head)
    if kind in MARKED and "LFS" not in said:
        return
    explains = kind == ".txt" and head.lstrip().startswith(b"<") and not TAGS_FIRST.match(head)
    if said and not explains:
        may_be_wanted = kind == ".txt" and "web page" in said
        raise ValueError(f"it is {said}" + (" If it is the wanted text, name it .html" if may_be_wanted else ""))
    if kind in FORMATS and not head:
        raise ValueError("the file is empty: get it again")
    if head.startswith(OLE):
        raise ValueError("it is an old Office file, or it needs a password: save it as .docx without a password")


def _refuse_missing_packages(source: Path, paths: list[Path]) -> None:
    needed = {FORMATS[path.suffix.lower()]: path for path in paths if path.suffix.lower() in FORMATS}
    lacking = sorted(package for package in needed if find_spec(package) is None)
    if lacking:
        raise UserError(
            f"{source}: {needed[lacking[0]].name} needs the package {', '.join(lacking)}, which is not installed: "
            "pip install -r requirements-documents.txt"
        )


Titled = tuple[str, list[Block]]  # the title of a document, and its blocks without the title


def _read_text(path: Path, form: Form, left_out: LeftOut, name: str) -> Titled:
    blocks, running = plain_blocks(read_document(path, form))
    _count(left_out, RUNNING_LINES, name, running)
    return path.stem, blocks


def _read_markdown(path: Path, form: Form, left_out: LeftOut, name: str) -> Titled:
    title, (blocks, contents) = markdown_blocks(read_document(path, form))
    _count(left_out, CONTENTS_LINES, name, contents)
    return _titled(title, blocks, path)


def _read_html(path: Path, form: Form, left_out: LeftOut, name: str) -> Titled:
    title, (blocks, contents), others = main_blocks(_page(path, form))
    _count(left_out, "blocks of web pages outside the main content", name, others)
    _count(left_out, CONTENTS_LINES, name, contents)
    return _titled("" if FILE_NAME.fullmatch(title.strip()) else title, blocks, path)


def _page(path: Path, form: Form) -> str:
    """Return the text of a web page, in the encoding that it declares, or else in that of the folder."""
    with path.open("rb") as file:
        declared = CHARSET.search(file.read(2048))
    named = declared[1].decode().lower() if declared else ""
    encoding = WEB.get(named, named)
    with suppress(UserError, LookupError):
        codecs.lookup(encoding)
        return read_document(path, form._replace(encoding=encoding))
    return read_document(path, form)


def _read_docx(path: Path, _: Form, left_out: LeftOut, name: str) -> Titled:
    try:
        title, (blocks, contents) = docx_blocks(path)
    except Exception as error:  # mammoth raises whatever its parsers raise
        raise ValueError(f"it is no Word document, or damaged ({error})") from error
    _count(left_out, CONTENTS_LINES, name, contents)
    return _titled(title, blocks, path)


def _read_pdf(path: Path, _: Form, left_out: LeftOut, name: str) -> Titled:
    from rag_instruct.corpus.pdf import read_pdf  # with pypdfium2, which may be missing where no PDF file is read

    found = read_pdf(path)
    if not found.blocks and (found.empty or found.unreadable):
        raise ValueError(
            "its pages are pictures without text, as scans are: add the text with a program such as ocrmypdf"
            if found.empty
            else "its letters have no known characters: export it again, or use a program such as ocrmypdf"
        )
    for reason, pages in (("PDF pages that are pictures without text", found.empty),
                          ("PDF pages whose letters have no known characters", found.unreadable)):  # fmt: skip
        for page in pages:
            left_out.add(reason, f"{name}#page={page}")
    _count(left_out, RUNNING_LINES, name, found.running)
    _count(left_out, "lines that are turned against the page", name, found.turned)
    _count(left_out, CONTENTS_LINES, name, found.contents)
    return _titled("" if NO_TITLE.fullmatch(found.title.strip()) else found.title.strip(), found.blocks, path)


def _count(left_out: LeftOut, reason: str, name: str, count: int) -> None:
    if count:
        left_out.add(reason, f"{name}: {count}")


READERS: dict[str, Callable[[Path, Form, LeftOut, str], Titled]] = {
    ".txt": _read_text, ".md": _read_markdown, ".markdown": _read_markdown, ".html": _read_html, ".htm": _read_html,
    ".xhtml": _read_html, ".docx": _read_docx, ".pdf": _read_pdf,
}  # fmt: skip


def _titled(given: str, blocks: list[Block], path: Path) -> Titled:
    """Return the title and the blocks without it. The title is `given`, or a heading, or the file's name.

    A section further below that has the title's name keeps its heading.
    """
    first = _title_heading(blocks)
    given = "" if NO_NAME.fullmatch(given.strip()) else given
    title = " ".join((given or first or path.stem).split())
    headings = dropwhile(lambda one: not one[1].level, enumerate(blocks))
    opening = takewhile(lambda one: one[1].level, headings)  # the first heading, and those right below it
    at = next((number for number, block in opening if " ".join(block.text.split()) == title), -1)
    return title, [block for number, block in enumerate(blocks) if number != at]


def _title_heading(blocks: list[Block]) -> str:
    """Return the first heading of level 1 that may be a title, or "".

    Several headings with numbers are chapters, and no titles. If level 1 has several different headings:

    - The heading that begins the document comes first if it is the only one of its level. Some PDF files have the title
      in smaller letters than the headings.
    - Otherwise, they are headings of sections if a text of more than ABOVE words stands above them.
    """
    headings, top = [block for block in blocks if block.level], blocks[:1]
    above = takewhile(lambda one: one.level != 1 or NO_NAME.fullmatch(one.text), blocks)
    chapters = [block for block in headings if block.level == 1]
    levels = Counter(block.level for block in headings)
    if len({block.text for block in chapters}) > 1:
        if top == headings[:1] and levels[top[0].level] == 1:
            chapters = [*top, *chapters]
        elif sum(len(block.text.split()) for block in above) > ABOVE:
            return ""
    numbered = [block for block in chapters if CHAPTER.match(block.text)]
    others = (block.text for block in chapters if len(numbered) < 2 or block not in numbered)
    return next((text for text in others if not NO_NAME.fullmatch(text)), "")


def is_of_documents(source: Path) -> bool:
    """Return whether a corpus is a single document or a folder of documents. All other corpora have records."""
    return not records_of(source, LeftOut()) if source.is_dir() else is_document(source)
