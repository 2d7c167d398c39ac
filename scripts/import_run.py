"""Convert retrieval results in TREC's format to the format of our search.

    python -m scripts.import_run bm25.trec --queries exemplars.jsonl --passages passages.arrow --depth 10 \\
        --output run.parquet --trec run.trec

Args:
    source: retrieval run in TREC's format
    queries: the queries with their ids, .jsonl
    passages: corpus, .arrow
    depth: number of passages to take for each query
    or_all: if the corpus has fewer passages than `depth`, take all
    output: output, .parquet
    trec: output: the imported part of the run in TREC's format
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.runs import import_trec


def main(
    source: Path, *, queries: Path, passages: Path, depth: int, or_all: bool = False, output: Path, trec: Path
) -> None:
    depth = min(depth, len(PassageStore(passages))) if or_all else depth
    import_trec(source, depth, read_queries(queries)[0], passages, output, trec)


if __name__ == "__main__":
    cli.run(main)
