"""The jobs of a build under test as forks of the server that has loaded what they import.

A build of forty jobs imports for a minute what tests/forked.py has loaded already. Snakemake's jobs run in bash, which
reads $BASH_ENV: there `python -m scripts.x` becomes tests/job_client.py, which has the job forked here. `BASH_ENV=""`
gives a build fresh interpreters.
"""

import atexit
import json
import multiprocessing
import os
import re
import select
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

import forked

CLIENT = Path(__file__).with_name("job_client.py")
PYTHON, JOB = shlex.quote(sys.executable), shlex.quote(str(CLIENT))
IN_BASH = f"""
python() {{
    if [[ "$1 $2" = "-m scripts."* ]]; then {PYTHON} -I -S {JOB} "$@"; else command python "$@"; fi
}}
"""
# What Snakemake sets in the shells of jobs, and what libraries that are loaded do not read again.
OF_A_JOB = re.compile(r"TERM|TMP|TEMP|TEMPDIR|TMPDIR|BASH_ENV|_|PWD|OLDPWD|SHLVL")
_address: list[str] = []


def served() -> dict[str, str]:
    """Variables with which bash has jobs forked; they start the server. Empty where processes have no descriptors."""
    if not hasattr(os, "pidfd_open"):
        return {}
    if not _address:
        folder = tempfile.mkdtemp(prefix="jobs")
        atexit.register(_remove, folder, os.getpid())
        Path(folder, "bash_env").write_text(IN_BASH)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"{folder}/socket")
        listening.listen(64)
        forked.serve(_serve, listening, forked.BEGAN_WITH)
        listening.close()
        _address.append(folder)
    return {"BASH_ENV": f"{_address[0]}/bash_env", "TEST_JOBS": f"{_address[0]}/socket"}


def _remove(folder: str, pid: int) -> None:
    """At the end of the process that made it, and not of its forks."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(listening: socket.socket, environment: dict[str, str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended ones are not waited for
    tests = multiprocessing.parent_process()
    assert tests is not None
    # However the tests end, their server ends too.
    while listening in select.select([listening, tests.sentinel], [], [])[0]:
        client, _ = listening.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _look_after(client, {**environment, **forked.AS_PRELOADED})
            os._exit(0)
        client.close()


def _look_after(client: socket.socket, preloaded: dict[str, str]) -> None:
    """Fork a job, say its pid and then its exit status; kill it when its client has died."""
    length, files, _, _ = socket.recv_fds(client, 12, 3)
    with client.makefile("rb") as reading:
        arguments, folder, environment = json.loads(reading.read(int(length)))
    if not _as_preloaded(environment, preloaded):
        client.sendall(b"0\n")
        return
    pid = os.fork()
    if not pid:
        client.close()
        forked.become(arguments[1], arguments[2:], folder, environment, files)
        sys.exit(0)
    client.sendall(f"{pid}\n".encode())
    for file in files:
        os.close(file)
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([ended, client], [], [])
    if ended not in ready:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    client.sendall(f"{status}\n".encode())


def _as_preloaded(environment: dict[str, str], preloaded: dict[str, str]) -> bool:
    """Whether the libraries that are loaded have seen the variables that they read."""
    changed = {name for name in {*environment, *preloaded} if environment.get(name) != preloaded.get(name)}
    threads = {name for name in changed if name.endswith("_THREADS") and environment.get(name, "").isdigit()}
    read = changed - threads - {"CUDA_VISIBLE_DEVICES"}  # the tests need no GPU
    return all(forked.PASSED_ON.fullmatch(name) or OF_A_JOB.fullmatch(name) for name in read)
