"""Copy the vectors of first documents from the corpus's vectors, as queries of a second search.

    python -m scripts.copy_vectors first.jsonl --vectors shard_00.npy shard_01.npy --shards shards.json \\
        --output queries.npy

Args:
    documents: .jsonl of scripts.choose_first_documents
    vectors: embeddings of the passages, one .npy for each shard
    shards: where each shard begins, .json of scripts.list_shards
    output: output, .npy
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_json
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.linked_documents import copy_vectors
from rag_instruct.schema import FirstDocument


def main(documents: Path, *, vectors: list[Path], shards: Path, output: Path) -> None:
    found = list(read_records(documents, FirstDocument))
    copy_vectors(found, vectors, read_json(shards)["first_rows"], output)


if __name__ == "__main__":
    cli.run(main)
