"""Draw an evaluation as one static page, with plots and outputs to read.

    python -m scripts.draw_page evaluation.json --scores evaluation/*/*/*.scores.jsonl \\
        --outputs evaluation/*/*/*.outputs.jsonl --questions benchmarks/popqa/questions.jsonl \\
        --documents evaluation/popqa/documents.jsonl --template resources/evaluation/page.html --output evaluation.html
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.page import page, samples
from rag_instruct.evaluation.results import Evaluation
from rag_instruct.evaluation.summary import Answers
from rag_instruct.files import read_json, whole


def main(arguments: argparse.Namespace) -> None:
    table = read_json(arguments.table)
    evaluation = Evaluation(arguments.scores, table)
    answers = Answers(arguments.outputs, arguments.questions)
    shown = list(samples(table, evaluation, answers, arguments.documents))
    with whole(arguments.output) as temporary:
        temporary.write_text(page(table, shown, arguments.template), "utf-8")


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("table", type=Path, help="what scripts.tabulate made")
    parser.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="<benchmark>/<given>/<model>.scores.jsonl"
    )
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="of the same places")
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="<benchmark>/questions.jsonl")
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="<benchmark>/documents.jsonl")
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
