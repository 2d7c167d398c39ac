"""Check, before anything is loaded, that a recipe fits the machine, the started processes and the packages."""

import os
from importlib.util import find_spec
from typing import Any

import torch

from rag_instruct.errors import UserError
from rag_instruct.settings.explain import validated
from rag_instruct.training.recipe import Recipe


def refuse_wrong_machine(recipe: Recipe) -> None:
    """Raise UserError if GPUs are missing, or if the number of visible GPUs or started processes is wrong."""
    found = torch.cuda.device_count()
    if found < recipe.gpus:
        raise UserError(
            f"the recipe needs {recipe.gpus} GPUs per machine, but this machine has {found}: run it on a machine with "
            "enough GPUs, or choose a recipe for fewer GPUs (resources/recipes/)"
        )
    if recipe.processes == recipe.gpus == 1 and found > 1:
        raise UserError(
            f"the recipe is for one GPU, but {found} are visible: set CUDA_VISIBLE_DEVICES=0, as the rule does"
        )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != recipe.processes:
        raise UserError(
            f"the recipe is for {recipe.processes} processes, but {started} were started: "
            f"start it with accelerate launch --num_processes {recipe.processes}, as the rule does"
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
            raise UserError(
                f"the recipe needs the package {package}, which is not installed: install it (requirements-gpu.txt has "
                "its version), or change the recipe"
            )


def recipe_of_flags(recipe: Recipe | None, given: dict[str, Any]) -> Recipe:
    """Return the recipe with the flags' values in place of its own.

    Without a recipe, the values that no flag sets are the defaults, for the processes that accelerate started. Raises
    UserError if values contradict each other.
    """
    return validated(Recipe, {**(recipe.given() if recipe else _started()), **given}, "the recipe with these flags")


def _started() -> dict[str, Any]:
    """Return the recipe's keys that the launcher's environment variables determine."""
    processes, here = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    started = {
        "processes": processes,
        "machines": processes // here,
        "gpus": here if torch.cuda.is_available() else 0,
    }
    zero = os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") if "ACCELERATE_USE_DEEPSPEED" in os.environ else None
    return {**started, "zero": int(zero)} if zero else started
