"""Measure faiss's index of one shard of Wikipedia: how it is built, and how fast it answers single questions from disk.

    python -m performance.index FOLDER                      # IVF4096,PQ96 over 1,313,457 vectors of 768 numbers
    python -m performance.index FOLDER --rows 20000 --factory HNSW32

Vectors are drawn around random centres, because vectors of texts are not spread evenly. A question is a new vector at
one of the centres. Its recall is the share of the 10 nearest vectors, by exact search, that the index finds. Before
the questions, the system is asked to forget the files, so that the first ones are read from disk.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from performance.measure import machine, of_script, peak_memory_mb
from rag_instruct.retrieval.approximate import ApproximateShard
from rag_instruct.retrieval.search import search
from rag_instruct.retrieval.vectors import VectorFile

SHARDS, ROWS, DIMENSION = 16, 1_313_457, 768
CENTRES, SPREAD = 20_000, 0.6
BLOCK = 65_536
K = 10


def main(arguments: argparse.Namespace) -> None:
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    vectors, index, info = folder / "shard.npy", folder / "shard.faiss", folder / "shard.faiss.json"
    questions = _make(vectors, arguments.rows, arguments.questions)
    print(
        f"{machine()}; {arguments.factory} of {arguments.rows:,} x {DIMENSION}, {len(questions)} questions, k = {K}\n"
    )
    built = of_script("build_index", vectors, "--factory", arguments.factory, "--output", index, "--info", info)
    exact = search(questions, VectorFile(vectors), K)["row"]
    for path in (vectors, index):
        _forget(path)
    shard = ApproximateShard(VectorFile(vectors), index, info)
    times, found = [], []
    for question in questions:
        began = time.perf_counter()
        found.append(shard.search(question[None], K)["row"])
        times.append(1000 * (time.perf_counter() - began))
    recall = np.mean([len(np.intersect1d(*pair)) / K for pair in zip(found, exact, strict=True)])
    print("| stage | seconds | processor, s | peak memory, MB |\n|---|---:|---:|---:|")
    print(f"| build the index | {built.seconds:.1f} | {built.processor:.1f} | {built.peak:,.0f} |\n")
    quality, size, middle = shard.quality, index.stat().st_size / 1e6, float(np.median(times))
    print(f"recall {quality.recall:.3f} with passages as queries, {recall:.3f} with questions ({quality.parameter})")
    print(f"a question: first {times[0]:.1f} ms, median {middle:.1f} ms, slowest {max(times):.1f} ms")
    print(f"{SHARDS} shards in turn: {SHARDS * middle:,.0f} ms a question, {SHARDS * size / 1000:.1f} GB on disk")
    print(f"peak memory of this process, exact search included: {peak_memory_mb():,.0f} MB")


def _make(path: Path, rows: int, questions: int) -> np.ndarray:
    """Write the vectors, and return the questions (q, d)."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((min(CENTRES, max(1, rows // 8)), DIMENSION), dtype=np.float32)

    def drawn(count: int) -> np.ndarray:
        noise = SPREAD * random.standard_normal((count, DIMENSION), dtype=np.float32)
        return centres[random.integers(len(centres), size=count)] + noise

    vectors = np.lib.format.open_memmap(path, "w+", np.float16, (rows, DIMENSION))
    for start in range(0, rows, BLOCK):
        block = vectors[start : start + BLOCK]
        block[:] = drawn(len(block))
    vectors.flush()
    return drawn(questions)


def _forget(path: Path) -> None:
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--factory", default="IVF4096,PQ96")
    main(parser.parse_args())
