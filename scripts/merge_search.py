"""Merge the hits of all shards into one run.

    python -m scripts.merge_search shard_*.npy --queries exemplars.jsonl --passages passages.arrow --depth 250 \\
        --output run.parquet --trec run.trec

Args:
    shards: .npy files of scripts.search_shard
    queries: the queries with their ids, .jsonl
    passages: corpus, .arrow
    depth: passages for each query
    or_all: if the corpus has fewer passages than `depth`, take all
    output: output, .parquet
    trec: output: the same run in TREC's format
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.runs import merge


def main(
    shards: list[Path], *, queries: Path, passages: Path, depth: int, or_all: bool = False, output: Path, trec: Path
) -> None:
    depth = min(depth, len(PassageStore(passages))) if or_all else depth
    merge(shards, depth, read_queries(queries)[0], passages, output, trec)


if __name__ == "__main__":
    cli.run(main)
