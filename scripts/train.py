"""Fine-tune a recipe's model on a data set, under `accelerate launch` or alone. A rerun goes on where it stopped.

    accelerate launch --num_processes 8 -m scripts.train results/rag_instruct_40k.jsonl \\
        --recipe resources/recipes/llama_3_1_8b.yaml --checkpoints results/rag_instruct_40k/checkpoints/llama_3_1_8b \\
        --output results/rag_instruct_40k/models/llama_3_1_8b

RAG-Instruct's own flags are taken too, in place of a recipe or to change one:

    accelerate launch --config_file sft.yaml -m scripts.train --experiment_name rag --output_dir ckpts \\
        --model_path meta-llama/Llama-3.1-8B --data_path rag_instruct.json --n_epochs 3 --gradient_checkpointing
"""

import argparse
import hashlib
from pathlib import Path

from rag_instruct import cli
from rag_instruct.logs import logger
from rag_instruct.models.loading import check_model, load_tokenizer
from rag_instruct.training.callbacks import end_when_told
from rag_instruct.training.machine import recipe_of_flags, refuse_missing_packages, refuse_wrong_machine
from rag_instruct.training.recipe import load_recipe
from rag_instruct.training.rows import Renderer, examples, read_rows
from rag_instruct.training.trainer import Origin, train

FLAGS = {  # RAG-Instruct's name of a recipe's key
    "model_path": "model",
    "max_ckpts": "checkpoints_kept",
    "max_seq_len": "max_length",
    "gradient_accumulation_steps": "accumulation",
    "n_epochs": "epochs",
    "warmup_rates": "warmup",
    "train_bsz_per_gpu": "batch",
    "eval_bsz_per_gpu": "validation_batch",
    "learning_rate": "learning_rate",
}


def main(arguments: argparse.Namespace) -> None:
    end_when_told()
    given = {key: getattr(arguments, flag) for flag, key in FLAGS.items() if getattr(arguments, flag) is not None}
    if arguments.recipe is None or arguments.gradient_checkpointing:
        given["checkpointing"] = arguments.gradient_checkpointing
    recipe = recipe_of_flags(arguments.recipe and load_recipe(arguments.recipe), given)
    refuse_wrong_machine(recipe)
    refuse_missing_packages(recipe)
    renderer = Renderer(load_tokenizer(recipe.model, recipe.revision), recipe.max_length, str(recipe.seed))
    check_model(recipe.model, renderer.tokenizer, recipe.max_length, recipe.revision)
    share, seed = (arguments.validation, arguments.split_seed) if arguments.validation else (recipe.validation, None)
    made = examples(read_rows(arguments.data), renderer, share, seed=seed)
    logger.info("%s", {name: value for name, value in made.counts.items() if not name.endswith("_ids")})
    with arguments.data.open("rb") as file:
        origin = Origin(arguments.data.stem, hashlib.file_digest(file, "sha256").hexdigest())
    train(made, recipe, renderer.tokenizer, arguments.checkpoints, arguments.output, origin, arguments.tensorboard)


def complete(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> argparse.Namespace:
    """RAG-Instruct's names of paths are turned into ours, and what is missing is named."""
    arguments.data = arguments.data or arguments.data_path
    if arguments.output_dir:
        place = arguments.output_dir / arguments.experiment_name
        arguments.output = arguments.output or place / "model"
        arguments.checkpoints = arguments.checkpoints or place / "checkpoints"
    if arguments.log_dir:
        arguments.tensorboard = arguments.log_dir / arguments.experiment_name
        arguments.log = arguments.log or arguments.log_dir / f"{arguments.experiment_name}.log"
    wanted = {"a data set": arguments.data, "--output": arguments.output, "--checkpoints": arguments.checkpoints}
    wanted["--recipe or --model_path"] = arguments.recipe or arguments.model_path
    if missing := [name for name, value in wanted.items() if not value]:
        parser.error(f"{', '.join(missing)} missing")
    arguments.tensorboard = arguments.tensorboard or arguments.checkpoints / "tensorboard"
    return arguments


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument(
        "data", type=Path, nargs="?", help=".jsonl, .json or .parquet of question, answer and documents"
    )
    parser.add_argument("--recipe", type=Path, help="a file of resources/recipes/")
    parser.add_argument("--checkpoints", type=Path, help="folder; a rerun goes on from its last")
    parser.add_argument("--output", type=Path, help="folder of the model")
    parser.add_argument("--validation", type=float, help="share of the rows, of a data set with a split of its own")
    parser.add_argument("--split-seed", help="of that split; without them, the recipe decides")
    parser.add_argument("--tensorboard", type=Path, help="folder; left out, that of the checkpoints")
    seed = parser.add_argument_group("RAG-Instruct's flags")
    seed.add_argument("--experiment_name", default="rag_instruct")
    seed.add_argument("--gradient_checkpointing", action="store_true")
    for flag in ("data_path", "output_dir", "log_dir"):
        seed.add_argument(f"--{flag}", type=Path)
    kinds = {"model_path": str, "n_epochs": float, "warmup_rates": float, "learning_rate": float}
    for flag in FLAGS:
        seed.add_argument(f"--{flag}", type=kinds.get(flag, int), help=f"a recipe's `{FLAGS[flag]}`")
    cli.run(main, complete(parser.parse_args(), parser))
