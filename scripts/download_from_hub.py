"""Download files of a data set from the Hugging Face hub.

python -m scripts.download_from_hub tatsu-lab/alpaca --files 'data/*.parquet' --output downloads/alpaca/files.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import download_from_hub


def main(arguments: argparse.Namespace) -> None:
    download_from_hub(arguments.hub, arguments.revision, arguments.files, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("hub", help="the data set's id")
    parser.add_argument("--revision", default="main")
    parser.add_argument("--files", nargs="+", required=True, help="names or patterns")
    parser.add_argument("--output", type=Path, required=True, help="list of the files, which lie beside it")
    cli.run(main, parser.parse_args())
