"""Draw a training's loss curves."""

from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.figures import new_figure, save_svg


def draw_losses(log: list[dict[str, Any]], title: str, path: Path) -> None:
    """Write the training and validation loss over the steps to `path` as an SVG.

    `log` is the trainer's log. Raises UserError if the log has no loss.
    """
    trained = [(line["step"], line["loss"]) for line in log if "loss" in line]
    validated = list({line["step"]: line["eval_loss"] for line in log if "eval_loss" in line}.items())
    if not trained:
        raise UserError(f"{title}: training_log.jsonl contains no loss, so there is nothing to draw")
    figure = new_figure((7, 4))
    axes = figure.add_subplot()
    axes.plot(*zip(*trained, strict=True), color="#9db8d9", linewidth=1, label="training, each step")
    if validated:
        axes.plot(*zip(*validated, strict=True), color="#c0392b", marker="o", markersize=4, label="validation")
    axes.set(xlabel="step", ylabel="loss per answer token (nats)", title=title)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    save_svg(figure, path)
