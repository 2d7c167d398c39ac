"""Queries: their ids and texts, and files of one vector or one list of hits a query, which know whose they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.files import digest, read_jsonl, save_array

AGAIN = "delete it, and it is made again"


def read_queries(path: Path, field: str = "id") -> tuple[list[str], list[str]]:
    """Read the ids of a file's records and their texts in `field`; raise UserError where a record lacks one of them."""
    ids: list[str] = []
    texts: list[str] = []
    for number, record in enumerate(read_jsonl(path), start=1):
        for name, found in (("id", ids), (field, texts)):
            if not isinstance(record, dict) or not isinstance(record.get(name), str):
                raise UserError(f"{path}, record {number}: {name!r} is no text: {AGAIN}")
            found.append(record[name])
    return ids, texts


def refuse_repeated(ids: Sequence[str], place: Path) -> None:
    """Raise UserError when two queries have one id: hits and vectors are found by it."""
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise UserError(f"{place}: {len(twice):,} queries have an id that another one has, such as {twice[0]!r}")


def save_by_query(path: Path, array: np.ndarray, owner: np.ndarray) -> None:
    """Write an .npy with an entry for each query, and after it, as a second array, whose entries they are.

    `owner` is `digest_of` the queries' ids, or `digest_in` another such file.
    """
    save_array(path, array, owner)


def digest_of(ids: Sequence[str]) -> np.ndarray:
    """Return the digest of ids in their order."""
    return np.frombuffer(bytes.fromhex(digest(*ids)), np.uint8)


def digest_in(path: Path) -> np.ndarray:
    """Return the digest of ids that a file has; an empty one where an older version wrote the file."""
    array: np.memmap = np.load(path, mmap_mode="r")
    with path.open("rb") as file:
        file.seek(array.offset + array.nbytes)
        return np.load(file) if file.peek(1) else np.empty(0, np.uint8)


def by_query(path: Path, ids: Sequence[str]) -> np.ndarray:
    """Return the array of a file, mapped; raise UserError when it was made for other queries than these."""
    array: np.ndarray = np.load(path, mmap_mode="r")
    if len(array) != len(ids):
        raise UserError(f"{path} holds {len(array):,} queries, {len(ids):,} were asked: {AGAIN}")
    owner = digest_in(path)
    if owner.size and not np.array_equal(owner, digest_of(ids)):
        raise UserError(f"{path} was made for other queries, as many as these: {AGAIN}")
    return array


def vectors_by_id(queries: Iterable[Path], vectors: Iterable[Path]) -> dict[str, np.ndarray]:
    """Return the vectors of queries by their ids; each file of vectors is of the queries of one file."""
    found: dict[str, np.ndarray] = {}
    for asked, path in zip(queries, vectors, strict=True):
        ids, _ = read_queries(asked)
        found |= zip(ids, by_query(path, ids), strict=True)
    return found
