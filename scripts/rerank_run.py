"""Rerank the first passages of a run by a cross-encoder.

    python -m scripts.rerank_run hybrid.parquet --queries exemplars.jsonl --field instruction \\
        --passages passages.arrow --model BAAI/bge-reranker-v2-m3 --first 50 --depth 10 --output run.parquet \\
        --trec run.trec

Args:
    run: retrieval run of the queries, .parquet
    queries: the queries with their ids, .jsonl
    field: name of the queries' field that the model reads
    passages: corpus, .arrow
    depth: passages for each query
    deeper: write this many if the run has them for every query
    output: output, .parquet
    trec: output: the same run in TREC's format
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.retrieval.depths import search_depth
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.reranker import Reranker, RerankerSettings, rerank_run
from rag_instruct.retrieval.runs import Run


def main(
    run: Path,
    *,
    queries: Path,
    field: str,
    passages: Path,
    reranker: Annotated[RerankerSettings, cli.Flat],
    depth: int,
    deeper: int = 0,
    output: Path,
    trec: Path,
) -> None:
    ids, texts = read_queries(queries, field)
    found = Run(run, passages)
    k = search_depth(depth, deeper, min((len(found.ranking(query)) for query in ids), default=depth))
    rerank_run(Reranker(reranker), found, ids, texts, reranker.first, k, output, trec)


if __name__ == "__main__":
    cli.run(main)
