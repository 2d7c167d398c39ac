# Functions of rules/training.smk, from wildcards to files and settings.

from rag_instruct.training.launch import launch_command
from rag_instruct.training.recipe import load_recipe


def recipe(wildcards):
    with readable_errors():
        return load_recipe(ROOT / f"resources/recipes/{wildcards.model}.yaml")


def slurm_options(wildcards):
    """sbatch's, for a training: time to save a checkpoint before the job's own is up, and as many GPUs on each machine."""
    gpus = recipe(wildcards).gpus
    return shlex.join(["--signal=USR1@300", *([f"--gpus-per-node={gpus}"] if gpus else [])])


def launch(wildcards, input, output):
    """The whole command, which several machines get in one piece."""
    place = f"results/{wildcards.dataset}/checkpoints/{wildcards.model}"
    log = f"results/logs/train/{wildcards.dataset}_{wildcards.model}.log"
    arguments = [input.dataset, "--recipe", input.recipe, "--checkpoints", place, "--output", str(output), "--log", log]
    # The split of the card and of the hub's files: what they show for validation is not trained on.
    arguments += [
        "--validation",
        str(setting("validation")(wildcards)),
        "--split-seed",
        str(setting("seed")(wildcards)),
    ]
    return launch_command(recipe(wildcards), "scripts.train", shlex.join(arguments))
