"""Read queries. Read and write .npy files that have a vector or a list of hits for each query.

Each .npy file also has a digest of the query ids, so that we do not use it for other queries.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.files import digest, read_jsonl, save_array

AGAIN = "delete this file, and it is made again"


def read_queries(path: Path, field: str = "id") -> tuple[list[str], list[str]]:
    """Return the ids and the texts of a file's records. `field` is the key of the text.

    By default, we read no texts, and the second list has the ids again.
    Raises UserError when a record has no id or no text.
    """
    ids: list[str] = []
    texts: list[str] = []
    for number, record in enumerate(read_jsonl(path), start=1):
        for name, found in (("id", ids), (field, texts)):
            if not isinstance(record, dict) or not isinstance(record.get(name), str):
                raise UserError(f"{path}, record {number}: its {name!r} is missing or not a text: {AGAIN}")
            found.append(record[name])
    return ids, texts


def refuse_repeated(ids: Sequence[str], place: Path) -> None:
    """Raise UserError when two queries have the same id, because hits and vectors are found by id."""
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise UserError(
            f"{place}: {len(twice):,} query ids occur more than once, such as {twice[0]!r}: give every query its own id"
        )


def save_by_query(path: Path, array: np.ndarray, ids_digest: np.ndarray) -> None:
    """Write an .npy with one entry per query. A second array follows: the digest of the query ids.

    Get `ids_digest` from `digest_of(ids)`, or from `digest_in(path)` of another file for the same queries.
    """
    save_array(path, array, ids_digest)


def digest_of(ids: Sequence[str]) -> np.ndarray:
    """Return the digest of query ids, which depends on their order, as an array of bytes."""
    return np.frombuffer(bytes.fromhex(digest(*ids)), np.uint8)


def digest_in(path: Path) -> np.ndarray:
    """Return the digest of query ids in a file, or an empty array if an older version wrote the file."""
    array: np.memmap = np.load(path, mmap_mode="r")
    with path.open("rb") as file:
        file.seek(array.offset + array.nbytes)
        has_digest = bool(file.peek(1))
        return np.load(file) if has_digest else np.empty(0, np.uint8)


def by_query(path: Path, ids: Sequence[str]) -> np.ndarray:
    """Return a file's array as a memory map. Raises UserError when the file was made for other queries."""
    array: np.ndarray = np.load(path, mmap_mode="r")
    if len(array) != len(ids):
        raise UserError(f"{path} was made for {len(array):,} queries, but there are {len(ids):,}: {AGAIN}")
    found = digest_in(path)
    if found.size and not np.array_equal(found, digest_of(ids)):
        raise UserError(f"{path} was made for other queries: their ids or their order differ: {AGAIN}")
    return array


def vectors_by_id(queries: Iterable[Path], vectors: Iterable[Path]) -> dict[str, np.ndarray]:
    """Return the vector of each query id. The files of `vectors` belong to those of `queries`, in the same order."""
    found: dict[str, np.ndarray] = {}
    for asked, path in zip(queries, vectors, strict=True):
        ids, _ = read_queries(asked)
        found |= zip(ids, by_query(path, ids), strict=True)
    return found
