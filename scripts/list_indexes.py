"""Record that a corpus's index is complete, with the recall of each shard.

python -m scripts.list_indexes shard_00.faiss.json shard_01.faiss.json --output index.json

Args:
    infos: .json files of scripts.build_index, in the order of the shards
    output: output, .json
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_json, write_json
from rag_instruct.logs import logger


def main(infos: list[Path], *, output: Path) -> None:
    shards = [read_json(info) for info in infos]
    logger.info("lowest recall of a shard: %.3f", min(shard["recall"] for shard in shards))
    write_json(output, {"shards": shards})


if __name__ == "__main__":
    cli.run(main)
