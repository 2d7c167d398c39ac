"""Put an evaluation together: scores with intervals, gains with paired tests, disagreements, published rows beside.

    python -m scripts.tabulate --scores evaluation/*/*/*.scores.jsonl --outputs evaluation/*/*/*.outputs.jsonl \\
        --questions benchmarks/popqa/questions.jsonl --retrieval evaluation/popqa/retrieval.json --described '{...}' \\
        --published resources/published_scores.yaml \\
        --json evaluation.json --markdown evaluation.md --csv evaluation.csv --disagreements disagreements.jsonl
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.results import Evaluation
from rag_instruct.evaluation.summary import Answers, published, summary
from rag_instruct.evaluation.tables import every_score, page
from rag_instruct.files import read_json, whole, write_json, write_jsonl


def main(arguments: argparse.Namespace) -> None:
    described = json.loads(arguments.described)
    evaluation = Evaluation(arguments.scores, described)
    answers = Answers(arguments.outputs, arguments.questions)
    disagreements = [answers.joined(disputed) for disputed in evaluation.disputed()]
    retrieval = {path.parent.name: read_json(path) for path in arguments.retrieval}
    others = published(arguments.published, described["benchmarks"])
    made = summary(evaluation, described, retrieval, disagreements, others)
    write_jsonl(arguments.disagreements, disagreements)
    write_json(arguments.json, made)
    comma_separated = every_score(made).to_csv(index=False, lineterminator="\n")
    for path, text in ((arguments.markdown, page(made)), (arguments.csv, comma_separated)):
        with whole(path) as temporary:
            temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="<benchmark>/<given>/<model>.scores.jsonl"
    )
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="of the same places")
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="<benchmark>/questions.jsonl")
    parser.add_argument("--retrieval", type=Path, nargs="*", required=True, help="<benchmark>/retrieval.json")
    parser.add_argument("--described", required=True, help="JSON: data set, models, benchmarks, how it was asked")
    parser.add_argument("--published", type=Path, required=True, help="scores that others published")
    for name in ("json", "markdown", "csv", "disagreements"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    cli.run(main, parser.parse_args())
