"""Check that trainings with and without ZeRO give the same losses, and resume exactly after SIGKILL.

python -m performance.zero

The graph's command trains a tiny Llama (tests/tiny.py) on the CPU: without DeepSpeed and with ZeRO 1, 2 and 3, in one
and two processes, in fp32 and mixed precision. Each training runs once to its end, and once more with SIGKILL after its
first checkpoint and a rerun. The weights of both must be identical. The losses are compared with those of one process
without DeepSpeed.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file

from performance.measure import machine
from rag_instruct.training.checkpoints import last_checkpoint
from rag_instruct.training.launch import launch_command
from rag_instruct.training.recipe import load_recipe

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import tiny

ROWS = 30  # leaves an even number of training rows, so that two processes do not repeat a row
RECIPE = {
    "max_length": 400, "epochs": 2, "learning_rate": 0.003, "checkpointing": False, "validation": 0.2, "saves": 6,
    "threads": 1, "memory_mb": 2000, "hours": 1, "report_to": "none", "seed": 2,
}  # fmt: skip


def command(folder: Path, name: str, way: dict[str, Any]) -> str:
    """Return the shell command of one training, with its output in `folder`/`name`."""
    recipe = folder / f"{name}.yaml"
    recipe.write_text(yaml.safe_dump({"model": str(folder / "base"), **RECIPE, **way}))
    paths = [
        folder / "rows.jsonl",
        "--recipe",
        recipe,
        "--checkpoints",
        folder / f"{name}_c",
        "--output",
        folder / name,
    ]
    return launch_command(load_recipe(recipe), "scripts.train", shlex.join(map(str, paths)))


def run(line: str, kill_at: Path | None = None) -> None:
    """Run to the end. With `kill_at`, kill all processes once that folder has a complete checkpoint."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.Popen(
        ["bash", "-c", line], env={**os.environ, "PATH": path}, stderr=subprocess.PIPE, start_new_session=True
    )
    while kill_at and ran.poll() is None:
        if last_checkpoint(kill_at):
            for process in [ran.pid, *descendants(ran.pid)]:
                os.kill(process, signal.SIGKILL)
            break
        time.sleep(0.01)
    said = ran.communicate()[1]
    if not kill_at and ran.returncode:
        sys.exit(said.decode()[-3000:])


def descendants(parent: int) -> list[int]:
    """Return all descendants of a process, in any session."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    children = [int(pid) for pid, ppid in zip(table[::2], table[1::2], strict=True) if int(ppid) == parent]
    return children + [below for child in children for below in descendants(child)]


def losses(folder: Path) -> list[float]:
    """Return the validation losses of a training, in order."""
    found: list[float] = json.loads((folder / "training.json").read_text())["validation_loss"]
    return found


def main(_: argparse.Namespace) -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny.model_folder(folder / "base")
        (folder / "rows.jsonl").write_text("".join(json.dumps(tiny.row(n, words=3)) + "\n" for n in range(ROWS)))
        worst: dict[str, float] = {}
        for precision, zero, processes in product(("fp32", "bf16"), (None, 1, 2, 3), (1, 2)):
            way = {"precision": precision, "zero": zero, "processes": processes, "accumulation": 4 // processes}
            label = f"{precision} ZeRO-{zero or 'none'} {processes} processes"
            whole, killed = label.replace(" ", "_"), label.replace(" ", "_") + "_killed"
            run(command(folder, whole, way))
            run(command(folder, killed, way), kill_at=folder / f"{killed}_c")
            run(command(folder, killed, way))
            left, right = (load_file(folder / each / "model.safetensors") for each in (whole, killed))
            same = all(torch.equal(left[key], right[key]) for key in left)
            plain = losses(folder / f"{precision}_ZeRO-none_1_processes")
            apart = max(abs(a - b) for a, b in zip(losses(folder / whole), plain, strict=True))
            worst[precision] = max(worst.get(precision, 0.0), apart)
            print(f"{label:28} losses {apart:.1e} from plain; after SIGKILL {'the same bits' if same else 'DIFFERENT'}")
        print("largest difference of a loss: " + ", ".join(f"{key} {value:.1e}" for key, value in worst.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    main(parser.parse_args())
