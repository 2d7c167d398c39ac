"""Convert one file of published embeddings to float16 in .npy, checked against the corpus.

    python -m scripts.import_embeddings wikipedia_embeddings.tar --shard 3 --shards 16 --passages passages.arrow \\
        --output shard_03.npy --info shard_03.json

Args:
    source: a tar, or a folder, with the files passages_00, passages_01, ...
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.published import import_shard


def main(source: Path, *, shard: int, shards: int, passages: Path, output: Path, info: Path) -> None:
    import_shard(source, f"passages_{shard:02d}", shard, shards, passages, output, info)


if __name__ == "__main__":
    cli.run(main)
