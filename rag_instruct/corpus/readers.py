"""The records of a corpus file: DPR's TSV, JSONL, Parquet, or a folder of text files."""

import csv
import gzip
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, read_text

Located = tuple[str, dict[str, str]]  # where a record stands in its file, and the record
BATCH_ROWS = 8192  # of Parquet, read at a time


def read_records(source: Path) -> Iterator[Located]:
    """The records of `source`; a UserError names the file and place of a broken one."""
    return _reader(source)(source)


def _reader(source: Path) -> Callable[[Path], Iterator[Located]]:
    if source.is_dir():
        return _read_folder
    name = source.name.removesuffix(".gz")
    for ending, reader in ((".tsv", _read_tsv), (".jsonl", _read_jsonl), (".parquet", _read_parquet)):
        if name.endswith(ending):
            return reader
    raise UserError(
        f"{source}: unknown kind of corpus file: give a .tsv, .tsv.gz, .jsonl or .parquet, or a folder of .txt and .md"
    )


def _read_tsv(source: Path) -> Iterator[Located]:
    csv.field_size_limit(sys.maxsize)
    opener = gzip.open if source.suffix == ".gz" else open
    line = 1
    try:
        with opener(source, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quotechar='"')
            header = next(rows, [])
            yield "header", dict.fromkeys(header, "")
            for row in rows:
                # A quoted text may hold line breaks, so this is where the row ends.
                line = rows.line_num
                if len(row) != len(header):
                    raise UserError(
                        f"{source}, line {line}: {len(row)} fields where the header has {len(header)} "
                        f"({', '.join(header)}); it begins {row[:1]!r}: mend the row, or quote the tabs in it"
                    )
                yield f"line {line}", dict(zip(header, row, strict=True))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{source}, after line {line}: unreadable ({error}): is the file complete?") from error


def _read_jsonl(source: Path) -> Iterator[Located]:
    for number, record in enumerate(read_jsonl(source), start=1):
        if not isinstance(record, dict):
            raise UserError(f"{source}, record {number}: {record!r:.60} is not a JSON object")
        yield f"record {number}", {name: str(value) for name, value in record.items() if value is not None}


def _read_parquet(source: Path) -> Iterator[Located]:
    try:
        file = pq.ParquetFile(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{source}: not a readable Parquet file ({error})") from error
    number = 0
    # Asked for all row groups at once, pyarrow keeps them all in memory.
    for batch in (part for group in range(file.num_row_groups) for part in file.iter_batches(BATCH_ROWS, [group])):
        for record in batch.to_pylist():
            number += 1
            yield f"row {number}", {name: str(value) for name, value in record.items() if value is not None}


TEXT_FILES = (".md", ".txt")


def text_files(folder: Path) -> list[Path]:
    """The text files in a folder and those below it, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix in TEXT_FILES and path.is_file())


def _read_folder(folder: Path) -> Iterator[Located]:
    """One document a file: its path below the folder is its id, its heading or else its name the title."""
    for path in text_files(folder):
        text = read_text(path)
        heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE) if path.suffix == ".md" else None
        name = str(path.relative_to(folder))
        yield name, {"id": name, "text": text, "title": heading[1].strip() if heading else path.stem}
