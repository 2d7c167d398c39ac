"""Scripts as processes that start at once: forked from a server that has loaded what takes seconds to import.

A script under test starts dozens of times, and each start of a fresh interpreter imports torch or openai again (1.3 to
7 s). A fork of a server that has them takes about 0.1 s. What is tested stays a real process: it has a pid, takes
signals, dies of SIGKILL and holds real locks.
"""

import gc
import multiprocessing
import multiprocessing.forkserver
import os
import re
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

# What the scripts import, and what openai and transformers load at their first use.
PRELOADED = ["scripts.synthesise", "scripts.train", "scripts.embed_queries", "scripts.search_shard", "scripts.score"]
PRELOADED += ["openai.resources.chat.completions", "openai.resources.batches", "openai.resources.files"]
PRELOADED += ["transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama"]
PRELOADED += ["accelerate.commands.launch", "snakemake.cli"]
# What the server sees, whatever tests and the libraries that they load have set by the time that it starts.
BEGAN_WITH = dict(os.environ)
# Libraries read their variables when they are imported: a script that is given others starts in a fresh interpreter.
AS_PRELOADED = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
PASSED_ON = re.compile(
    r"RAG_INSTRUCT_\w+|TEST_\w+|(LOCAL_)?(RANK|WORLD_SIZE)|MASTER_\w+|PYTHONPATH|PYTEST_CURRENT_TEST|PATH|BASH_ENV"
    r"|OPENAI_LOG|OPENAI_API_KEY|HF_TOKEN"
)

PROJECT = ("rag_instruct", "scripts")
_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(PRELOADED)
ROOT = Path(__file__).resolve().parent.parent
# What killed scripts leave of their bars' locks is cleaned up; the server forks while it has threads that do nothing.
QUIET = "ignore:resource_tracker:UserWarning,ignore:This process:DeprecationWarning"
# Threads start and end processes, and multiprocessing reads each exit status once, whoever asks.
_one_at_a_time = threading.Lock()


class Script:
    """`python -m module arguments` as a process: as much of subprocess.Popen as tests need.

    `stdout` has what it writes; stderr goes there too.
    """

    def __init__(self, module: str, arguments: Sequence[object], folder: Path, environment: dict[str, str]) -> None:
        self.args = [module, *map(str, arguments)]
        reading, writing = multiprocessing.Pipe(duplex=False)
        given = (module, list(map(str, arguments)), str(folder), environment, writing)
        self._process = _forkserver.Process(target=_run, args=given, daemon=True)
        with _one_at_a_time:
            _start_server()
            self._process.start()
        writing.close()
        self.stdout: IO[str] = os.fdopen(os.dup(reading.fileno()), encoding="utf-8", errors="replace")
        reading.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        with _one_at_a_time:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        end = time.monotonic() + timeout
        while (code := self.returncode) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.005)
        return code

    def communicate(self) -> tuple[str, None]:
        """All that it still says, once it has ended."""
        said = self.stdout.read()
        self.wait()
        return said, None

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(9)

    def terminate(self) -> None:
        self.send_signal(15)


def start(
    module: str, arguments: Sequence[object], folder: Path, environment: dict[str, str]
) -> "Script | subprocess.Popen[str]":
    """The script as a process: a fork, or a fresh interpreter where the environment has what libraries read."""
    seen = {**BEGAN_WITH, **AS_PRELOADED} if environment.items() >= AS_PRELOADED.items() else BEGAN_WITH
    changed = {name for name in {*environment, *seen} if environment.get(name) != seen.get(name)}
    if sys.platform == "linux" and all(map(PASSED_ON.fullmatch, changed)):
        return Script(module, arguments, folder, environment)
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def warm_up() -> None:
    """Wait until the server has loaded its imports: for tests whose moments follow from how long a script takes."""
    ran = run("scripts.list_shards", ["--help"], ROOT, dict(os.environ))
    assert ran.returncode == 0, ran.stdout


def run(
    module: str, arguments: Sequence[object], folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """The script until it ends; all that it wrote is in `stdout`."""
    job = start(module, arguments, folder, environment)
    said = job.communicate()[0]
    assert job.returncode is not None
    return subprocess.CompletedProcess([module, *arguments], job.returncode, said)


def serve(target: Callable[..., None], *arguments: object) -> None:
    """Run `target` in a fork that ends with the tests."""
    with _one_at_a_time:
        _start_server()
        _forkserver.Process(target=target, args=arguments, daemon=True).start()


def _start_server() -> None:
    """Start the server, which imports what is preloaded by the paths that its environment names."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update({**BEGAN_WITH, **AS_PRELOADED, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": QUIET})
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run(module: str, arguments: list[str], folder: str, environment: dict[str, str], writing) -> None:  # type: ignore[no-untyped-def]
    """In the fork: become what a fresh interpreter would be, and run."""
    file = os.dup(writing.fileno())
    writing.close()
    become(module, arguments, folder, environment, [0, file, file])


def become(module: str, arguments: list[str], folder: str, environment: dict[str, str], files: list[int]) -> None:
    """Run the module with `files` as those of the numbers 0 to 2."""
    gc.freeze()  # what the server has loaded is no garbage, and each full collection would look through it for 0.6 s
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in {*files} - {0, 1, 2}:
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    if (threads := environment.get("OMP_NUM_THREADS", "")).isdigit():
        sys.modules["torch"].set_num_threads(int(threads))  # torch read the variable when it was imported
    os.chdir(folder)
    sys.argv = [module, *arguments]
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, "utf-8") for number in (1, 2))
    if Path(folder) != ROOT and any(Path(folder, package).exists() for package in PROJECT):
        _forget_project()
    given = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [folder, *filter(None, given), *(place for place in sys.path if place not in ("", str(ROOT)))]
    if module.startswith("scripts."):
        sys.modules.pop(module, None)  # as it was preloaded
        sys.modules["openai._utils._logs"].setup_logging()  # openai reads OPENAI_LOG when it is imported
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _forget_project() -> None:
    """Let another folder's copy of the project be imported: tests edit its code."""
    for name in [name for name in sys.modules if name.split(".")[0] in PROJECT]:
        del sys.modules[name]
