"""Export an evaluation to the files of lm-evaluation-harness: results_*.json and samples_*.jsonl, by model.

python -m scripts.export_lm_eval results/rag_instruct_demo/evaluation.json --to results/rag_instruct_demo/lm_eval
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.lm_eval_format import export
from rag_instruct.evaluation.results import Evaluation
from rag_instruct.files import read_json
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    table = read_json(arguments.table)
    place = arguments.table.parent / "evaluation"
    cells = [(result["benchmark"], result["given"], result["model"]) for result in table["results"]]
    scores = [place / name / given / f"{model}.scores.jsonl" for name, given, model in cells]
    for folder in export(table, Evaluation(scores, table), arguments.table.parent.parent, arguments.to):
        logger.info("%s", folder)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("table", type=Path, help="results/<dataset>/evaluation.json")
    parser.add_argument("--to", type=Path, required=True, help="folder")
    cli.run(main, parser.parse_args())
