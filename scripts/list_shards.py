"""Check that the shards' vectors are one for every passage, in order, and write where each shard begins.

python -m scripts.list_shards shard_00.json shard_01.json --corpus passages.json --output shards.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.vectors import list_shards


def main(arguments: argparse.Namespace) -> None:
    list_shards(arguments.infos, arguments.corpus, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("infos", type=Path, nargs="+", help="in the order of the shards")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus's number of passages")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
