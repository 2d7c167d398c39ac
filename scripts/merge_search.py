"""Merge the hits of all shards into one run.

    python -m scripts.merge_search shard_*.npy --queries exemplars.jsonl --passages passages.arrow --depth 250 \\
        --output run.parquet --trec run.trec

Args:
    shards: .npy files of scripts.search_shard or scripts.search_words
    queries: the queries with their ids, .jsonl
    passages: corpus, .arrow
    depth: passages for each query
    deeper: write this many if the corpus has them
    output: output, .parquet
    trec: output: the same run in TREC's format
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.retrieval.depths import search_depth
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.runs import merge


def main(
    shards: list[Path], *, queries: Path, passages: Path, depth: int, deeper: int = 0, output: Path, trec: Path
) -> None:
    k = search_depth(depth, deeper, len(PassageStore(passages)))
    merge(shards, k, read_queries(queries)[0], passages, output, trec)


if __name__ == "__main__":
    cli.run(main)
