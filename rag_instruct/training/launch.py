"""The command that starts a recipe's processes: accelerate's, on each of the recipe's machines."""

import shlex

from rag_instruct.training.recipe import Recipe

# The workers save a checkpoint when they are told to stop. A launcher of one process would end at once and leave its
# worker alone, so it does not listen; one of several hands the signal on, and by itself would kill them after 30 s.
LET_WORKERS_STOP = (
    "trap '' TERM USR1 INT;"
    " export PET_SIGNALS_TO_HANDLE=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1 TORCH_ELASTIC_SHUTDOWN_TIMEOUT=3600"
)

# A process that sees several GPUs is no process of one GPU: the trainer would spread each batch over them. The first of
# those that it was given.
ONE_GPU = "CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-0}; export CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES%%,*}; "

# One launcher a machine, by SLURM, which tells each its number; the first machine is where they meet.
ON_SEVERAL = (
    "srun --overlap --nodes={machines} --ntasks={machines} --ntasks-per-node=1 {gpus}--kill-on-bad-exit=1"
    " bash -c {launcher}"
)
MEETING = (
    '--machine_rank "$SLURM_PROCID" --main_process_ip "$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"'
    " --main_process_port $((20000 + SLURM_JOB_ID % 20000))"  # two jobs may share a machine
)


def launch_command(recipe: Recipe, module: str, arguments: str) -> str:
    """A shell's command line that runs `python -m module arguments` in the recipe's processes.

    `arguments` are words of the shell already, quoted where need be.
    """
    # As many threads as the recipe says, whatever else runs: another number can round otherwise. Passive ones,
    # because threads that spin while they wait take half of the speed where another process is busy.
    threads = max(1, recipe.threads * recipe.machines // recipe.processes)
    prepare = f"{LET_WORKERS_STOP} OMP_NUM_THREADS={threads} OMP_WAIT_POLICY=PASSIVE; "
    if recipe.processes == recipe.gpus == 1:
        prepare += ONE_GPU
    launcher = " ".join(["exec accelerate launch --quiet", *_flags(recipe)])
    if recipe.machines == 1:
        return f"{prepare}{launcher} -m {module} {arguments}"
    whole = f"{prepare}{launcher} {MEETING} -m {module} {arguments}"
    # Not told, SLURM 22.05 gave a machine's launcher one GPU of the two that the job had there.
    gpus = f"--gpus-per-node={recipe.gpus} " if recipe.gpus else ""
    return prepare + ON_SEVERAL.format(machines=recipe.machines, gpus=gpus, launcher=shlex.quote(whole))


def _flags(recipe: Recipe) -> list[str]:
    said = [f"--num_machines {recipe.machines}", f"--num_processes {recipe.processes}"]
    said += ["--mixed_precision no", "--dynamo_backend no"]  # the trainer sets the precision itself
    if recipe.zero:
        several = ["--deepspeed_multinode_launcher standard"] if recipe.machines > 1 else []
        return ["--use_deepspeed", *several, *said]
    if recipe.processes > 1:
        return ["--multi_gpu", *said]
    return said if recipe.gpus else ["--cpu", *said]
