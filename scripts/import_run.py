"""Convert another retriever's results to the format of our search.

    python -m scripts.import_run bm25.trec --queries exemplars.jsonl --passages passages.arrow --depth 10 \\
        --output run.parquet --trec run.trec

Args:
    source: retrieval run in TREC's format, or records of hits, or .json of scores by query and passage
    queries: the queries with their ids, .jsonl
    passages: corpus, .arrow
    depth: number of passages to take for each query
    deeper: take this many if the run has them for every query
    output: output, .parquet
    trec: output: the imported part of the run in TREC's format
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.foreign_runs import import_run
from rag_instruct.retrieval.queries import read_queries


def main(source: Path, *, queries: Path, passages: Path, depth: int, deeper: int = 0, output: Path, trec: Path) -> None:
    import_run(source, depth, read_queries(queries)[0], passages, output, trec, deeper)


if __name__ == "__main__":
    cli.run(main)
