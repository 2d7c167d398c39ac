"""Take a run in TREC's format for the search's own.

    python -m scripts.import_run bm25.trec --queries exemplars.jsonl --passages passages.arrow --depth 10 \\
        --output run.parquet --trec run.trec

Args:
    queries: the queries' rows, with their ids
    trec: the run as it is used
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.runs import import_trec


def main(source: Path, *, queries: Path, passages: Path, depth: int, output: Path, trec: Path) -> None:
    import_trec(source, depth, read_queries(queries)[0], passages, output, trec)


if __name__ == "__main__":
    cli.run(main)
