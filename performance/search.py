"""Measure speed and memory of searching one shard, and compare with the machine's matrix product and with faiss.

    python -m performance.search                       # one shard of Wikipedia: 1,313,457 vectors, 2 GB
    python -m performance.search --rows 65536

Each method runs in its own process. The methods take turns, and the median of the rounds counts. The clock runs from
the open file to the hits. In this time our search reads and converts the float16 file; the other methods have their
vectors in memory, in float32.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sized
from pathlib import Path

import numpy as np

from performance.measure import machine, peak_memory_mb

DIMENSION = 768
BLOCK = 65_536
ALONE = 20  # queries for timing one_query_at_a_time


def main(arguments: argparse.Namespace) -> None:
    if arguments.way:
        print(json.dumps(WAYS[arguments.way](arguments)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        arguments.folder = folder
        _make_vectors(Path(folder), arguments.rows, arguments.queries)
        results = [{way: _in_own_process(way, arguments) for way in WAYS} for _ in range(arguments.rounds)]
    _report(results, arguments)


def _make_vectors(folder: Path, rows: int, queries: int) -> None:
    random = np.random.default_rng(0)
    np.save(folder / "queries.npy", random.standard_normal((queries, DIMENSION), dtype=np.float32))
    vectors = np.lib.format.open_memmap(folder / "shard.npy", "w+", np.float16, (rows, DIMENSION))
    for start in range(0, rows, BLOCK):
        block = vectors[start : start + BLOCK]
        block[:] = random.standard_normal(block.shape, dtype=np.float32)


def _in_own_process(way: str, arguments: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "performance.search", "--way", way, "--folder", arguments.folder]
    command += [f"--{name}={getattr(arguments, name)}" for name in ("rows", "queries", "k")]
    environment = os.environ | ({"OPENBLAS_CORETYPE": _kernels()} if way == "faiss_with_best_kernels" else {})
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    result: dict[str, float] = json.loads(run.stdout)
    return result


def _kernels() -> str:
    """Return the OpenBLAS kernels for this CPU, because the OpenBLAS in faiss-cpu does not know recent CPUs."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    return "SkylakeX" if "avx512f" in flags else "Haswell"


def _timed(work: Callable[[], object], arguments: argparse.Namespace, queries: int | None = None) -> dict[str, float]:
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    operations = 2 * (queries or arguments.queries) * arguments.rows * DIMENSION
    return {"seconds": seconds, "gflops": operations / seconds / 1e9, "peak_mb": peak_memory_mb()}


def _inputs(arguments: argparse.Namespace) -> tuple[np.ndarray, Path]:
    return np.load(Path(arguments.folder, "queries.npy")), Path(arguments.folder, "shard.npy")


def ours(arguments: argparse.Namespace) -> dict[str, float]:
    from rag_instruct.retrieval.search import search
    from rag_instruct.retrieval.vectors import VectorFile

    queries, shard = _inputs(arguments)
    _warm_torch()
    return _timed(lambda: search(queries, VectorFile(shard), arguments.k), arguments)


def sgemm_torch(arguments: argparse.Namespace) -> dict[str, float]:
    import torch

    queries, shard = _inputs(arguments)
    block = torch.from_numpy(np.load(shard, mmap_mode="r")[:BLOCK].astype(np.float32))
    product, factor = torch.empty(len(block), len(queries)), torch.from_numpy(queries).T.contiguous()
    _warm_torch()
    times = arguments.rows / len(block)
    return _timed(lambda: [torch.mm(block, factor, out=product) for _ in range(round(times))], _whole(arguments, block))


def sgemm_numpy(arguments: argparse.Namespace) -> dict[str, float]:
    queries, shard = _inputs(arguments)
    block = np.load(shard, mmap_mode="r")[:BLOCK].astype(np.float32)
    product = queries @ block.T
    times = round(arguments.rows / len(block))
    return _timed(lambda: [np.matmul(queries, block.T, out=product) for _ in range(times)], _whole(arguments, block))


def _whole(arguments: argparse.Namespace, block: Sized) -> argparse.Namespace:
    """Return the arguments with the number of rows rounded to whole blocks."""
    return argparse.Namespace(**{**vars(arguments), "rows": round(arguments.rows / len(block)) * len(block)})


def _warm_torch() -> None:
    import torch

    torch.mm(torch.ones(512, 512), torch.ones(512, 512))


def faiss_in_memory(arguments: argparse.Namespace) -> dict[str, float]:
    queries, index = _faiss_index(arguments)
    return _timed(lambda: index.search(queries, arguments.k), arguments)


def one_query_at_a_time(arguments: argparse.Namespace) -> dict[str, float]:
    """Search like RAG-Instruct's code."""
    queries, index = _faiss_index(arguments)
    return _timed(lambda: [index.search(query[None], arguments.k) for query in queries[:ALONE]], arguments, ALONE)


def _faiss_index(arguments: argparse.Namespace):  # type: ignore[no-untyped-def]  # faiss has no types
    import faiss

    queries, shard = _inputs(arguments)
    index, vectors = faiss.IndexFlatIP(DIMENSION), np.load(shard, mmap_mode="r")
    for start in range(0, len(vectors), BLOCK):
        index.add(vectors[start : start + BLOCK].astype(np.float32))
    index.search(queries[:1], 1)
    return queries, index


WAYS = {
    "ours": ours,
    "sgemm_torch": sgemm_torch,
    "sgemm_numpy": sgemm_numpy,
    "faiss_in_memory": faiss_in_memory,
    "faiss_with_best_kernels": faiss_in_memory,
    "one_query_at_a_time": one_query_at_a_time,
}


def _report(results: list[dict[str, dict[str, float]]], arguments: argparse.Namespace) -> None:
    median = {way: statistics.median(result[way]["gflops"] for result in results) for way in WAYS}
    print(f"{machine()}; {arguments.rows:,} x {DIMENSION} float16, {arguments.queries:,} queries, k = {arguments.k}")
    print(f"median of {arguments.rounds} rounds\n")
    print("| way | GFLOP/s | lowest to highest | peak memory, MB |\n|---|---:|---:|---:|")
    for way in WAYS:
        rates = [result[way]["gflops"] for result in results]
        peak = max(result[way]["peak_mb"] for result in results)
        print(f"| {way.replace('_', ' ')} | {median[way]:.1f} | {min(rates):.1f} to {max(rates):.1f} | {peak:,.0f} |")
    ratio = {way: median["ours"] / median[way] for way in WAYS}
    print(
        f"\nours: {min(ratio['sgemm_torch'], ratio['sgemm_numpy']):.2f} of sgemm, "
        f"{ratio['faiss_in_memory']:.2f} of faiss in memory, "
        f"{ratio['faiss_with_best_kernels']:.2f} of faiss with its best kernels, "
        f"{ratio['one_query_at_a_time']:.0f} times one query at a time"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_313_457)
    parser.add_argument("--queries", type=int, default=1024)
    parser.add_argument("--k", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=None, help="where the vectors lie meanwhile")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    main(parser.parse_args())
