"""Encode the passages of a corpus: each shard becomes one .npy file of float16 vectors."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from rag_instruct.corpus.passages import Passage, PassageStore, shard_rows
from rag_instruct.files import array_header, digest, needs_room, write_json
from rag_instruct.lock import hold
from rag_instruct.logs import bar
from rag_instruct.retrieval.vectors import BLOCK_ROWS, float16_bytes


class PassageEncoder(Protocol):
    """Makes vectors of passages: with a model on this machine (`Encoder`), or at an endpoint (`EndpointEncoder`)."""

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""

    @property
    def identity(self) -> str:
        """The settings that change a vector, as JSON."""

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
    with _locked(growing) as finished_by_another_job, needs_room(output), ExitStack() as stack:
        if finished_by_another_job:
            return
        file = stack.enter_context(growing.open("ab"))
        done = _cut_to_whole_blocks(file, len(header), 2 * encoder.dimension)
        if not done:
            file.write(header)
        with bar(f"embedding shard {shard}", end - first, " passages", done=done) as counter:
            for start in range(first + done, end, BLOCK_ROWS):
                part = store.slice(start, min(start + BLOCK_ROWS, end))
                texts = list(map(text_of, part))
                file.write(float16_bytes(encoder.encode_passages(texts, counter), start, output))
                file.flush()
                os.fsync(file.fileno())
        # We move the vectors last. A call that is killed before the move leaves the .part file to the next call.
        described = {"first_row": first, "rows": end - first, "dimension": encoder.dimension}
        write_json(info, {**described, "encoder": json.loads(encoder.identity)})
        os.replace(growing, output)
    for left in output.parent.glob(f"{output.stem}_*.part"):  # these belong to another encoder or corpus
        left.unlink()


def text_of(passage: Passage) -> str:
    """Return the text that we encode for a passage: `title + " " + text`, as Contriever's authors do."""
    return f"{passage.title} {passage.text}".strip()


@contextmanager
def _locked(growing: Path) -> Iterator[bool]:
    """Lock the shard. Yield whether another job finished the shard while this job waited for the lock.

    A job may still run after Snakemake was killed. The job that finishes a shard deletes the lock's file. So a
    job that gets the lock after a wait checks whether the lock's file is still on disk. If not, the shard is finished.
    """
    lock = growing.with_suffix(".lock")
    held = hold(lock, wait=True)  # None if we may only read the folder
    finished_by_another_job = held is not None and not _is_at(held, lock)
    try:
        yield finished_by_another_job
        if not finished_by_another_job:
            lock.unlink(missing_ok=True)
    finally:
        if held:
            held.close()


def _is_at(file: IO[str], path: Path) -> bool:
    """Return whether `path` still leads to this open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:  # the file at `path` was deleted
        return False


def _cut_to_whole_blocks(file: IO[bytes], header_bytes: int, vector_bytes: int) -> int:
    """Cut off what follows the last full block, and return the number of vectors that remain.

    If there is no full block, cut off the header too.
    """
    block_bytes = vector_bytes * BLOCK_ROWS
    blocks = max(file.tell() - header_bytes, 0) // block_bytes
    file.truncate(header_bytes + blocks * block_bytes if blocks else 0)
    return blocks * BLOCK_ROWS
