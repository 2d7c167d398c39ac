"""Passage vectors: one .npy of float16 a shard, made by the encoder or taken from published pickles."""

import pickle
import tarfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rag_instruct.cli import bar, logger
from rag_instruct.corpus import PassageStore, shard_rows
from rag_instruct.encoder import Encoder
from rag_instruct.errors import UserError
from rag_instruct.files import whole, write_json


def embed_shard(encoder: Encoder, passages: Path, shard: int, shards: int, output: Path, info: Path) -> None:
    """Encode the passages of one shard as `title + " " + text`, as Contriever's authors do."""
    store = PassageStore(passages)
    first, end = shard_rows(len(store), shard, shards)
    texts = [f"{passage.title} {passage.text}".strip() for passage in store.slice(first, end)]
    save_shard(encoder.encode(texts, f"embedding shard {shard}"), first, output, info)


def save_shard(vectors: np.ndarray, first_row: int, output: Path, info: Path) -> None:
    """Write vectors as float16 and, in `info`, which corpus rows they belong to."""
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise UserError(f"{output}: the vector of corpus row {first_row + row} is not finite (NaN or infinite)")
    with whole(output) as temporary, temporary.open("wb") as file:
        np.save(file, vectors.astype(np.float16))
    write_json(info, {"first_row": first_row, "rows": len(vectors), "dimension": vectors.shape[1]})


def unpack(archive: Path, output: Path) -> None:
    """Take the member with `output`'s file name out of a tar, and nothing else.

    Only a plain file is read and only to the given path, so no member can write elsewhere.
    """
    try:
        with tarfile.open(archive) as tar:
            member = next((m for m in tar if m.isfile() and Path(m.name).name == output.name), None)
            if member is None:
                raise UserError(
                    f"{archive}: no file {output.name} in it: is `shards` in config.yaml its number of passage files?"
                )
            _copy(tar, member, output)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"{archive}: unreadable ({error}): delete the file, and it is downloaded anew") from error


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, output: Path) -> None:
    source = tar.extractfile(member)
    assert source is not None, f"{member.name} is a plain file"
    with whole(output) as temporary, temporary.open("wb") as file:
        with bar(f"unpacking {output.name}", total=member.size, unit="B") as counter:
            while block := source.read(1 << 24):
                file.write(block)
                counter.update(len(block))
        if file.tell() != member.size:
            raise UserError(f"{member.name} has {file.tell():,} of {member.size:,} bytes: the archive is cut short")


class _ArrayUnpickler(pickle.Unpickler):
    """Admits numpy arrays and the builtin containers; a pickle is a program otherwise."""

    ALLOWED: ClassVar = {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpy._core.numeric", "_frombuffer"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise UserError(f"the pickle asks for {module}.{name}, which arrays do not need: it is not run")
        return super().find_class(module, name)


def read_published(path: Path) -> tuple[list[str], np.ndarray]:
    """The `(ids, vectors)` of a published file: n strings, and an array of shape (n, dimension)."""
    try:
        with path.open("rb") as file:
            ids, vectors = _ArrayUnpickler(file).load()
    except UserError as error:
        raise UserError(f"{path}: {error}: get the file from its authors again") from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, OSError) as error:
        raise UserError(f"{path}: not a pickle of (ids, vectors) ({error}): is it complete?") from error
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise UserError(f"{path}: the second item is not a two-dimensional array of floats")
    if len(ids) != len(vectors):
        raise UserError(f"{path}: {len(ids)} ids but {len(vectors)} vectors: the file is damaged")
    return [str(identifier) for identifier in ids], vectors


def import_shard(path: Path, shard: int, shards: int, passages: Path, dimension: int, output: Path, info: Path) -> None:
    """Convert one published file, checking that its ids are the corpus's own, in its order.

    Where the file begins follows from its first id, and the last file must end with the corpus.
    Raises UserError where ids, counts or the dimension differ.
    """
    store = PassageStore(passages)
    ids, vectors = read_published(path)
    if vectors.shape[1] != dimension:
        raise UserError(
            f"{path}: vectors of {vectors.shape[1]} dimensions, the encoder makes {dimension}: "
            "these embeddings belong to another encoder"
        )
    first = _first_row(store, ids, path, shard, shards)
    end = first + len(ids)
    for row, (expected, found) in enumerate(
        zip(store.slice(first, min(end, len(store))), ids, strict=False), start=first
    ):
        if expected.id != found:
            raise UserError(
                f"{path}: vector {row - first} is of passage {found!r}, the corpus has {expected.id!r} there"
            )
    if end > len(store) or (shard == shards - 1 and end != len(store)):
        raise UserError(
            f"{path}: its vectors end at row {end:,}, the corpus has {len(store):,} passages: "
            "corpus and embeddings are of different versions"
        )
    save_shard(vectors, first, output, info)
    logger.info("%s: %s vectors, corpus rows %s to %s", path.name, f"{len(ids):,}", f"{first:,}", f"{end - 1:,}")


def _first_row(store: PassageStore, ids: list[str], path: Path, shard: int, shards: int) -> int:
    # The files are near-equal parts, so the first id stands near the equal split's border.
    if not ids:
        raise UserError(f"{path}: no vectors in it")
    guess = shard * (len(store) // shards)
    for start, stop in ((guess, guess + 1), (max(guess - 100, 0), min(guess + 100, len(store))), (0, len(store))):
        for row, passage in enumerate(store.slice(start, stop), start=start):
            if passage.id == ids[0]:
                return row
    raise UserError(f"{path}: its first passage {ids[0]!r} is not in the corpus: they are of different versions")
