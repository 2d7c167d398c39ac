"""Build faiss's index of one shard, and measure its recall against exact search.

    python -m scripts.build_index shard_00.npy --factory IVF4096,PQ96 --output shard_00.faiss \\
        --info shard_00.faiss.json

Args:
    vectors: embeddings of the shard's passages, .npy
    factory: factory string of faiss
    output: output, .faiss
    info: output, .json: the factory string, the search parameter and the recall
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.approximate import build_index


def main(vectors: Path, *, factory: str, output: Path, info: Path) -> None:
    build_index(vectors, factory, output, info)


if __name__ == "__main__":
    cli.run(main)
