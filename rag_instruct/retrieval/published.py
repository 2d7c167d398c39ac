"""Import published embeddings: a tar or a folder of pickles `(ids, vectors)`, as Contriever's authors publish them."""

import codecs
import pickle
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import array_header, whole, write_json
from rag_instruct.logs import logger, progress
from rag_instruct.retrieval.vectors import BLOCK_ROWS, float16_bytes


@contextmanager
def _published(source: Path, name: str) -> Iterator[IO[bytes]]:
    """Open the file `name` in a folder or in an uncompressed tar.

    We do not unpack the tar. We read one plain file and write nothing, so a tar cannot overwrite other files.
    """
    if source.is_dir():
        with (source / name).open("rb") as file:
            yield file
        return
    with _opened(source) as tar:
        member = next((m for m in tar if m.isfile() and Path(m.name).name == name), None)
    if member is None:
        raise UserError(
            f"{source} has no file {name}: set `shards` of the corpus in config.yaml to the number of its passage files"
        )
    # We do not read through tarfile, because it would hold the file in memory twice.
    with source.open("rb") as file:
        file.seek(member.offset_data)
        yield file
        if file.tell() > member.offset_data + member.size:
            raise UserError(f"the pickle is longer than its file in the tar: {source} is damaged, get it again")


def _opened(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source, "r:")
    except tarfile.ReadError as error:
        if not tarfile.is_tarfile(source):
            raise
        raise UserError(f"{source.name} is a compressed tar: decompress it, and give the .tar as `path`") from error


class _Dtype:
    """The type of an array's numbers or texts. From the pickled state, we take only the byte order."""

    def __init__(self, name: str, *_: Any) -> None:
        self.plain = np.dtype(str(name))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.plain = self.plain.newbyteorder(state[1])


class _Array:
    """An unpickled array. Numpy's own unpickling of arrays and dtypes can crash Python if the pickle is damaged."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Take the state of a numpy array, as pickles up to protocol 4 have it."""
        _, shape, dtype, fortran, data = state
        # An array of Python objects, such as a column of ids from pandas, has a list of the objects in place of bytes.
        array = np.array(data, dtype.plain) if isinstance(data, list) else np.frombuffer(data, dtype.plain)
        self.array = array.reshape(shape, order="F" if fortran else "C")


def _from_buffer(data: Any, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    """Return the array that a pickle of protocol 5 describes."""
    version = 1  # of numpy's state; _Array ignores this number
    array = _Array()
    array.__setstate__((version, shape, dtype, order == "F", data))
    return array


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickle only numpy arrays and builtin containers, because a pickle of other objects can run any program."""

    ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("_codecs", "encode"): codecs.encode,  # for bytes in pickles of protocol 2
        **{(f"numpy.{core}.multiarray", "_reconstruct"): lambda *_: _Array() for core in ("core", "_core")},
        **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise UserError(
                f"the pickle uses {module}.{name}, which arrays do not need. We did not run {name}: save arrays only"
            )
        return self.ALLOWED[module, name]


def read_published(source: Path, name: str) -> tuple[list[str], np.ndarray]:
    """Return the ids and vectors of a published file: n strings, and an array of shape (n, dimension)."""
    path = source / name
    try:
        with _published(source, name) as file:
            loaded = _ArrayUnpickler(file).load()
        ids, vectors = loaded
        ids = ids.array.tolist() if isinstance(ids, _Array) else ids
        ids = [one.decode() if isinstance(one, bytes) else str(one) for one in ids]
        vectors = vectors.array
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle can raise any error
        raise UserError(
            f"{path}: not a pickle of (ids, vectors) ({error or type(error).__name__}): is {source.name} complete? "
            f"If the workflow downloaded it, delete {source} and run again; if not, get the file again"
        ) from error
    if vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise UserError(f"{path}: the second item is not a two-dimensional array of floats")
    if len(ids) != len(vectors):
        raise UserError(f"{path}: {len(ids)} ids but {len(vectors)} vectors: the file is damaged, get it again")
    return ids, vectors


def import_shard(source: Path, name: str, shard: int, shards: int, passages: Path, output: Path, info: Path) -> None:
    """Convert one published file to .npy, and check that its ids are the corpus's ids, in the same order.

    The file's first id decides at which row of the corpus its vectors begin. Raises UserError when ids differ, or when
    a vector is not finite.
    """
    store = PassageStore(passages)
    ids, vectors = read_published(source, name)
    first = _first_row(store, ids, source / name, shard, shards)
    _check_ids(store, ids, first, source / name)
    with whole(output) as temporary, temporary.open("wb") as file:
        file.write(array_header(np.dtype(np.float16), vectors.shape))
        for start in progress(range(0, len(vectors), BLOCK_ROWS), f"converting {name}"):
            file.write(float16_bytes(vectors[start : start + BLOCK_ROWS], first + start, source / name))
    write_json(info, {"first_row": first, "rows": len(vectors), "dimension": vectors.shape[1]})
    logger.info("%s: %s vectors from corpus row %s", name, f"{len(ids):,}", f"{first:,}")


def _check_ids(store: PassageStore, ids: list[str], first: int, path: Path) -> None:
    if first + len(ids) > len(store):
        raise UserError(
            f"{path}: its vectors end at row {first + len(ids):,}, but the corpus has {len(store):,} passages: "
            "the embeddings are of another version of the corpus"
        )
    for position, (expected, found) in enumerate(zip(store.id_slice(first, first + len(ids)), ids, strict=True)):
        if expected != found:
            raise UserError(
                f"{path}: vector {position} (from 0) is of passage {found!r}, but the corpus has {expected!r} there: "
                "the embeddings are of another version of the corpus"
            )


def _first_row(store: PassageStore, ids: list[str], path: Path, shard: int, shards: int) -> int:
    if not ids:
        raise UserError(f"{path}: the file has no vectors: get it again")
    # Published files have almost equal lengths. So we try the row of an equal split, then rows near it, then all rows.
    guess = shard * (len(store) // shards)
    for start, stop in ((guess, guess + 1), (max(guess - 100, 0), min(guess + 100, len(store))), (0, len(store))):
        for row, identifier in enumerate(store.id_slice(start, stop), start=start):
            if identifier == ids[0]:
                return row
    raise UserError(f"{path}: its first passage {ids[0]!r} is not in the corpus: the embeddings are of another corpus")
