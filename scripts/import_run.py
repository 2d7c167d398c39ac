"""Take a run in TREC's format for the search's own.

    python -m scripts.import_run bm25.trec --queries exemplars.jsonl --passages passages.arrow --depth 10 \\
        --output run.parquet --trec run.trec
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl
from rag_instruct.retrieval.runs import import_trec


def main(arguments: argparse.Namespace) -> None:
    query_ids = [row["id"] for row in read_jsonl(arguments.queries)]
    import_trec(arguments.source, arguments.depth, query_ids, arguments.passages, arguments.output, arguments.trec)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--queries", type=Path, required=True, help="the queries' rows, with their ids")
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--trec", type=Path, required=True, help="the run as it is used")
    cli.run(main, parser.parse_args())
