"""Find the best passages of one shard for each query, by exact search.

    python -m scripts.search_shard queries.npy --vectors shard_00.npy --shard 0 --shards shards.json \\
        --depth 250 --output shard_00.npy

Args:
    queries: embeddings of the queries, .npy
    vectors: embeddings of the shard's passages, .npy
    shard: number of the shard, from 0
    shards: where each shard begins, .json of scripts.list_shards
    depth: passages for each query
    deeper: search to this depth if the corpus has that many passages
    later_depth: depth of the search that follows the paid stage; if this depth exceeds the corpus, this command fails
        before you pay
    output: output, .npy
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_json
from rag_instruct.retrieval.depths import refuse_depth, search_depth
from rag_instruct.retrieval.search import search_shard


def main(
    queries: Path,
    *,
    vectors: Path,
    shard: int,
    shards: Path,
    depth: int,
    deeper: int = 0,
    later_depth: int = 0,
    output: Path,
) -> None:
    listed = read_json(shards)
    refuse_depth(max(depth, later_depth), listed["passages"])
    k = search_depth(depth, deeper, listed["passages"])
    search_shard(queries, vectors, listed["first_rows"][shard], k, output)


if __name__ == "__main__":
    cli.run(main)
