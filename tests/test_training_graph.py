"""Training as a target of the graph: what it asks for, what makes it stale, and that it is tried again when stopped."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import forked
import pytest
import tiny
import yaml
from conftest import plan
from test_training import RECIPE, until_a_step

MODEL = "results/rag_instruct_demo/models/tiny"
# In place of accelerate: makes the model's folder at once, or waits to be told to stop, says so, and can go on.
LAUNCHER = """#!{python} -S
import os, signal, sys
def stop(*_):
    os.close(os.open("stopped", os.O_CREAT))
    os.write(1, b"run the same command again to resume\\n")
    os._exit(75)
signal.signal(signal.SIGUSR1, stop)
if os.path.exists("wait") and not os.path.exists("stopped"):
    with open("pid", "w") as file:
        file.write(str(os.getpid()))
    os.write(1, b"training: 1step\\n")
    signal.alarm(60)
    signal.pause()
os.makedirs(sys.argv[sys.argv.index("--output") + 1])
"""


@pytest.fixture
def ready(project):
    """A project with a tiny recipe, and a data set that was made elsewhere."""
    tiny.model_folder(project.folder / "base")
    recipe = {"model": str(project.folder / "base"), **RECIPE, "saves": 2}
    (project.folder / "resources/recipes/tiny.yaml").write_text(yaml.safe_dump(recipe))
    (project.folder / "results").mkdir()
    tiny.write_rows(project.folder / "results/rag_instruct_demo.jsonl")
    return project


@pytest.fixture
def quick(ready):
    """Such a project, where LAUNCHER takes accelerate's place."""
    launcher = ready.folder / "accelerate"
    launcher.write_text(LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)
    ready.edit("rag_instruct/training/launch.py", "exec accelerate launch", f"exec {launcher} launch")
    return ready


def trained(project):
    """The plan of the model, its data set taken as it is."""
    return plan(project, MODEL, "--allowed-rules", "train")


def test_a_recipe_is_a_target_and_asks_for_what_it_says(project):
    jobs = plan(project, "results/rag_instruct_40k/training/llama_3_1_70b.svg")
    assert (jobs["train"], jobs["draw_training"], jobs["merge_dataset"]) == (1, 1, 1)
    ran = project.snakemake(
        "-n", "--cores", "64", "--workflow-profile", "none", "--", "results/rag_instruct_40k/models/llama_3_1_70b"
    )
    asked = re.search(r"rule train:.*?resources: ([^\n]*)", ran.stdout, re.S)[1]
    for part in ("mem_mb=1000000", "nodes=4", "gpu=32", "tasks_per_gpu=0", "runtime=4320"):
        assert part in asked


def test_a_recipe_that_is_not_there_is_named(project):
    ran = project.snakemake("-n", "--cores", "1", "--", "results/rag_instruct_demo/models/nosuch")
    assert ran.returncode == 1
    assert "resources/recipes/nosuch.yaml" in ran.stdout


def test_a_recipes_edit_makes_its_model_stale_and_a_touch_does_not(quick):
    assert trained(quick) == {"train": 1}
    ran = quick.snakemake("--cores", "1", "--allowed-rules", "train", "--", MODEL)
    assert ran.returncode == 0, ran.stdout
    recipe = quick.folder / "resources/recipes/tiny.yaml"
    os.utime(recipe)
    assert trained(quick) == {}
    recipe.write_text(recipe.read_text() + "clip: 0.5\n")
    assert trained(quick) == {"train": 1}


def test_a_launch_that_ends_when_told_to_stop_is_tried_again(quick):
    said = stopped_alone(quick, lambda: [int((quick.folder / "pid").read_text())])
    assert said.count("run the same command again to resume") == 1


def test_the_signal_before_a_jobs_end_leaves_the_launch_to_its_own_end(quick):
    stopped_with_snakemake(quick)
    assert (quick.folder / "stopped").is_file()
    assert not (quick.folder / MODEL).exists()


@pytest.mark.long
def test_a_training_that_was_told_to_stop_is_tried_again_and_goes_on(ready):
    stopped_alone(ready, lambda: workers(ready))
    assert (ready.folder / MODEL / "model.safetensors").is_file()


@pytest.mark.long
def test_the_signal_before_a_jobs_end_reaches_snakemake_too_and_a_checkpoint_is_saved(ready):
    stopped_with_snakemake(ready)
    assert list((ready.folder / "results/rag_instruct_demo/checkpoints/tiny").glob("checkpoint-*"))


def stopped_alone(project, told):
    """Build the model while its job is told to stop and Snakemake is not; what was said."""
    (project.folder / "wait").touch()
    given = ["--cores", "1", "--allowed-rules", "train", "--", MODEL]
    run = forked.start("snakemake", given, project.folder, project.environment())
    said = until_a_step(run)
    for worker in told():
        os.kill(worker, signal.SIGUSR1)
    text = "".join(said) + run.communicate()[0]
    assert run.returncode == 0, text
    assert "run the same command again to resume" in text
    assert "Trying to restart job" in text
    return text


def stopped_with_snakemake(project):
    """Build the model while every process gets the signal, as SLURM sends it."""
    (project.folder / "wait").touch()
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--allowed-rules", "train", "--", MODEL],
        cwd=project.folder, env=project.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    said = until_a_step(run)
    os.killpg(run.pid, signal.SIGUSR1)
    text = "".join(said) + run.communicate()[0]
    assert run.returncode == 1, text
    assert "run the same command again to resume" in text


def workers(project):
    """The processes that train in this project's folder."""
    table = subprocess.run(["ps", "-eo", "pid=,args="], text=True, stdout=subprocess.PIPE, check=True).stdout
    lines = [
        line.split(None, 1) for line in table.splitlines() if "-m scripts.train " in line and "accelerate" not in line
    ]
    return [int(pid) for pid, _ in lines if Path(f"/proc/{pid}/cwd").readlink() == project.folder]
