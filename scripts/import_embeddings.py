"""Convert one file of published embeddings to float16 in .npy, checked against the corpus.

    python -m scripts.import_embeddings wikipedia_embeddings.tar --shard 3 --shards 16 --passages passages.arrow \\
        --output shard_03.npy --info shard_03.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.published import import_shard


def main(arguments: argparse.Namespace) -> None:
    import_shard(
        arguments.source, f"passages_{arguments.shard:02d}", (arguments.shard, arguments.shards), arguments.passages,
        arguments.output, arguments.info,
    )  # fmt: skip


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("source", type=Path, help="a tar, or a folder, with the files passages_00, passages_01, ...")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--info", type=Path, required=True)
    cli.run(main, parser.parse_args())
