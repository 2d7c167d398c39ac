"""Training as a target of the graph: what it asks for, what makes it stale, and that it is tried again when stopped."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import yaml
from conftest import plan
from test_training import RECIPE

MODEL = "results/rag_instruct_demo/models/tiny"


@pytest.fixture
def ready(project):
    """A project with a tiny recipe, and a data set that was made elsewhere."""
    tiny.model_folder(project.folder / "base")
    recipe = {"model": str(project.folder / "base"), **RECIPE, "saves": 2}
    (project.folder / "resources/recipes/tiny.yaml").write_text(yaml.safe_dump(recipe))
    (project.folder / "results").mkdir()
    rows = "".join(json.dumps(tiny.row(n, words=3)) + "\n" for n in range(30))
    (project.folder / "results/rag_instruct_demo.jsonl").write_text(rows)
    return project


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


def test_a_recipes_edit_makes_its_model_stale_and_a_touch_does_not(ready):
    assert trained(ready) == {"train": 1}
    ran = ready.snakemake("--cores", "1", "--allowed-rules", "train", "--", MODEL)
    assert ran.returncode == 0, ran.stdout
    assert trained(ready) == {}
    recipe = ready.folder / "resources/recipes/tiny.yaml"
    os.utime(recipe)
    assert trained(ready) == {}
    recipe.write_text(recipe.read_text() + "clip: 0.5\n")
    assert trained(ready) == {"train": 1}


def test_a_job_that_was_told_to_stop_is_tried_again_and_goes_on(ready):
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--allowed-rules", "train", "--", MODEL],
        cwd=ready.folder, env=ready.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = []
    for line in run.stdout:
        said.append(line)
        if re.search(r"training:.*step", line):
            for worker in workers(ready):
                os.kill(worker, signal.SIGUSR1)
            break
    said += run.stdout.readlines()
    assert run.wait() == 0, "".join(said)
    text = "".join(said)
    assert "run again to go on" in text
    assert "Trying to restart job" in text
    assert (ready.folder / MODEL / "model.safetensors").is_file()


def test_the_signal_before_a_jobs_end_reaches_snakemake_too_and_a_checkpoint_is_saved(ready):
    """As SLURM sends it: to every process."""
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--allowed-rules", "train", "--", MODEL],
        cwd=ready.folder, env=ready.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    for line in run.stdout:
        if re.search(r"training:.*step", line):
            os.killpg(run.pid, signal.SIGUSR1)
            break
    text = run.stdout.read()
    assert run.wait() == 1, text
    assert "run again to go on" in text
    assert list((ready.folder / "results/rag_instruct_demo/checkpoints/tiny").glob("checkpoint-*"))


def workers(project):
    """The processes that train in this project's folder."""
    table = subprocess.run(["ps", "-eo", "pid=,args="], text=True, stdout=subprocess.PIPE, check=True).stdout
    lines = [
        line.split(None, 1) for line in table.splitlines() if "-m scripts.train " in line and "accelerate" not in line
    ]
    return [int(pid) for pid, _ in lines if Path(f"/proc/{pid}/cwd").readlink() == project.folder]
