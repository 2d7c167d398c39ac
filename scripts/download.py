"""Download one file: resumed after a break, retried, checked by size and sha256.

python -m scripts.download https://host/psgs_w100.tsv.gz --sha256 c39b... --output downloads/psgs_w100.tsv.gz
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import download


def main(arguments: argparse.Namespace) -> None:
    download(arguments.url, arguments.output, arguments.size, arguments.sha256)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("url")
    parser.add_argument("--size", type=int, help="bytes")
    parser.add_argument("--sha256")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
