"""Check that a recipe fits the machine, the started processes and the installed packages."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.settings.explain import validated
from rag_instruct.training.checkpoints import numbered_checkpoints
from rag_instruct.training.estimate import GB, Model, disk
from rag_instruct.training.recipe import Recipe

GPU_REQUIREMENTS = ("liger_kernel", "torchao")  # in requirements-gpu.txt


def refuse_wrong_machine(recipe: Recipe) -> None:
    """Raise UserError if GPUs are missing, or if the number of visible GPUs or started processes is wrong."""
    found = torch.cuda.device_count()
    if found < recipe.gpus:
        raise UserError(
            f"the recipe needs {recipe.gpus} GPUs per machine, but this machine has {found}: use a machine with "
            "enough GPUs, or choose a recipe for fewer GPUs (resources/recipes/)"
        )
    if recipe.processes == recipe.gpus == 1 and found > 1:
        raise UserError(
            f"the recipe is for one GPU, but {found} are visible: set CUDA_VISIBLE_DEVICES=0, as the Snakemake rule "
            "does"
        )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != recipe.processes:
        raise UserError(
            f"the recipe is for {recipe.processes} processes, but {started} were started: "
            f"start the training with accelerate launch --num_processes {recipe.processes}, as the Snakemake rule does"
        )


def refuse_missing_packages(recipe: Recipe) -> None:
    """Raise UserError if the recipe needs an optional package that is not installed."""
    wanted = {
        "liger_kernel": recipe.liger,
        "flash_attn": recipe.attention == "flash_attention_2",
        "flash_attn_interface": recipe.attention == "flash_attention_3",
        "torchao": recipe.optimizer == "adamw_8bit",
        "wandb": recipe.report_to == "wandb",
        "trackio": recipe.report_to == "trackio",
    }
    for package, needed in wanted.items():
        if needed and find_spec(package) is None:
            command = " with pip install -r requirements-gpu.txt" if package in GPU_REQUIREMENTS else ""
            raise UserError(
                f"the recipe needs the package {package}, which is not installed: install it{command}, or change the "
                "recipe"
            )


def warn_of_a_small_disk(recipe: Recipe, checkpoints: Path) -> None:
    """Warn if checkpoints and model need more disk space than is free.

    If checkpoints exist, we do not check, because their space is already in use.
    """
    if numbered_checkpoints(checkpoints):
        return
    place = next(path for path in (checkpoints.resolve(), *checkpoints.resolve().parents) if path.exists())
    free, needed = shutil.disk_usage(place).free / GB, disk(Model.of(recipe.model, recipe.revision), recipe)
    if free < needed:
        logger.warning(
            "%s: the checkpoints and the model need about %.1f GB, but %.1f GB are free: make room, or lower "
            "checkpoints_kept in the recipe",
            checkpoints,
            needed,
            free,
        )


def recipe_of_flags(recipe: Recipe | None, given: dict[str, Any]) -> Recipe:
    """Return the recipe, with the values of the flags that the user gives.

    Without a recipe, processes, machines, gpus and zero come from the launcher's environment, and all other keys have
    their defaults. Raises UserError if values contradict each other.
    """
    return validated(Recipe, {**(recipe.given() if recipe else _started()), **given}, "the recipe with these flags")


def _started() -> dict[str, Any]:
    """Return the keys of a recipe that the launcher's environment variables determine."""
    processes, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    started = {
        "processes": processes,
        "machines": processes // local,
        "gpus": local if torch.cuda.is_available() else 0,
    }
    zero = os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") if "ACCELERATE_USE_DEEPSPEED" in os.environ else None
    return {**started, "zero": int(zero)} if zero else started
