"""Export an evaluation to lm-evaluation-harness's files: results_*.json and samples_*.jsonl for each model.

python -m scripts.export_lm_eval results/rag_instruct_demo/evaluation.json --to results/rag_instruct_demo/lm_eval

Args:
    table: results/<dataset>/evaluation.json
    to: output folder
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.lm_eval_format import export
from rag_instruct.evaluation.results import Evaluation
from rag_instruct.files import read_json
from rag_instruct.logs import logger


def main(table: Path, *, to: Path) -> None:
    made = read_json(table)
    cells = [(result["benchmark"], result["given"], result["model"]) for result in made["results"]]
    scores = [table.parent / "evaluation" / name / given / f"{model}.scores.jsonl" for name, given, model in cells]
    for folder in export(made, Evaluation(scores, made), table.parent.parent, to):
        logger.info("%s", folder)


if __name__ == "__main__":
    cli.run(main)
