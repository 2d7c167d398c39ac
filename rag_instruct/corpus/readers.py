"""Read the records of a corpus, from one file or from a folder of text files."""

import re
from collections.abc import Iterator
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.records import COMPRESSIONS, KINDS, located_records

Fields = tuple[str, dict[str, str]]  # the record's place in its file, and its fields as texts


def read_corpus(source: Path) -> Iterator[Fields]:
    """Read the records of `source`. A UserError names the file and place of a broken record."""
    if source.is_dir():
        yield from _read_folder(source)
        return
    if not source.name.endswith((*KINDS, *(kind + packed for kind in KINDS for packed in COMPRESSIONS))):
        raise UserError(
            f"{source}: unknown kind of corpus file: give {', '.join(KINDS)} "
            "(all but .parquet also with .gz or .zst), or a folder of .txt and .md files"
        )
    for place, record in located_records(source):
        if not isinstance(record, dict):
            raise UserError(f"{source}, {place}: {record!r:.60} is not a JSON object: correct or remove the record")
        yield place, {name: str(value) for name, value in record.items() if value is not None}


TEXT_FILES = (".md", ".txt")


def text_files(folder: Path) -> list[Path]:
    """Return the text files in a folder and its subfolders, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix in TEXT_FILES and path.is_file())


def _read_folder(folder: Path) -> Iterator[Fields]:
    """Read each file as one document. The id is its path in the folder; the title is its first heading or its name."""
    for path in text_files(folder):
        text = read_text(path)
        heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE) if path.suffix == ".md" else None
        name = str(path.relative_to(folder))
        yield name, {"id": name, "text": text, "title": heading[1].strip() if heading else path.stem}
