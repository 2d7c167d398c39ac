"""Draw a training's loss curves.

python -m scripts.draw_training results/rag_instruct_demo/models/smollm2_135m --output losses.svg

Args:
    model: folder of a trained model
    output: output, .svg
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_json, read_jsonl
from rag_instruct.training.loss_curve import draw_losses
from rag_instruct.training.model_card import LOG, SUMMARY


def main(model: Path, *, output: Path) -> None:
    data = read_json(model / SUMMARY)["data_set"]["name"]
    draw_losses(list(read_jsonl(model / LOG)), f"{model.name} on {data}", output)


if __name__ == "__main__":
    cli.run(main)
