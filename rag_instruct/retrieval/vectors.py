"""Read and write .npy files of float16 vectors without loading a whole file into memory."""

import json
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.files import write_json

BLOCK_ROWS = 8192  # the number of vectors in a block; each block is encoded or converted, then written
# A hit of a search. A search of one shard counts `row` from the shard's start. In files of hits, `row` counts from the
# corpus's start.
HITS = np.dtype([("row", np.int64), ("score", np.float64)])
SPAN = 1024  # scattered rows that are read through one memory map


class VectorFile:
    """An .npy file of n vectors with d dimensions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        mapped = self._mapped()
        if mapped.ndim != 2:
            raise UserError(
                f"{path}: its shape is {mapped.shape}, but vectors need (n, d): delete the file, and it is made again"
            )
        self._length, self.dimension = mapped.shape
        self._dtype, self._offset = mapped.dtype, mapped.offset
        self._bytes = mapped.itemsize * self.dimension  # of one vector

    def __len__(self) -> int:
        return int(self._length)

    def refuse_other_dimension(self, queries: np.ndarray, source: str) -> None:
        """Raise UserError when the vectors of queries have another dimension. `source` names the queries."""
        if queries.shape[1] != self.dimension:
            raise UserError(
                f"{self._path}: its vectors have {self.dimension} dimensions, but those of {source} have "
                f"{queries.shape[1]}: different encoders made them; use one `encoder` for both"
            )

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop - 1 as a new memory map. Its pages leave the memory when you delete the array."""
        block: np.ndarray = self._mapped()[start:stop]
        return block

    def scattered(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors of any rows, shape (*rows.shape, d). The file is read from front to back."""
        flat = rows.ravel()
        order = np.argsort(flat, kind="stable")
        found = np.empty((len(flat), self.dimension), self._dtype)
        # The pages that a map has touched count as this process's memory, and one page fault may read megabytes. So we
        # drop each map after SPAN rows, and open a new one.
        for start in range(0, len(flat), SPAN):
            places = order[start : start + SPAN]
            wanted = flat[places]
            found[places] = self.block(wanted[0], wanted[-1] + 1)[wanted - wanted[0]]
        return found.reshape(*rows.shape, self.dimension)

    def read_ahead(self, start: int, stop: int) -> None:
        """Ask the system to read these rows into its cache while this process computes."""
        if stop > start and hasattr(os, "posix_fadvise"):
            offset, length = self._offset + start * self._bytes, (stop - start) * self._bytes
            with self._path.open("rb") as file:
                os.posix_fadvise(file.fileno(), offset, length, os.POSIX_FADV_WILLNEED)

    def _mapped(self) -> np.memmap:
        try:
            # Mode "c" keeps changes private. We do not use the read-only mode, because torch warns about read-only
            # arrays.
            return np.lib.format.open_memmap(self._path, mode="c")
        except FileNotFoundError as error:
            raise UserError(f"{self._path}: no such file: run the workflow again, and it is made again") from error
        except (ValueError, EOFError) as error:
            raise UserError(
                f"{self._path}: not an .npy of vectors ({error}): delete the file, and it is made again"
            ) from error


def float16_bytes(vectors: np.ndarray, first_row: int, source: Path) -> bytes:
    """Return the bytes of vectors as float16. `first_row` is the corpus row of the first vector.

    Raises UserError for a vector that is not finite, also when a number is too large for float16.
    """
    with np.errstate(over="ignore"):
        converted = vectors.astype(np.float16)
    if not np.isfinite(converted).all():
        row = int(np.flatnonzero(~np.isfinite(converted).all(axis=1))[0])
        raise UserError(
            f"{source}: the vector of corpus row {first_row + row} is not finite in float16 "
            "(NaN, infinite or above 65504): use other embeddings or another encoder"
        )
    return converted.tobytes()


def list_shards(infos: Iterable[Path], corpus: Path, output: Path) -> None:
    """Check that the shards have one vector for every passage, in order, and write the first row of each shard.

    Raises UserError when a passage has no vector or two vectors, and when two shards have different dimensions or
    encoders.
    """
    shards = [json.loads(info.read_text("utf-8")) | {"file": info.stem} for info in infos]
    passages = json.loads(corpus.read_text("utf-8"))["passages"]
    dimension = shards[0]["dimension"]
    # Two empty shards stand for the borders of the corpus, so that its beginning and end are checked like all others.
    begin = {"file": "the corpus's beginning", "first_row": 0, "rows": 0, "dimension": dimension}
    end = {"file": "the corpus's end", "first_row": passages, "dimension": dimension}
    for shard, following in pairwise([begin, *shards, end]):
        gap = following["first_row"] - shard["first_row"] - shard["rows"]
        if gap:  # negative if two shards overlap
            raise UserError(
                f"{abs(gap):,} passages between {shard['file']} and {following['file']} have "
                f"{'no vector' if gap > 0 else 'two vectors'}: the embeddings are of another version "
                "of the corpus, or `shards` in config.yaml is wrong"
            )
        if shard["dimension"] != following["dimension"]:
            raise UserError(
                f"the vectors of {following['file']} have {following['dimension']} dimensions, but those of "
                f"{shard['file']} have {shard['dimension']}: use the vectors of one encoder for all shards"
            )
    _refuse_other_encoders(shards)
    write_json(output, {"passages": passages, "first_rows": [shard["first_row"] for shard in shards]})


def _refuse_other_encoders(shards: list[dict[str, Any]]) -> None:
    """Raise UserError when shards were encoded with different settings.

    Published vectors do not name their settings, so we do not check them.
    """
    known = [shard for shard in shards if "encoder" in shard]
    for shard in known:
        first, other = known[0]["encoder"], shard["encoder"]
        different = {key for key in first.keys() | other.keys() if first.get(key) != other.get(key)}
        if different:
            key = min(different)
            raise UserError(
                f"the vectors of {shard['file']} were made with {key} {other.get(key)!r}, but those of "
                f"{known[0]['file']} with {first.get(key)!r}: delete the folder, and all are made again"
            )
