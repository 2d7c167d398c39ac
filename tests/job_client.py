"""Stands in for `python` in the jobs of a build under test: has its job forked by tests/forked_jobs.py.

It passes on what a job sees and gets: arguments, folder, environment, the open files 0 to 2, signals, the exit status.
Where it dies, its job is killed, and where the server says that the job needs a fresh interpreter, it becomes one.
"""

import contextlib
import json
import os
import signal
import socket
import sys

told: list[int] = []  # signals that came before the job was there
pid = 0


def pass_on(number, frame):
    if not pid:
        return told.append(number)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, pass_on)
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.environ["TEST_JOBS"])
    given = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()  # noqa: PTH109 - pathlib starts slowly
    socket.send_fds(server, [b"%12d" % len(given)], [0, 1, 2])
    server.sendall(given)
    said = server.makefile()
    pid = int(said.readline())
    if not pid:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        os.execvp("python", ["python", *sys.argv[1:]])
    for number in told[:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    status = int(said.readline())
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
