"""A terminal for programs under test: what a person would see on it."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pyte


class Terminal:
    """Runs a command in a pseudo-terminal of so many columns and rows; `seen` has all pictures of its screen."""

    def __init__(
        self, command: list[str], folder: Path, env: dict[str, str], columns: int = 100, rows: int = 30
    ) -> None:
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self.terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {**env, "TERM": "xterm-256color"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": inner, "stderr": inner}
        self.process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, **streams)
        os.close(inner)
        self.seen: list[str] = []

    def until(self, words: str, seconds: float = 120) -> str:
        """Read until the screen has `words`; the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            over = not self._read()
            if words and words in self.text:
                return self.text
            if over:
                break
        raise AssertionError(f"no {words!r} on the screen:\n{self.text}")

    def wait(self) -> int:
        """Read until the program ends; its exit status."""
        while self._read():
            pass
        return self.process.wait(timeout=60)

    def _read(self) -> bool:
        try:
            said = os.read(self.terminal, 65536)
        except OSError:  # how Linux says that nobody has the other end
            return False
        self._stream.feed(said)
        if not self.seen or self.seen[-1] != self.text:
            self.seen.append(self.text)
        return bool(said)

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def scrolled(self) -> str:
        """All that has been on the screen and stayed, from the first line."""
        above = [
            "".join(line[column].data for column in range(self._screen.columns)) for line in self._screen.history.top
        ]
        return "\n".join([*(line.rstrip() for line in above), self.text])

    @property
    def cursor_is_visible(self) -> bool:
        return not self._screen.cursor.hidden
