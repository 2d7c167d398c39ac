"""Write the shell command that starts a recipe's processes with accelerate, on one machine or several."""

import shlex

from rag_instruct.training.recipe import Recipe

# Workers save a checkpoint when they get a signal. accelerate would end at once without waiting for them, so `trap ''`
# makes accelerate ignore signals. A single worker gets the signals that go to all processes of the job; callbacks.py
# lets it heed them. For several workers, accelerate calls torch's launcher, which handles the signals in
# PET_SIGNALS_TO_HANDLE and passes them on. By default, the launcher kills the workers 30 s later. A checkpoint may need
# more time, hence the 3600 s.
LET_WORKERS_STOP = (
    "trap '' TERM USR1 INT;"
    " export PET_SIGNALS_TO_HANDLE=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1 TORCH_ELASTIC_SHUTDOWN_TIMEOUT=3600; "
)

# A single process that sees several GPUs would split each batch over them, which TRL refuses. So for a recipe with one
# GPU, we hide all GPUs but the first.
ONE_GPU = "CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-0}; export CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES%%,*}; "

# SLURM starts one launcher on each machine, and gives it a rank. The launchers connect to the first machine.
ON_SEVERAL = (
    "srun --overlap --nodes={machines} --ntasks={machines} --ntasks-per-node=1 {gpus}--kill-on-bad-exit=1"
    " bash -c {launcher}"
)
RENDEZVOUS = (
    '--machine_rank "$SLURM_PROCID" --main_process_ip "$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"'
    " --main_process_port $((20000 + SLURM_JOB_ID % 20000))"  # another job on the machine needs another port
)


def launch_command(recipe: Recipe, module: str, arguments: str) -> str:
    """Return the shell command that runs `python -m module arguments` in the recipe's processes.

    `arguments` are already quoted for the shell.
    """
    # The number of threads always comes from the recipe, because another number can change rounding. Threads wait
    # passively, because spinning threads halve the speed on a CPU that another process uses too.
    threads = max(1, recipe.threads * recipe.machines // recipe.processes)
    prepare = f"{LET_WORKERS_STOP}export OMP_NUM_THREADS={threads} OMP_WAIT_POLICY=PASSIVE; "
    if recipe.processes == recipe.gpus == 1:
        prepare += ONE_GPU
    launcher = " ".join(["exec accelerate launch --quiet", *_flags(recipe)])
    if recipe.machines == 1:
        return f"{prepare}{launcher} -m {module} {arguments}"
    on_each = f"{prepare}{launcher} {RENDEZVOUS} -m {module} {arguments}"
    # Without --gpus-per-node, SLURM 22.05 gave the launcher only one of the job's two GPUs on a machine.
    gpus = f"--gpus-per-node={recipe.gpus} " if recipe.gpus else ""
    # `prepare` comes twice, because the shell of the batch script and the shell of each launcher must ignore signals.
    return prepare + ON_SEVERAL.format(machines=recipe.machines, gpus=gpus, launcher=shlex.quote(on_each))


def _flags(recipe: Recipe) -> list[str]:
    common = [f"--num_machines {recipe.machines}", f"--num_processes {recipe.processes}"]
    common += ["--mixed_precision no", "--dynamo_backend no"]  # the trainer sets the precision itself
    if recipe.zero:
        multinode = ["--deepspeed_multinode_launcher standard"] if recipe.machines > 1 else []
        return ["--use_deepspeed", *multinode, *common]
    if recipe.processes > 1:
        return ["--multi_gpu", *common]
    return common if recipe.gpus else ["--cpu", *common]
