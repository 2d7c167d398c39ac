"""Find the best passages of one shard for every query, exactly.

    python -m scripts.search_shard queries.npy --vectors shard_00.npy --shard 0 --shards shards.json \\
        --depth 250 --output shard_00.npy
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.search import refuse_depth, search_shard


def main(arguments: argparse.Namespace) -> None:
    shards = json.loads(arguments.shards.read_text("utf-8"))
    refuse_depth(max(arguments.depth, arguments.later_depth), shards["passages"])
    first_row = shards["first_rows"][arguments.shard]
    search_shard(arguments.queries, arguments.vectors, first_row, arguments.depth, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=Path, required=True, help="where each shard begins")
    parser.add_argument("--depth", type=int, required=True, help="passages a query")
    parser.add_argument("--later-depth", type=int, default=0, help="of the search after the paid stage")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
