"""Find the documents of a folder, and count what is left out."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.records import is_known

FORMATS = {  # documents that need a package to be read
    ".pdf": "pypdfium2",
    ".docx": "mammoth",
    ".html": "trafilatura",
    ".htm": "trafilatura",
    ".xhtml": "trafilatura",
}
DOCUMENTS = (".txt", ".md", ".markdown", *FORMATS)
# Names of files that describe a data set. Beside files of records, they are neither records nor documents.
DESCRIPTION = re.compile(
    r"((readme|licen[cs]e)([._-][\w.-]+)?|(notice|changelog|citation|dataset_infos?|dataset_dict|state)(\.\w+)*)", re.I
)
HIDDEN = "hidden files and folders"
OTHER = "files of kind "  # begins the reason for files that are not read
LISTED = 5  # files that a message names for each reason


class LeftOut:
    """Files, documents and pages that do not become passages, by reason."""

    def __init__(self) -> None:
        self.by_reason: dict[str, list[str]] = {}

    def add(self, reason: str, place: str) -> None:
        """Note what is left out, and why. Bytes of names that are not UTF-8 become escapes."""
        self.by_reason.setdefault(_readable(reason), []).append(_readable(place))

    def say(self, source: Path) -> None:
        """Log how much is left out for each reason, with the first names."""
        for reason, places in sorted(self.by_reason.items()):
            more = ", ..." if len(places) > LISTED else ""
            logger.warning("%s: left out, %s: %d (%s%s)", source, reason, len(places), ", ".join(places[:LISTED]), more)


def _readable(name: str | Path) -> str:
    """Return a file's name with escapes such as \\xe9 for bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_document(path: Path) -> bool:
    """Return whether a file is a single document, and not a table of records."""
    return path.suffix.lower() in DOCUMENTS


def documents_of(folder: Path, left_out: LeftOut) -> list[Path]:
    """Return the documents in a folder and its subfolders, sorted by path. Links are followed, each file counts once.

    `left_out` gets hidden files and folders, files of other kinds, broken links, and second links to a file or folder.
    """
    return _wanted(folder, is_document, left_out)


def records_of(folder: Path, left_out: LeftOut) -> list[Path]:
    """Return the files of records in a folder, sorted by path, or nothing if the folder has documents.

    A README and other descriptions of a data set, as a hub has them, do not count as documents.
    """
    found = _wanted(folder, lambda path: is_known(path) and not DESCRIPTION.fullmatch(path.name), left_out)
    documents = documents_of(folder, LeftOut()) if found else []
    return [] if any(not DESCRIPTION.fullmatch(path.name) for path in documents) else found


def _wanted(folder: Path, wanted: Callable[[Path], bool], left_out: LeftOut) -> list[Path]:
    """Return the files that are `wanted`, sorted by path. `left_out` gets all others."""
    found: list[Path] = []
    seen: dict[tuple[int, int], Path] = {}
    # Links come last, so that a file is read by its own path and not by that of a link to it.
    for path in sorted(_files(folder, left_out), key=lambda path: (path.is_symlink(), path)):
        name = _readable(path.relative_to(folder))
        if _is_hidden(path):
            left_out.add(HIDDEN, name)
        elif not path.is_file():
            left_out.add("broken links and special files", name)
        elif not wanted(path):
            left_out.add(f"{OTHER}{path.suffix.lower() or '(no ending)'}", name)
        elif first := seen.get(_identity(path)):
            left_out.add(f"links to files that are read as {_readable(first.relative_to(folder))}", name)
        elif name != str(path.relative_to(folder)):
            raise UserError(
                f"{folder}: the name of the file {name} is not UTF-8: rename the file, for example by convmv"
            )
        else:
            seen[_identity(path)] = path
            found.append(path)
    return sorted(found)


def _identity(path: Path) -> tuple[int, int]:
    """Return the device and the inode number, which a file shares with all links to it."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "~$"))


def _files(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    """Yield all files outside hidden folders. A folder is entered once, however many links lead to it.

    Links are entered last, so that a folder's files have their own paths.
    """
    entered: set[tuple[int, int]] = set()
    waiting = [folder]

    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename}: the folder cannot be read ({error.strerror}): change its permissions")

    while waiting:
        for root, folders, names in os.walk(waiting.pop(0), onerror=refuse):
            identity = _identity(Path(root))
            if identity in entered:
                left_out.add("links to folders that are read already", _readable(Path(root).relative_to(folder)))
                folders.clear()
                continue
            entered.add(identity)
            paths = [Path(root, name) for name in sorted(folders)]
            for hidden in filter(_is_hidden, paths):
                left_out.add(HIDDEN, _readable(hidden.relative_to(folder)))
            seen = [path for path in paths if not _is_hidden(path)]
            waiting += [path for path in seen if path.is_symlink()]
            folders[:] = [path.name for path in seen]
            yield from (Path(root, name) for name in names)
