"""Score a model's outputs, by the field's rules and by the original's.

python -m scripts.score outputs.jsonl --schema popqa --questions questions.jsonl --output scores.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import benchmark, read_questions
from rag_instruct.evaluation.scored import scored
from rag_instruct.files import read_jsonl, write_jsonl


def main(arguments: argparse.Namespace) -> None:
    questions = list(read_questions(arguments.questions))
    write_jsonl(arguments.output, scored(questions, read_jsonl(arguments.outputs), benchmark(arguments.schema)))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("--schema", required=True, help="a file of rag_instruct/benchmarks/, whose rules are used")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
