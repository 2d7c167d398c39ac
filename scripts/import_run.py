"""Take a run in TREC's format for the search's own.

    python -m scripts.import_run bm25.trec --queries exemplars.jsonl --passages passages.arrow --depth 10 \\
        --output run.parquet --trec run.trec

Args:
    queries: the queries' rows, with their ids
    trec: the run as it is used
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl
from rag_instruct.retrieval.runs import import_trec


def main(source: Path, *, queries: Path, passages: Path, depth: int, output: Path, trec: Path) -> None:
    query_ids = [row["id"] for row in read_jsonl(queries)]
    import_trec(source, depth, query_ids, passages, output, trec)


if __name__ == "__main__":
    cli.run(main)
