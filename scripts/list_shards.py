"""Check that the shards' embeddings cover every passage in order, and write where each shard begins.

python -m scripts.list_shards shard_00.json shard_01.json --corpus passages.json --output shards.json

Args:
    infos: .json files of scripts.embed or scripts.import_embeddings, in the order of the shards
    corpus: the corpus's number of passages and sha256, .json of scripts.import_passages
    output: output, .json
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.vectors import list_shards


def main(infos: list[Path], *, corpus: Path, output: Path) -> None:
    list_shards(infos, corpus, output)


if __name__ == "__main__":
    cli.run(main)
