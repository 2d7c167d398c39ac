"""Open others' files: plain, compressed or inside a .zip, in UTF-8 or in the encoding that their first bytes name."""

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.logs import bar

Located = tuple[str, Any]  # the record's place in its file, and the record

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
KINDS = (".json", ".jsonl", ".ndjson", ".tsv", ".csv", ".parquet")
LONGEST_RECORD = 1 << 26  # characters: an open quote or bracket must not read a whole file into memory
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
UPDATE = 1 << 20  # characters between two updates of the progress bar
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BOM = "\ufeff"  # a byte-order mark inside a text, where files that begin with one were joined
MAY_PASS_AS_UTF8 = re.compile("iso2022|hz|utf-?7|utf-?16|utf-?32")  # texts in these may be valid UTF-8, but wrong
# First bytes of a zstd frame, or of a skippable frame, which pzstd writes first.
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([begin]) + b"\x2a\x4d\x18" for begin in range(0x50, 0x60)))
MAGIC = {
    b"\x1f\x8b": "a gzip file: add .gz to its name",
    **dict.fromkeys(ZSTD, "a zstd file: add .zst to its name"),
    b"PK\x03\x04": "a zip file or an office document: unpack it, or save it in another format",
    b"PAR1": "a Parquet file: name it .parquet",
    b"%PDF-": "a PDF file: name it .pdf",
    b"BZh": "a bzip2 file: unpack it",
    b"\xfd7zXZ": "an xz file: unpack it",
}

# What often comes in place of the wanted file: its first bytes in lower case, and what messages call it.
NO_RECORDS = {
    b"version https://git-lfs": "a pointer of Git LFS: get the file itself by `git lfs pull`",
    b"<!doctype html": "a web page: was the download refused, or is the address that of a page about the file?",
    b"<html": "a web page: was the download refused, or is the address that of a page about the file?",
    b"<!doctype": "XML: convert it to one of the formats that docs/files.md lists",
    b"<?xml": "XML: convert it to one of the formats that docs/files.md lists",
}


def wrong_file(head: bytes) -> str:
    """Return what a file is, as messages say it, if its first bytes show that it is not the wanted one, or ""."""
    return next((said for begin, said in NO_RECORDS.items() if head.lstrip().lower().startswith(begin)), "")


class Form(NamedTuple):
    """How a file is written, where its name and first bytes do not say so."""

    encoding: str = ""  # of a file that is not UTF-8 and has no byte-order mark
    quoted: bool | None = None  # of TSV and CSV: whether quotes quote; None: a TSV row that is doubtful is refused
    quote: str = ""  # the sign that quotes fields of a TSV or CSV file, if it is not "
    delimiter: str = ""  # of a TSV or CSV file, if it is another than its ending says
    header: Sequence[str] = ()  # the names of the columns of a TSV or CSV file that has no line with them
    member: str = ""  # the file inside a .zip
    under: str = ""  # the key of the array of records in a JSON object; a.b stands for b in a, or in each element of a
    keyed: str = ""  # of a JSON object whose values are the records: the new field that gets a record's key
    row_names: bool = False  # rows of a table may begin with one field more than the header has

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Form":
        """Return the form that a section of config.yaml describes."""
        return cls(**{key: settings[key] for key in cls._fields if key in settings})


def kind_of(path: Path) -> tuple[str, str]:
    """Return the ending that names a file's format, and the ending of its compression or "", both in lower case.

    Raises UserError for a file that we do not read.
    """
    name = path.name.lower()
    compression = next((ending for ending in COMPRESSIONS if name.endswith(ending)), "")
    kind = Path(name.removesuffix(compression)).suffix
    if kind not in KINDS or (compression and kind == ".parquet"):
        raise UserError(
            f"{path}: unknown kind of file: give {', '.join(KINDS)} (all but .parquet also with .gz or .zst), or a "
            ".zip with one of them"
        )
    return kind, compression


def resolved(path: Path, form: Form) -> Path:
    """Return the path of the file to read. In a .zip, this is `form.member`, or the only file with a known ending.

    Raises UserError for a damaged .zip, and for one with several such files or none.
    """
    if form.member:
        return path / form.member
    if path.suffix.lower() != ".zip" or not path.is_file():
        return path
    every = files_in(path)
    names = [name for name in every if is_known(Path(name))]
    if len(names) != 1:
        found = ", ".join((names or every)[:10]) or "nothing"
        unpack = "" if names or not every else ": unpack it, and give the folder if it has documents"
        raise UserError(
            f"{path}: the archive must hold one file of a known kind, or `member` must name it; it holds: {found}"
            f"{unpack}"
        )
    return path / names[0]


def files_in(archive: Path) -> list[str]:
    """Return the names of the files in a .zip, with their folders. Raises UserError if it is damaged."""
    with _errors_of(archive), zipfile.ZipFile(archive) as opened:
        return [name for name in opened.namelist() if not name.endswith("/")]


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
    except (*UNREADABLE, ValueError) as error:  # zipfile raises ValueError for a damaged name
        raise UserError(f"{path}: unreadable ({error!s:.200}): {_remedy(path, error)}") from error


def _remedy(path: Path, error: Exception) -> str:
    if isinstance(error, RuntimeError):  # zipfile lacks the password, or does not know the compression
        return "unpack the archive, with its password if it has one, and give the file itself"
    if "too much memory" in str(error):  # of zstd, whose readers allow a window of 128 MB
        return "pack it again with `zstd --long=27`, or unpack it"
    with suppress(OSError), (_archive(path) or path).open("rb") as file:
        if said := wrong_file(file.read(1 << 10)):
            return f"it is {said}"
    return "is the file complete?"


def _archive(path: Path) -> Path | None:
    return next((parent for parent in path.parents if parent.suffix.lower() == ".zip" and parent.is_file()), None)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the bytes of a file as they are stored. A `path` a/b.zip/c.json means c.json in the archive.

    Raises UserError for a file that does not exist or cannot be opened.
    """
    archive = _archive(path)
    with ExitStack() as stack:
        with _errors_of(path):
            if archive is None:
                raw: IO[bytes] = stack.enter_context(path.open("rb"))
            else:
                inside = stack.enter_context(zipfile.ZipFile(archive))
                try:
                    raw = stack.enter_context(inside.open(str(path.relative_to(archive))))
                except KeyError as error:
                    raise UserError(f"{path}: {archive.name} has no such file ({error!s:.200})") from error
        yield raw


class Text:
    """The text of a file, piece by piece. Errors have the file, the line and the remedy."""

    def __init__(self, path: Path, stream: IO[str], encoding: str, head: bytes, advance: Callable[[], None]) -> None:
        self.path, self.line = path, 0  # the number of line ends so far
        self.head = head.decode(encoding, "ignore").lstrip()
        self.wrong_file = wrong_file(head)
        self._stream, self._encoding, self._advance = stream, encoding, advance
        self._since = 0  # characters since the progress bar was updated

    def pieces(self, most: int) -> Iterator[str]:
        """Yield the rest of the text in pieces. A piece ends after a line break, or has `most` characters."""
        while True:
            try:
                piece = self._stream.readline(most)
            except UnicodeError as error:
                line, reason = self.line + 1, str(error)
                if isinstance(
                    error, UnicodeDecodeError
                ):  # a missing byte-order mark raises a UnicodeError, which has no place
                    line, reason = line + error.object[: error.start].count(b"\n"), error.reason
                raise UserError(
                    f"{self.path}, line {line}: not {self._encoding.removesuffix('-sig').upper()} ({reason}): "
                    "convert the file to UTF-8, or give its `encoding` in config.yaml, such as cp1252"
                ) from error
            except UNREADABLE as error:
                raise UserError(
                    f"{self.path}, after line {self.line}: unreadable ({error!s:.200}): {_remedy(self.path, error)}"
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
        for line in self.pieces(LONGEST_RECORD):
            if len(line) == LONGEST_RECORD:
                raise UserError(
                    f"{self.path}, line {self.line + 1}: longer than {LONGEST_RECORD:,} characters: write one record "
                    "per line"
                )
            yield line


def _unpacking(raw: IO[bytes], compression: str) -> IO[bytes]:
    import pyarrow as pa  # slow to import; dry runs, and jobs that read plain text, do without

    unpacked: IO[bytes] = pa.CompressedInputStream(raw, compression)
    return unpacked


@contextmanager
def opened_text(path: Path, form: Form, compression: str = "", with_bar: bool = True) -> Iterator[Text]:
    """Open the decoded text of a file, by default with a progress bar."""
    with opened(path) as raw, ExitStack() as stack:
        if compression:
            _refuse_unpacked(path, raw.peek(1 << 10), COMPRESSIONS[compression])  # type: ignore[attr-defined]
        with _errors_of(path):
            unpacked = compression and _unpacking(raw, COMPRESSIONS[compression])
            buffered = io.BufferedReader(stack.enter_context(unpacked) if unpacked else raw, 1 << 16)  # type: ignore[type-var]
            head = buffered.peek(1 << 12)
            encoding = encoding_of(path, head, form)
            text = io.TextIOWrapper(buffered, encoding=encoding, newline="\n")
        total = None if _archive(path) else path.stat().st_size
        counter = stack.enter_context(bar(f"reading {path.name}", total=total, unit="B", hidden=not with_bar))

        def advance() -> None:
            counter.update(raw.tell() - counter.n)

        yield Text(path, text, encoding, head, advance)
        if counter.total:  # the last pieces were too few for an update
            counter.update(counter.total - counter.n)


def _refuse_unpacked(path: Path, head: bytes, compression: str) -> None:
    """Refuse a file whose name promises a compression that its first bytes do not have."""
    magic = tuple(begin for begin, said in MAGIC.items() if compression in said)
    if head and not head.startswith(magic):
        said = wrong_file(head)
        raise UserError(
            f"{path}: not a {compression} file, but {said or 'something else'}"
            + ("" if said else f": if it is unpacked already, remove {path.suffix} from its name")
        )


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
    if not is_text_encoding(encoding):
        raise UserError(f"{path}: no text encoding {encoding!r}: give one such as cp1252 or shift_jis")
    return encoding


def is_text_encoding(name: str) -> bool:
    """Return whether Python reads files in this encoding. Some codecs are not for files: idna is for host names."""
    try:
        b"text".decode(name, "ignore")
    except (LookupError, UnicodeError):
        return False
    return True


def read_document(path: Path, form: Form) -> str:
    """Return the whole text of a file, read as UTF-8 or else in `form.encoding`. So a folder may have files of both.

    We try UTF-8 first, because a text with accents in another encoding is hardly ever valid UTF-8 by chance. This does
    not hold for the encodings in MAY_PASS_AS_UTF8, so there we try only `form.encoding`.
    """
    encoding_of(path, b"", form)  # refuses an unknown encoding
    if form.encoding and not MAY_PASS_AS_UTF8.match(codecs.lookup(form.encoding).name):
        with suppress(UserError):
            return read_document(path, form._replace(encoding=""))
    with opened_text(path, form, with_bar=False) as text:
        return re.sub("\r\n?", "\n", "".join(text.pieces(1 << 20)))
