"""Fuse the runs of several retrievers by reciprocal ranks.

    python -m scripts.fuse_runs dense.parquet bm25.parquet --queries exemplars.jsonl --passages passages.arrow \\
        --depth 10 --output run.parquet --trec run.trec

Args:
    runs: .parquet files of the same queries
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
from rag_instruct.retrieval.fusion import fuse_runs
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.runs import Run


def main(
    runs: list[Path], *, queries: Path, passages: Path, depth: int, deeper: int = 0, output: Path, trec: Path
) -> None:
    k = search_depth(depth, deeper, len(PassageStore(passages)))
    fuse_runs([Run(run, passages) for run in runs], k, read_queries(queries)[0], output, trec)


if __name__ == "__main__":
    cli.run(main)
