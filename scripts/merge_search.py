"""Merge the hits of all shards into one run.

    python -m scripts.merge_search shard_*.npy --queries exemplars.jsonl --passages passages.arrow --depth 250 \\
        --output run.parquet --trec run.trec
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl
from rag_instruct.retrieval.runs import merge


def main(arguments: argparse.Namespace) -> None:
    query_ids = [row["id"] for row in read_jsonl(arguments.queries)]
    merge(arguments.shards, arguments.depth, query_ids, arguments.passages, arguments.output, arguments.trec)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("shards", type=Path, nargs="+")
    parser.add_argument("--queries", type=Path, required=True, help="the queries' rows, with their ids")
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--trec", type=Path, required=True, help="the same run in TREC's format")
    cli.run(main, parser.parse_args())
