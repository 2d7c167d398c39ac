"""What stands in for the jobs' interpreters in tests is as good as they are: a status, a signal, a death is passed on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import forked_jobs
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="there are no descriptors of processes here"),
]
JOB = """
import os, sys, time
print(os.getpid(), "torch" in sys.modules, os.getcwd(), repr(sys.argv[1]), flush=True)
exec(sys.argv[1])
"""


CATCHING = """import signal
def told(number, frame):
    os.write(1, b"told %d\\n" % number)  # print may be at work, and is not called twice
    os._exit(7)
for number in (2, 15, 10):
    signal.signal(number, told)
print("ready", flush=True)
time.sleep(60)"""


@pytest.fixture
def start(tmp_path):
    """Starts a job that says its pid, whether it was forked, its folder and its arguments, and runs its first one."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/__init__.py").write_text("")
    (tmp_path / "scripts/told.py").write_text(JOB)

    def starting(does, **environment):
        mine = {"OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        env = {**os.environ, **forked_jobs.served(), **mine, **environment}
        command = ["bash", "-c", 'set -e; python -m scripts.told "$0"; echo went on', does]
        job = subprocess.Popen(
            command, cwd=tmp_path, env=env, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        pid, forked, *said = job.stdout.readline().split(maxsplit=3)
        assert said == [str(tmp_path), f"{does!r}\n"]
        return job, int(pid), forked == "True"

    return starting


@pytest.mark.parametrize(
    ("does", "code", "said"),
    [
        ("pass", 0, "went on"),
        ("sys.exit(3)", 3, ""),
        ("os.kill(os.getpid(), 9)", 128 + 9, ""),
        ("1 / 0", 1, "ZeroDivisionError"),
    ],
)
def test_how_a_job_ends_is_passed_on(start, does, code, said):
    job, _, forked = start(does)
    assert forked
    assert said in job.communicate()[0]
    assert job.returncode == code


@pytest.mark.parametrize("variable", [{"BASH_ENV": ""}, {"OMP_WAIT_POLICY": "PASSIVE"}, {"HF_HUB_OFFLINE": "1"}])
def test_what_a_loaded_library_would_not_see_needs_a_fresh_interpreter(start, variable):
    job, _, forked = start("pass", **variable)
    assert not forked
    assert job.communicate()[0] == "went on\n"


@pytest.mark.parametrize("number", ["1", "3"])
def test_a_job_computes_with_the_threads_that_it_is_given(start, number):
    job, _, forked = start("import torch; print(torch.get_num_threads())", OMP_NUM_THREADS=number)
    assert forked
    assert job.communicate()[0].splitlines()[0] == number


def test_what_a_library_had_set_when_the_server_began_refuses_no_later_job(start, monkeypatch):
    monkeypatch.setattr(forked_jobs, "_address", [])
    with monkeypatch.context() as library:
        library.setenv("SET_BY_A_LIBRARY", "1")
        forked_jobs.served()
    job, _, forked = start("pass")
    assert forked
    job.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_reaches_the_job(start, number):
    """It may catch it, and end as it likes."""
    job, pid, _ = start(CATCHING)
    client = int(Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text())
    assert client != pid
    assert job.stdout.readline() == "ready\n"
    os.kill(client, number)
    assert job.communicate()[0] == f"told {int(number)}\n"
    assert job.returncode == 7


def test_a_killed_run_takes_its_job_along(start):
    job, pid, _ = start("time.sleep(60)")
    os.killpg(job.pid, signal.SIGKILL)
    job.communicate()
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.01)
