"""List what is searched for a benchmark: its questions that bring no documents of their own, with their options.

python -m scripts.list_queries questions.jsonl --output queries.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.contexts import queries
from rag_instruct.files import write_jsonl


def main(arguments: argparse.Namespace) -> None:
    write_jsonl(arguments.output, queries(read_questions(arguments.questions)))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
