"""Runs a local teacher's server for a stage: the server starts and ends with the stage."""

import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from rag_instruct.errors import UserError
from rag_instruct.logs import logger

PATIENCE = 1800.0  # seconds that a server may take to answer: large models load slowly
GRACE = 10.0  # seconds between SIGTERM and SIGKILL

# The guard ends the server when the guard's standard input closes. The kernel closes it however the stage dies,
# SIGKILL included. `start_new_session` lets the guard end the server's own children too.
GUARD = f"""
import os, signal, subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
def end():
    sys.stdin.buffer.read()
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait({GRACE})
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
threading.Thread(target=end, daemon=True).start()
sys.exit(server.wait())
"""


@contextmanager
def local_server(command: str) -> Iterator[str]:
    """Run `command` with {port} filled in. Wait until the server answers, and yield its base URL.

    Raise UserError if the server ends, with the last lines of its output, or if it does not answer in time.
    """
    port = _free_port()
    arguments = [sys.executable if word == "python" else word for word in shlex.split(command.format(port=port))]
    with tempfile.TemporaryFile("w+") as output:
        # In a session of its own, the server gets no Ctrl-C. Only the stage gets it, and ends the server cleanly.
        guard = subprocess.Popen(
            [sys.executable, "-c", GUARD, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            base_url = f"http://127.0.0.1:{port}/v1"
            _wait_for(base_url, guard, command, output)
            yield base_url
        finally:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(base_url: str, guard: "subprocess.Popen[bytes]", command: str, output) -> None:  # type: ignore[no-untyped-def]
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        if guard.poll() is not None:
            output.seek(0)
            last = "\n".join(output.read().splitlines()[-15:])
            raise UserError(f"the teacher's server ended before it answered: {command}\n{last}")
        try:
            if httpx2.get(f"{base_url}/models", timeout=2, trust_env=False).is_success:
                logger.info("teacher ready at %s after %.1f s", base_url, time.monotonic() - started)
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise UserError(f"the teacher's server did not answer within {PATIENCE:.0f} s: {command}")
