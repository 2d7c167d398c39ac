"""Encode the passages of a corpus: each shard becomes one .npy file of float16 vectors."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from rag_instruct.corpus.importing import shard_rows
from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.files import array_header, digest, needs_room, write_json
from rag_instruct.lock import hold
from rag_instruct.logs import bar
from rag_instruct.retrieval.vectors import BLOCK_ROWS, float16_bytes


class PassageEncoder(Protocol):
    """Makes vectors of passages: by weights here (`Encoder`), or at an endpoint (`EndpointEncoder`)."""

    @property
    def dimension(self) -> int:
        """The numbers of a vector."""

    @property
    def identity(self) -> str:
        """A text of everything that changes a vector, JSON."""

    def encode_passages(self, texts: list[str], counter: Any) -> np.ndarray:
        """Return one vector for each passage: float32, shape (len(texts), dimension)."""


def embed_shard(
    encoder: PassageEncoder, passages: Path, corpus: Path, shard: int, shards: int, output: Path, info: Path
) -> None:
    """Encode the passages of one shard.

    Finished blocks go to a .part file in the folder of `output`. This file stays after a kill, and a later call with
    the same encoder and passages resumes from it. `corpus` is the JSON file with the sha256 of the passages.
    """
    store = PassageStore(passages)
    first, end = shard_rows(len(store), shard, shards)
    identity = digest(encoder.identity, json.loads(corpus.read_text("utf-8"))["sha256"], first, end)
    growing = output.with_name(f"{output.stem}_{identity[:12]}.part")
    header = array_header(np.dtype(np.float16), (end - first, encoder.dimension))
    with _alone(growing) as is_finished, needs_room(output), ExitStack() as stack:
        if is_finished:
            return
        file = stack.enter_context(growing.open("ab"))
        done = _whole_blocks(file, len(header), 2 * encoder.dimension)
        if not done:
            file.write(header)
        with bar(f"embedding shard {shard}", end - first, " passages", done=done) as counter:
            for start in range(first + done, end, BLOCK_ROWS):
                part = store.slice(start, min(start + BLOCK_ROWS, end))
                texts = list(map(text_of, part))
                file.write(float16_bytes(encoder.encode_passages(texts, counter), start, output))
                file.flush()
                os.fsync(file.fileno())
        # The vectors move last: if a kill comes before the move, the next call still finds the .part file.
        described = {"first_row": first, "rows": end - first, "dimension": encoder.dimension}
        write_json(info, {**described, "encoder": json.loads(encoder.identity)})
        os.replace(growing, output)
    for left in output.parent.glob(f"{output.stem}_*.part"):  # these belong to another encoder or corpus
        left.unlink()


def text_of(passage: Passage) -> str:
    """Return the text of a passage that is encoded: `title + " " + text`, as Contriever's authors do."""
    return f"{passage.title} {passage.text}".strip()


@contextmanager
def _alone(growing: Path) -> Iterator[bool]:
    """Wait until no other job encodes this shard. Yield whether such a job has finished the shard meanwhile.

    Such a job may still run after Snakemake was killed. The job that finishes a shard deletes the lock's file.
    """
    lock = growing.with_suffix(".lock")
    held = hold(lock, wait=True)
    is_finished = held is not None and not _is_at(held, lock)
    try:
        yield is_finished
        if not is_finished:
            lock.unlink(missing_ok=True)
    finally:
        if held:
            held.close()


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:  # it was deleted
        return False


def _whole_blocks(file: IO[bytes], header: int, vector: int) -> int:
    """Cut an unfinished block off the file, and return the number of vectors that remain."""
    blocks = max(file.tell() - header, 0) // (vector * BLOCK_ROWS)
    file.truncate(header + blocks * vector * BLOCK_ROWS if blocks else 0)
    return blocks * BLOCK_ROWS
