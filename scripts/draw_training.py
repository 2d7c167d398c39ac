"""Draw a training's losses.

python -m scripts.draw_training results/rag_instruct_demo/models/smollm2_135m --output losses.svg
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_json, read_jsonl
from rag_instruct.training.loss_curve import draw_losses
from rag_instruct.training.model_card import LOG, SUMMARY


def main(arguments: argparse.Namespace) -> None:
    data = read_json(arguments.model / SUMMARY)["data_set"]["name"]
    draw_losses(list(read_jsonl(arguments.model / LOG)), f"{arguments.model.name} on {data}", arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("model", type=Path, help="folder of a trained model")
    parser.add_argument("--output", type=Path, required=True, help=".svg")
    cli.run(main, parser.parse_args())
