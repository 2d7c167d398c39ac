"""Find the best passages of one shard for every query, exactly.

    python -m scripts.search_shard queries.npy --vectors shard_00.npy --shard 0 --shards shards.json \\
        --depth 250 --output shard_00.npy

Args:
    shards: where each shard begins
    depth: passages a query
    later_depth: of the search after the paid stage
"""

import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.search import refuse_depth, search_shard


def main(
    queries: Path, *, vectors: Path, shard: int, shards: Path, depth: int, later_depth: int = 0, output: Path
) -> None:
    listed = json.loads(shards.read_text("utf-8"))
    refuse_depth(max(depth, later_depth), listed["passages"])
    search_shard(queries, vectors, listed["first_rows"][shard], depth, output)


if __name__ == "__main__":
    cli.run(main)
