"""Check a corpus file and make it a random-access Arrow file.

python -m scripts.import_passages resources/demo/passages.tsv --output passages.arrow --info passages.json
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.importing import import_passages


def main(arguments: argparse.Namespace) -> None:
    columns = json.loads(arguments.columns)
    import_passages(arguments.source, columns, arguments.words, arguments.output, arguments.info)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("source", type=Path, help=".tsv, .tsv.gz, .jsonl or .parquet, or a folder of .txt and .md")
    parser.add_argument("--columns", default="{}", help="JSON: the file's names for id, text and title")
    parser.add_argument("--words", type=int, default=0, help="cut documents into passages of so many words")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--info", type=Path, required=True)
    cli.run(main, parser.parse_args())
