"""Which build of torch `make` installs: scripts/install_torch.sh, with a small index and a wheel of one line."""

import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement

PINNED = next(
    Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("torch==")
)
VERSION = str(PINNED.specifier).removeprefix("==")
HAS_DRIVER = any(Path(path).exists() for path in ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or HAS_DRIVER, reason="the build for processors is for Linux without a GPU"),
]  # fmt: skip


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an empty environment."""
    folder = tmp_path_factory.mktemp("torch") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin/python"


@pytest.fixture
def index(tmp_path):
    """The address of an index with one torch, the build for processors. No other index is asked."""
    folder = tmp_path / "simple/torch"
    folder.mkdir(parents=True)
    about = f"torch-{VERSION}+cpu.dist-info"
    parts = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {VERSION}+cpu\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"torch-{VERSION}+cpu-py3-none-any.whl", "w") as wheel:
        for name, text in parts.items():
            wheel.writestr(name, text)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "simple"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """A folder with the commands of the script, and without SLURM's."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("bash", "sed", "uname", "timeout"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


@pytest.fixture
def install(python, tools):
    return functools.partial(run, python, PATH=str(tools))


def run(python, index, **environment):
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    own |= {"PIP_CONFIG_FILE": os.devnull, "TORCH_CPU_INDEX": index, "no_proxy": "127.0.0.1", **environment}
    began = time.monotonic()
    ran = subprocess.run([ROOT / "scripts/install_torch.sh", str(python)], cwd=ROOT, env=own, capture_output=True, text=True)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, time.monotonic() - began


def installed(python):
    return subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout


def test_an_index_that_refuses_or_never_answers_costs_seconds(python, install):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        silent = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        refused, _ = install(silent)  # nobody listens yet
        listening.listen()
        unanswered, took = install(silent)
    for said in (refused, unanswered):
        assert "pip's default build" in said
        assert "out of reach" in said
    assert took < 120, "an index that never answers is given up: pip alone would ask it six times"
    assert "torch" not in installed(python)


def test_slurm_and_the_users_wish_mean_pips_default_build(python, install, index, tools, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sbatch").symlink_to("/bin/true")
    said, _ = install(index, PATH=f"{tmp_path / 'bin'}:{tools}")
    assert "because this machine has SLURM" in said
    assert "because TORCH=default" in install(index, TORCH="default")[0]
    assert "torch" not in installed(python)


def test_the_build_for_processors_is_installed_stays_and_meets_the_pins(python, install, index):
    assert f"the build for processors ({VERSION}+cpu)" in install(index)[0]
    assert f"torch=={VERSION}+cpu" in installed(python)
    assert f"{VERSION}+cpu is installed and stays" in install("http://127.0.0.1:9/")[0]
    # What the Makefile does next. pip asks no index for what is installed already.
    lock = f"-c{ROOT / 'requirements.lock'}"
    command = [python, "-m", "pip", "install", "--no-index", "--no-deps", "--dry-run", str(PINNED), lock]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull})
    assert ran.returncode == 0, ran.stderr
    assert "Would install" not in ran.stdout
