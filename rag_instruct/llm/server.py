"""Runs a local teacher's server for a stage: the server starts and ends with the stage."""

import asyncio
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO

import httpx2

from rag_instruct.errors import UserError
from rag_instruct.llm import door
from rag_instruct.llm.answers import KEPT
from rag_instruct.llm.door import Throttled, Transient
from rag_instruct.logs import logger

START_SECONDS = 1800.0  # seconds that a server may take to answer: large models load slowly
GRACE = 10.0  # seconds between SIGTERM and SIGKILL
CHAT = 120.0  # seconds that the first chat request may take: some servers compile then
LOOK_EVERY = 0.5  # seconds between two looks whether the server still runs
TOLD = 60.0  # seconds between two lines in the log while the server loads
MOST_SHOWN = 20_000  # bytes of the server's output that we look at for its last lines

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


class LocalServer:
    """A server that runs beside a stage."""

    def __init__(self, command: str, base_url: str, guard: "subprocess.Popen[bytes]", output: IO[bytes]) -> None:
        self.base_url = base_url
        self.command, self._guard, self._output = command, guard, output

    @property
    def ended(self) -> bool:
        """Whether the server has ended."""
        return self._guard.poll() is not None

    def last_lines(self, count: int) -> str:
        """Return the end of the server's output."""
        # The server writes where the file's position is: `pread` does not move it.
        file = self._output.fileno()
        shown = os.pread(file, MOST_SHOWN, max(0, os.fstat(file).st_size - MOST_SHOWN))
        return "\n".join(shown.decode("utf-8", "replace").splitlines()[-count:])

    def error(self, when: str) -> UserError:
        """Return the error of a server that has ended, with the last lines of its output."""
        return UserError(f"the teacher's server ended {when}: {self.command}\n{self.last_lines(15)}")

    @asynccontextmanager
    async def watched(self, stop: Callable[[UserError], None]) -> AsyncIterator[None]:
        """Call `stop` when the server ends during the block. An error of the block then shows its last lines."""

        async def watch() -> None:
            while not self.ended:
                await asyncio.sleep(LOOK_EVERY)
            stop(self.error(f"while it was needed; {KEPT}"))

        watching = asyncio.create_task(watch())
        try:
            yield
        except UserError as error:
            await asyncio.sleep(LOOK_EVERY)  # a dying server closes its connections before it ends
            if self.ended:
                raise self.error(f"while it was needed; {KEPT}") from error
            raise
        finally:
            watching.cancel()


@contextmanager
def local_server(command: str, model: str, vectors: bool = False) -> Iterator[LocalServer]:
    """Run `command` with {port} filled in. Wait until the server answers a request to `model`, and yield it.

    The request is for a chat completion, or for embeddings with `vectors`.

    Raise UserError if the server ends, with the last lines of its output, or if it does not answer in time.
    """
    port = _free_port()
    try:
        words = shlex.split(command.replace("{port}", str(port)))
    except ValueError as error:
        raise UserError(f"the teacher's `server` is not a command ({error}): {command}") from error
    arguments = [sys.executable if word == "python" else word for word in words]
    with tempfile.TemporaryFile() as output:
        # In a session of its own, the server gets no Ctrl-C. Only the stage gets it, and ends the server cleanly.
        guard = subprocess.Popen(
            [sys.executable, "-c", GUARD, *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            server = LocalServer(command, f"http://127.0.0.1:{port}/v1", guard, output)
            _wait_for(server, model, vectors)
            yield server
        finally:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: LocalServer, model: str, vectors: bool) -> None:
    started = told = time.monotonic()
    while time.monotonic() - started < START_SECONDS:
        if server.ended:
            raise server.error("before it answered")
        if _is_ready(server.base_url, model, vectors):
            logger.info("teacher ready at %s after %.1f s", server.base_url, time.monotonic() - started)
            return
        if time.monotonic() - told > TOLD:
            told = time.monotonic()
            logger.info("waiting for the teacher's server; its last line: %s", server.last_lines(1)[:200])
        time.sleep(0.1)
    said = f"{server.command}\n{server.last_lines(15)}"
    raise UserError(f"the teacher's server did not answer within {START_SECONDS:.0f} s: {said}")


def _is_ready(base_url: str, model: str, vectors: bool) -> bool:
    """Return whether the server answers a request.

    We do not ask for its list of models: some servers have one while they still load, and some have none. A refusal
    counts as an answer: the first real request then shows it.
    """
    path, request = "chat/completions", {"messages": [{"role": "user", "content": "ok"}], "max_tokens": 1}
    if vectors:
        path, request = "embeddings", {"input": ["ok"]}
    request = {"model": model, **request}
    try:
        reply = httpx2.post(f"{base_url}/{path}", json=request, timeout=CHAT, trust_env=False)
    except httpx2.HTTPError:
        return False
    return not isinstance(door.outcome_of(reply.status_code, reply.content, request), Throttled | Transient)
