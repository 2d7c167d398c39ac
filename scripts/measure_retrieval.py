"""Say how good a benchmark's documents are: recall of gold passages, and how often an answer is in them.

python -m scripts.measure_retrieval questions.jsonl --documents documents.jsonl --output retrieval.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.retrieval_quality import quality
from rag_instruct.files import read_jsonl, write_json


def main(arguments: argparse.Namespace) -> None:
    questions = list(read_questions(arguments.questions))
    write_json(arguments.output, quality(questions, read_jsonl(arguments.documents)))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
