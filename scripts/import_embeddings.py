"""Convert one shard of published embeddings to .npy (float16), and check them against the corpus.

    python -m scripts.import_embeddings wikipedia_embeddings.tar --shard 3 --shards 16 --passages passages.arrow \\
        --output shard_03.npy --info shard_03.json

Args:
    source: .tar or folder with the files passages_00, passages_01, ...
    shard: number of the shard, from 0
    shards: number of all shards
    passages: corpus, .arrow
    output: output, .npy
    info: output, .json: first passage, number of passages, dimension
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.published import import_shard


def main(source: Path, *, shard: int, shards: int, passages: Path, output: Path, info: Path) -> None:
    import_shard(source, f"passages_{shard:02d}", shard, shards, passages, output, info)


if __name__ == "__main__":
    cli.run(main)
