"""Open others' files: plain, compressed or inside a .zip, in UTF-8 or in the encoding that their first bytes name."""

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa

from rag_instruct.errors import UserError
from rag_instruct.logs import bar

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
KINDS = (".json", ".jsonl", ".ndjson", ".tsv", ".csv", ".parquet")
RECORD = 1 << 26  # characters of the longest record: an open quote or bracket must not read a whole file into memory
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
UPDATE = 1 << 20  # characters between two updates of the progress bar
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BOM = "\ufeff"  # as a sign of the text, where files with the mark were joined
SEVEN_BITS = re.compile("iso2022|hz|utf-?7|utf-?16|utf-?32")  # such texts may be valid UTF-8
MAGIC = {
    b"\x1f\x8b": "a gzip file: add .gz to its name",
    b"\x28\xb5\x2f\xfd": "a zstd file: add .zst to its name",
    b"PK\x03\x04": "a zip file or an office document: unpack it, or save it in another format",
    b"PAR1": "a Parquet file: name it .parquet",
    b"%PDF-": "a PDF file: name it .pdf",
    b"BZh": "a bzip2 file: unpack it",
    b"\xfd7zXZ": "an xz file: unpack it",
}

NO_RECORDS = {  # how files begin that stand in place of the wanted ones, in small letters
    b"version https://git-lfs": "a pointer of Git LFS: get the file itself by `git lfs pull`",
    b"<!doctype html": "a web page: was the download refused, or is the address that of a page about the file?",
    b"<html": "a web page: was the download refused, or is the address that of a page about the file?",
    b"<?xml": "XML: convert it to one of the formats that docs/own_corpus.md lists",
}


class Form(NamedTuple):
    """How a file is written, where its name and first bytes do not say so."""

    encoding: str = ""  # of a file that is not UTF-8 and has no byte-order mark
    quoted: bool | None = None  # False: a TSV or CSV file joined without quoting; True: also where rows look joined
    delimiter: str = ""  # of a TSV or CSV file, if it is another than its ending says
    member: str = ""  # the file inside a .zip
    under: str = ""  # the key of a JSON object that holds the array of records; a.b stands for b in a
    keyed: str = ""  # a JSON object of records by key: the field that gets the key
    row_names: bool = False  # rows of a table may have one more field than the header, at their front

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Form":
        """Return the form that a section of config.yaml describes."""
        return cls(**{key: settings[key] for key in cls._fields if key in settings})


def kind_of(path: Path) -> tuple[str, str]:
    """Return the ending that names a file's format, and the ending of its compression or "", both in lower case."""
    name = path.name.lower()
    compression = next((ending for ending in COMPRESSIONS if name.endswith(ending)), "")
    kind = Path(name.removesuffix(compression)).suffix
    if kind not in KINDS or (compression and kind == ".parquet"):
        raise UserError(
            f"{path}: unknown kind of file: give {', '.join(KINDS)} (all but .parquet also with .gz or .zst), or a "
            ".zip with one of them"
        )
    return kind, compression


def located(path: Path, form: Form) -> Path:
    """Return the file to read. In a .zip, it is `form.member`, or the only file with a known ending."""
    if form.member:
        return path / form.member
    if path.suffix.lower() != ".zip" or not path.is_file():
        return path
    with _errors_of(path):
        names = [name for name in zipfile.ZipFile(path).namelist() if is_known(Path(name))]
    if len(names) != 1:
        found = ", ".join(names[:10]) or "none"
        raise UserError(
            f"{path}: the archive must hold one file of a known kind, or `member` must name it; it holds: {found}"
        )
    return path / names[0]


def is_known(path: Path) -> bool:
    """Return whether we read files with this ending. Hidden files and those that macOS adds to a .zip do not count."""
    try:
        return bool(kind_of(path)) and "__MACOSX" not in path.parts and not path.name.startswith(".")
    except UserError:
        return False


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UNREADABLE as error:
        raise UserError(f"{path}: unreadable ({error!s:.200}): is the file complete?") from error


def _archive(path: Path) -> Path | None:
    return next((parent for parent in path.parents if parent.suffix.lower() == ".zip" and parent.is_file()), None)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the bytes of a file as they are stored. A `path` a/b.zip/c.json means c.json in the archive."""
    archive = _archive(path)
    with ExitStack() as stack:
        with _errors_of(path):
            try:
                if archive is None:
                    raw: IO[bytes] = stack.enter_context(path.open("rb"))
                else:
                    inside = stack.enter_context(zipfile.ZipFile(archive))
                    raw = stack.enter_context(inside.open(str(path.relative_to(archive))))
            except KeyError as error:
                raise UserError(f"{path}: {archive and archive.name} has no such file ({error!s:.200})") from error
        yield raw


class Text:
    """The text of a file, piece by piece. Errors have the file, the line and the remedy."""

    def __init__(self, path: Path, stream: IO[str], encoding: str, head: bytes, advance: Callable[[], None]) -> None:
        self.path, self.line = path, 0  # the number of line ends so far
        self.begin = head.decode(encoding, "ignore").lstrip()[:1]
        self.other = next((said for begin, said in NO_RECORDS.items() if head.lstrip().lower().startswith(begin)), "")
        self._stream, self._encoding, self._advance = stream, encoding, advance
        self._since = 0  # characters since the progress bar was updated

    def pieces(self, most: int) -> Iterator[str]:
        """Yield the rest of the text in pieces. A piece ends after a line break, or has `most` characters."""
        while True:
            try:
                piece = self._stream.readline(most)
            except UnicodeDecodeError as error:
                line = self.line + 1 + error.object[: error.start].count(b"\n")
                raise UserError(
                    f"{self.path}, line {line}: not {self._encoding.removesuffix('-sig').upper()} ({error.reason}): "
                    "convert the file to UTF-8, or give its `encoding` in config.yaml, such as cp1252"
                ) from error
            except UNREADABLE as error:
                raise UserError(
                    f"{self.path}, after line {self.line}: unreadable ({error!s:.200}): is the file complete?"
                ) from error
            if not piece:
                return
            self.line += piece[-1] == "\n"
            self._since += len(piece)
            if self._since > UPDATE:
                self._since = 0
                self._advance()
            yield piece

    def lines(self) -> Iterator[str]:
        """Yield the lines with their line breaks. Only \\n ends a line."""
        for line in self.pieces(RECORD):
            if len(line) == RECORD:
                raise UserError(
                    f"{self.path}, line {self.line + 1}: longer than {RECORD:,} characters: write one record per line"
                )
            yield line


@contextmanager
def opened_text(path: Path, form: Form, compression: str = "", with_bar: bool = True) -> Iterator[Text]:
    """Open the decoded text of a file, by default with a progress bar."""
    with opened(path) as raw, ExitStack() as stack:
        with _errors_of(path):
            packed = compression and pa.CompressedInputStream(raw, COMPRESSIONS[compression])
            buffered = io.BufferedReader(stack.enter_context(packed) if packed else raw, 1 << 16)  # type: ignore[type-var]
            head = buffered.peek(1 << 12)
            encoding = encoding_of(path, head, form)
            text = io.TextIOWrapper(buffered, encoding=encoding, newline="\n")
        total = None if _archive(path) else path.stat().st_size
        counter = stack.enter_context(bar(f"reading {path.name}", total=total, unit="B", hidden=not with_bar))

        def advance() -> None:
            counter.update(raw.tell() - counter.n)

        yield Text(path, text, encoding, head, advance)
        counter.update((counter.total or counter.n) - counter.n)


def encoding_of(path: Path, head: bytes, form: Form) -> str:
    """Return the encoding of a text by its byte-order mark, or else by `form`, or else UTF-8.

    Raises UserError for an encoding that does not exist, and for a file that is no text.
    """
    marked = next((name for mark, name in BOMS if head.startswith(mark)), "")
    if not marked:
        for magic, said in MAGIC.items():
            if head.startswith(magic):
                raise UserError(f"{path}: not a text, but {said}")
        if not form.encoding and b"\0" in head:
            line = head.count(b"\n", 0, head.index(b"\0")) + 1
            raise UserError(
                f"{path}, line {line}: zero bytes, so this is no UTF-8 text: if it is UTF-16 without a byte-order "
                "mark, set `encoding: utf-16-le` (or utf-16-be) in config.yaml; if a copy was cut off, get it again"
            )
    encoding = marked or form.encoding or "utf-8"
    try:
        "".encode(encoding)
    except LookupError as error:
        raise UserError(f"{path}: no text encoding {encoding!r}: give one such as cp1252 or shift_jis") from error
    return encoding


def read_document(path: Path, form: Form) -> str:
    """Return the whole text of a file. `form.encoding` is that of files that are not UTF-8.

    So a folder may have both. No text with accents is UTF-8 by chance, if its encoding uses the eighth bit.
    """
    encoding_of(path, b"", form)  # refuses an unknown encoding
    if form.encoding and not SEVEN_BITS.match(codecs.lookup(form.encoding).name):
        with suppress(UserError):
            return read_document(path, form._replace(encoding=""))
    with opened_text(path, form, with_bar=False) as text:
        return re.sub("\r\n?", "\n", "".join(text.pieces(1 << 20)))
