"""Find the best passages of one shard for every query, exactly.

    python -m scripts.search_shard queries.npy --vectors shard_00.npy --info shard_00.json --corpus passages.json \\
        --depth 250 --output shard_00.npz
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.search import refuse_depth, search_shard


def main(arguments: argparse.Namespace) -> None:
    first_row = json.loads(arguments.info.read_text("utf-8"))["first_row"]
    passages = json.loads(arguments.corpus.read_text("utf-8"))["passages"]
    refuse_depth(max(arguments.depth, arguments.later_depth), passages)
    search_shard(arguments.queries, arguments.vectors, first_row, arguments.depth, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--info", type=Path, required=True, help="the shard's place in the corpus")
    parser.add_argument("--corpus", type=Path, required=True, help="the corpus's number of passages")
    parser.add_argument("--depth", type=int, required=True, help="passages a query")
    parser.add_argument("--later-depth", type=int, default=0, help="of the search after the paid stage")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
