"""Merge the hits of all shards into one run.

python -m scripts.merge_search shard_*.npz --passages passages.arrow --depth 250 --output run.parquet
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.search import merge


def main(arguments: argparse.Namespace) -> None:
    merge(arguments.shards, arguments.depth, arguments.passages, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("shards", type=Path, nargs="+")
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
