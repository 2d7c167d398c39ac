# Functions for rules/training.smk: they look up files and settings by wildcards.

from rag_instruct.training.launch import launch_command
from rag_instruct.training.recipe import load_recipe


def recipe(wildcards):
    with readable_errors():
        return load_recipe(ROOT / f"resources/recipes/{wildcards.model}.yaml")


def slurm_options(wildcards):
    """Return sbatch's options: a signal 300 s before the end, to save a checkpoint, and the GPUs per machine."""
    gpus = recipe(wildcards).gpus
    return shlex.join(["--signal=USR1@300", *([f"--gpus-per-node={gpus}"] if gpus else [])])


def launch(wildcards, input, output):
    """Return the whole command of a training, because the launcher passes it to several machines."""
    place = f"results/{wildcards.dataset}/checkpoints/{wildcards.model}"
    log = f"results/logs/train/{wildcards.dataset}_{wildcards.model}.log"
    arguments = [input.dataset, "--recipe", input.recipe, "--checkpoints", place, "--output", str(output), "--log", log]
    # The training uses the same split as the card and the hub's files. It does not train on validation rows.
    arguments += [
        "--validation",
        str(setting("validation")(wildcards)),
        "--split-seed",
        str(setting("seed")(wildcards)),
        "--language",
        setting("language")(wildcards),
    ]
    return launch_command(recipe(wildcards), "scripts.train", shlex.join(arguments))
