"""Take one file of published embeddings out of their tar.

python -m scripts.unpack_embeddings wikipedia_embeddings.tar --output published/passages_03
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.embeddings import unpack


def main(arguments: argparse.Namespace) -> None:
    unpack(arguments.archive, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="its file name is the member's")
    cli.run(main, parser.parse_args())
