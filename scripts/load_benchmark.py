"""Turn a benchmark's files into questions with answers, as every later stage reads them.

python -m scripts.load_benchmark downloads/benchmarks/popqa/files.json --schema popqa --output questions.jsonl
python -m scripts.load_benchmark my_quiz.jsonl --schema own --where '{"kind": "open"}' --output questions.jsonl
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import write
from rag_instruct.benchmarks.settings import loaded
from rag_instruct.download import listed_files
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    paths = [path / arguments.member for path in listed_files(arguments.source)[0]]
    questions = loaded(arguments.schema, paths + arguments.ids, json.loads(arguments.where))
    logger.info("%s: %d questions", arguments.schema, write(arguments.output, questions))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("source", type=Path, help="a file, or the files.json of a download")
    parser.add_argument("--schema", required=True, help="a file of rag_instruct/benchmarks/, without .py")
    parser.add_argument("--member", default="", help="the file inside a .zip")
    parser.add_argument("--ids", type=Path, nargs="*", default=[], help="a file that names the questions of the test")
    parser.add_argument("--where", default="{}", help="JSON: fields that the records of one's own file must have")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
