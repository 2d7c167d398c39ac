"""Read an instruction set in its original schema: the first human turn of each record.

python -m scripts.load_exemplars alpaca.json --name alpaca --schema alpaca --license CC-BY-NC-4.0 --output alpaca.jsonl
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars import SCHEMAS, load
from rag_instruct.files import write_jsonl


def main(arguments: argparse.Namespace) -> None:
    source = arguments.source
    listed = source.name == "files.json"  # what download_exemplars leaves
    paths = [source.parent / name for name in json.loads(source.read_text("utf-8"))["files"]] if listed else [source]
    write_jsonl(arguments.output, load(paths, arguments.name, arguments.schema, arguments.license))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("source", type=Path, help=".json, .jsonl, .parquet, or the files.json of a download")
    parser.add_argument("--name", required=True, help="the set's name, which its exemplars' ids begin with")
    parser.add_argument("--schema", choices=sorted(SCHEMAS), required=True)
    parser.add_argument("--license", required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
