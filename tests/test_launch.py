"""Several processes and machines, started as the graph starts them: the same losses, and an orderly end."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
import tiny
import yaml
from conftest import ROOT
from test_training import RECIPE, environment, same, weights

from rag_instruct.training.launch import launch_command
from rag_instruct.training.recipe import Recipe, load_recipe

# What the launch needs of SLURM: a copy of the command for each machine, which learns its number.
SRUN = """#!/bin/bash
for word; do case $word in --ntasks=*) machines=${word#*=};; esac; done
while [[ $1 == --* ]]; do shift; done
for ((number = 0; number < machines; number++)); do SLURM_PROCID=$number "$@" & started+=($!); done
failed=0; for each in "${started[@]}"; do wait $each || failed=1; done; exit $failed
"""
SCONTROL = "#!/bin/bash\necho 127.0.0.1; echo the_other\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("launch")
    tiny.model_folder(folder / "base")
    (folder / "rows.jsonl").write_text("".join(json.dumps(tiny.row(n, words=3)) + "\n" for n in range(30)))
    (folder / "bin").mkdir()
    for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return folder


def start(place, name, **changes):
    recipe = place / f"{name}.yaml"
    recipe.write_text(yaml.safe_dump({"model": str(place / "base"), **RECIPE, "seed": 2, **changes}))
    paths = [place / "rows.jsonl", "--recipe", recipe, "--checkpoints", place / f"{name}_c", "--output", place / name]
    line = launch_command(load_recipe(recipe), "scripts.train", shlex.join(map(str, paths)))
    path = f"{place / 'bin'}{os.pathsep}{Path(os.sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["bash", "-c", line], env={**environment(), "PATH": path}, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip


def ran(place, name, **changes):
    run = start(place, name, **changes)
    said = run.communicate()[1]
    assert run.returncode == 0, said
    return json.loads((place / name / "training.json").read_text())["validation_loss"]


@pytest.fixture(scope="module")
def two(place):
    return ran(place, "two", processes=2, accumulation=2)


def test_two_processes_with_and_without_deepspeed_have_the_losses_of_one(place, two):
    one = ran(place, "one")
    assert json.loads((place / "one/training.json").read_text())["counts"]["train"] % 2 == 0
    assert len(one) == 7
    for losses in (two, ran(place, "zero", processes=2, accumulation=2, zero=2)):
        assert losses == pytest.approx(one, abs=1e-4)
    assert weights(place / "zero").keys() == weights(place / "base").keys(), "tied weights stay tied"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_told_to_stop_all_processes_save_and_go_on_later(place, two, number):
    name = f"stopped_{number}"
    run = start(place, name, processes=2, accumulation=2)
    for line in run.stderr:
        if "training:" in line and "step" in line:
            os.killpg(run.pid, number)
            break
    said = run.stderr.read()
    assert run.wait() != 0
    assert "run again to go on" in said
    assert list((place / f"{name}_c").glob("checkpoint-*"))
    ran(place, name, processes=2, accumulation=2)
    assert same(weights(place / name), weights(place / "two"))


def test_two_machines_do_what_two_processes_do(place, two):
    assert ran(place, "machines", processes=2, machines=2, accumulation=2) == two
    assert same(weights(place / "machines"), weights(place / "two"))


def test_the_launch_says_what_the_recipe_says():
    eight = launch_command(Recipe(model="m", gpus=8, processes=8, threads=64, zero=1), "scripts.train", "x")
    assert "--use_deepspeed --num_machines 1 --num_processes 8" in eight
    assert "OMP_NUM_THREADS=8 " in eight
    assert "CUDA_VISIBLE_DEVICES" not in eight
    assert "srun" not in eight
    many = launch_command(Recipe(model="m", gpus=8, processes=32, machines=4, threads=64, zero=3), "scripts.train", "x")
    assert "srun --overlap --nodes=4 --ntasks=4 --ntasks-per-node=1 --gpus-per-node=8" in many
    assert "--deepspeed_multinode_launcher standard --num_machines 4 --num_processes 32" in many


@pytest.mark.parametrize(("given", "seen"), [("", "0"), ("3", "3"), ("2,5", "2")])
def test_a_recipe_of_one_gpu_sees_the_first_of_those_it_was_given(given, seen, tmp_path):
    (tmp_path / "accelerate").write_text('#!/bin/bash\necho "$CUDA_VISIBLE_DEVICES"\n')
    (tmp_path / "accelerate").chmod(0o755)
    line = launch_command(Recipe(model="m", gpus=1), "scripts.train", "x")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": given}
    assert subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True).stdout.strip() == seen
