"""Fine-tune a recipe's model on a data set, alone or under `accelerate launch`. A rerun resumes.

    accelerate launch --num_processes 8 -m scripts.train results/rag_instruct_40k.jsonl \\
        --recipe resources/recipes/llama_3_1_8b.yaml --checkpoints results/rag_instruct_40k/checkpoints/llama_3_1_8b \\
        --output results/rag_instruct_40k/models/llama_3_1_8b

Most flags of RAG-Instruct's training script work too. They replace a recipe, or change some of its values:

    accelerate launch --config_file sft.yaml -m scripts.train --experiment_name rag --output_dir ckpts \\
        --model_path meta-llama/Llama-3.1-8B --data_path rag_instruct.json --n_epochs 3 --gradient_checkpointing

Args:
    data: .jsonl, .json or .parquet with question, answer and documents
    recipe: file of resources/recipes/
    checkpoints: folder of the checkpoints; a rerun resumes from the last one
    output: output folder of the model
    validation: share of held-out rows, if the data set has its own split; default: the recipe's
    split_seed: seed of the data set's split; default: the recipe's
    tensorboard: folder of the loss curves; default: tensorboard/ in the folder of checkpoints
    language: the data set's language, such as en, for the model's card
"""

import hashlib
from pathlib import Path
from typing import Annotated, NamedTuple

from rag_instruct import cli
from rag_instruct.errors import ArgumentError
from rag_instruct.logs import copy_to, logger
from rag_instruct.models.loading import check_model, load_config, load_tokenizer, refuse_unknown_tokens
from rag_instruct.training.callbacks import end_when_told
from rag_instruct.training.machine import (
    recipe_of_flags,
    refuse_missing_packages,
    refuse_wrong_machine,
    warn_of_a_small_disk,
)
from rag_instruct.training.recipe import Recipe, load_recipe
from rag_instruct.training.rows import Renderer, examples, read_rows
from rag_instruct.training.trainer import Origin, refuse_foreign, train

FLAGS = {  # RAG-Instruct's flag: the recipe's key
    "model_path": "model",
    "max_ckpts": "checkpoints_kept",
    "max_seq_len": "max_length",
    "gradient_accumulation_steps": "accumulation",
    "n_epochs": "epochs",
    "warmup_rates": "warmup",
    "train_bsz_per_gpu": "batch",
    "eval_bsz_per_gpu": "validation_batch",
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
    "seed": "seed",
}


class Published(NamedTuple):
    """Most flags of RAG-Instruct's training script.

    Args:
        experiment_name: name of the folders in --output_dir and --log_dir
        gradient_checkpointing: a recipe's `checkpointing`
        data_path: data set, as DATA
        output_dir: folder for <experiment_name>/model and <experiment_name>/checkpoints
        log_dir: folder for <experiment_name>.log and the loss curves
        model_path: a recipe's `model`
        max_ckpts: a recipe's `checkpoints_kept`
        max_seq_len: a recipe's `max_length`
        gradient_accumulation_steps: a recipe's `accumulation`
        n_epochs: a recipe's `epochs`
        warmup_rates: a recipe's `warmup`
        train_bsz_per_gpu: a recipe's `batch`
        eval_bsz_per_gpu: a recipe's `validation_batch`
        learning_rate: a recipe's `learning_rate`
        weight_decay: a recipe's `weight_decay`
        seed: a recipe's `seed`
    """

    experiment_name: str = "rag_instruct"
    gradient_checkpointing: bool = False
    data_path: Path | None = None
    output_dir: Path | None = None
    log_dir: Path | None = None
    model_path: str | None = None
    max_ckpts: int | None = None
    max_seq_len: int | None = None
    gradient_accumulation_steps: int | None = None
    n_epochs: float | None = None
    warmup_rates: float | None = None
    train_bsz_per_gpu: int | None = None
    eval_bsz_per_gpu: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    seed: int | None = None


def main(
    data: Path | None = None,
    *,
    recipe: Path | None = None,
    checkpoints: Path | None = None,
    output: Path | None = None,
    validation: float | None = None,
    split_seed: str | None = None,
    tensorboard: Path | None = None,
    language: str = "",
    published: Annotated[Published, cli.Flat] = Published(),  # noqa: B008 - it cannot be changed
) -> None:
    data = data or published.data_path
    if published.output_dir:
        place = published.output_dir / published.experiment_name
        output, checkpoints = output or place / "model", checkpoints or place / "checkpoints"
    if published.log_dir:
        tensorboard = published.log_dir / published.experiment_name
        copy_to(published.log_dir / f"{published.experiment_name}.log")
    if not (data and output and checkpoints and (recipe or published.model_path)):
        wanted: dict[str, object] = {"a data set": data, "--output": output, "--checkpoints": checkpoints}
        wanted["--recipe or --model_path"] = recipe or published.model_path
        raise ArgumentError(f"missing: {', '.join(name for name, value in wanted.items() if not value)}")
    end_when_told()
    made_by = recipe_of(recipe, published)
    split = (validation, split_seed) if validation else (made_by.validation, None)
    trained(data, made_by, split, checkpoints, output, tensorboard or checkpoints / "tensorboard", language)


def recipe_of(path: Path | None, published: Published) -> Recipe:
    """Return the recipe in the file `path`, or the default recipe, with the values of the flags."""
    flags = published._asdict()
    given = {key: flags[flag] for flag, key in FLAGS.items() if flags[flag] is not None}
    if path is None or published.gradient_checkpointing:
        given["checkpointing"] = published.gradient_checkpointing
    return recipe_of_flags(load_recipe(path) if path else None, given)


def trained(
    data: Path, recipe: Recipe, split: tuple[float, str | None], checkpoints: Path, output: Path, tensorboard: Path,
    language: str,
) -> None:  # fmt: skip
    """Check machine, packages, folders, model and data, then train.

    `split` is the share of held-out rows, and their seed.
    """
    refuse_wrong_machine(recipe)
    refuse_missing_packages(recipe)
    refuse_foreign(output)
    renderer = Renderer(load_tokenizer(recipe.model, recipe.revision), recipe.max_length, str(recipe.seed))
    check_model(recipe.model, renderer.tokenizer, recipe.max_length, recipe.revision)
    warn_of_a_small_disk(recipe, checkpoints)
    share, seed = split
    made = examples(read_rows(data), renderer, share, seed=seed)
    known = load_config(recipe.model, recipe.revision).get_text_config().vocab_size
    ids = (token for example in (*made.train, *made.validation) for token in example.input_ids)
    refuse_unknown_tokens(recipe.model, known, ids, renderer.tokenizer)
    logger.info("%s", {name: value for name, value in made.counts.items() if not name.endswith("_ids")})
    with data.open("rb") as file:
        origin = Origin(data.stem, hashlib.file_digest(file, "sha256").hexdigest(), language)
    train(made, recipe, renderer.tokenizer, checkpoints, output, origin, tensorboard)


if __name__ == "__main__":
    cli.run(main)
