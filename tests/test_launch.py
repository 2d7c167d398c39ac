"""Several processes and machines: the same losses, and an orderly end, alone and started as the graph starts them."""

import json
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import tiny
from conftest import ROOT
from test_training import STOPPED, arguments, environment, ran, same, started, until_a_step, weights

from rag_instruct.training.launch import launch_command
from rag_instruct.training.recipe import Recipe, load_recipe

TWO = {"processes": 2, "accumulation": 2}
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
    tiny.write_rows(folder / "rows.jsonl")
    (folder / "bin").mkdir()
    for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return folder


def pair(given):
    """The two processes of a training, as a launcher starts them."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(found.getsockname()[1])}
    meeting |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    return [started(given, RANK=str(rank), LOCAL_RANK=str(rank), **meeting) for rank in range(2)]


def ended(processes):
    """The exit statuses of both, and what they said."""
    said = "".join(process.communicate()[0] for process in processes)
    return [process.returncode for process in processes], said


def launched(place, name, **changes):
    """A training under the launcher."""
    given = arguments(place, name, **{**TWO, **changes})
    line = launch_command(load_recipe(place / f"{name}.yaml"), "scripts.train", shlex.join(map(str, given)))
    path = f"{place / 'bin'}{os.pathsep}{Path(os.sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["bash", "-c", line], env=environment(PATH=path), cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def ended_well(run):
    said = run.communicate()[0]
    assert run.returncode == 0, said


def losses(folder):
    return json.loads((folder / "training.json").read_text())["validation_loss"]


@pytest.fixture(scope="module")
def two(place):
    """The model that two processes train."""
    codes, said = ended(pair(arguments(place, "two", **TWO)))
    assert codes == [0, 0], said
    return place / "two"


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(place, two):
    code, said = ran(arguments(place, "one"))
    assert code == 0, said
    assert json.loads((place / "one/training.json").read_text())["counts"]["train"] % 2 == 0
    assert len(losses(place / "one")) == 5
    assert losses(two) == pytest.approx(losses(place / "one"), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_where_one_process_is_told_to_stop_both_save_and_go_on_later(place, two, number):
    given = arguments(place, f"stopped_{number}", **TWO)
    processes = pair(given)
    checkpoints = place / f"stopped_{number}_checkpoints"
    while not list(checkpoints.glob("checkpoint-*/trainer_state.json")):  # both have made a step by then
        assert processes[0].poll() is None, processes[0].communicate()
        time.sleep(0.01)
    processes[1].send_signal(number)
    codes, said = ended(processes)
    assert codes == [STOPPED, STOPPED], said
    assert "run the same command again to resume" in said
    assert not (place / f"stopped_{number}").exists(), "it was stopped before its end"
    codes, said = ended(pair(given))
    assert codes == [0, 0], said
    assert same(weights(place / f"stopped_{number}"), weights(two))


@pytest.mark.long
@pytest.mark.parametrize(("name", "changes"), [("plain", {}), ("machines", {"machines": 2})])
def test_processes_and_machines_under_the_launcher_train_the_same_model(place, two, name, changes):
    ended_well(launched(place, name, **changes))
    assert losses(place / name) == losses(two)
    assert same(weights(place / name), weights(two))


@pytest.mark.long
def test_deepspeed_under_the_launcher_has_the_same_losses(place, two):
    ended_well(launched(place, "zero", zero=2))
    assert losses(place / "zero") == pytest.approx(losses(two), abs=1e-4)
    assert weights(place / "zero").keys() == weights(place / "base").keys(), "tied weights stay tied"


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_launch_that_is_told_to_stop_saves_and_goes_on_later(place, two, number):
    name = f"launch_stopped_{number}"
    run = launched(place, name)
    until_a_step(run)
    os.killpg(run.pid, number)
    said = run.communicate()[0]
    assert run.returncode != 0
    assert "run the same command again to resume" in said
    assert list((place / f"{name}_checkpoints").glob("checkpoint-*"))
    ended_well(launched(place, name))
    assert same(weights(place / name), weights(two))


def test_the_launch_says_what_the_recipe_says():
    eight = launch_command(Recipe(model="m", gpus=8, processes=8, threads=64, zero=1), "scripts.train", "x")
    assert "--use_deepspeed --num_machines 1 --num_processes 8" in eight
    assert "OMP_NUM_THREADS=8 " in eight
    assert "CUDA_VISIBLE_DEVICES" not in eight
    assert "srun" not in eight
    many = launch_command(Recipe(model="m", gpus=8, processes=32, machines=4, threads=64, zero=3), "scripts.train", "x")
    assert "srun --overlap --nodes=4 --ntasks=4 --ntasks-per-node=1 --gpus-per-node=8" in many
    assert "--deepspeed_multinode_launcher standard --num_machines 4 --num_processes 32" in many


@pytest.mark.slow
@pytest.mark.parametrize(("given", "seen"), [("", "0"), ("3", "3"), ("2,5", "2")])
def test_a_recipe_of_one_gpu_sees_the_first_of_those_it_was_given(given, seen, tmp_path):
    (tmp_path / "accelerate").write_text('#!/bin/bash\necho "$CUDA_VISIBLE_DEVICES"\n')
    (tmp_path / "accelerate").chmod(0o755)
    line = launch_command(Recipe(model="m", gpus=1), "scripts.train", "x")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": given}
    assert subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True).stdout.strip() == seen
