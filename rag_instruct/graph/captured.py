"""Catch the text that a run and its jobs write to the terminal: lines and tqdm's bars."""

import logging
import os
import re
import sys
import tempfile
from typing import TextIO

from rag_instruct.logs import DISPLAY, place_of

# A bar of tqdm, then the text that its process wrote on the same line.
BAR = re.compile(
    r"(?P<bar>(?P<name>.*?): +(?:\d+%\|.*?\| )?\d\S*(?: \S+)? \[[\d:]+(?:<[\d:?]+)?, [^\]]*\]) *(?P<rest>.*)"
)
# What ends a part of the stream. A last "\r" may be the first half of "\r\n", so it waits for the next byte.
ENDS = re.compile(rb"(\r?\n|\r(?!\Z))")


class Parted:
    """Splits a stream of bytes into complete lines and unfinished bars."""

    def __init__(self) -> None:
        self._half = b""
        self.bars: dict[str, str] = {}  # by name; the bar that changed last comes last

    def lines(self, new: bytes, last: bool = False) -> list[str]:
        """Add the bytes `new`, and return the lines that they complete, without bars.

        With `last`, an unfinished line is returned as well.
        """
        *ended, self._half = ENDS.split(self._half + new + (b"\n" if last else b""))
        pairs = zip(ended[::2], ended[1::2], strict=True)
        lines = [line for part, end in pairs if (line := self._line(part.decode("utf-8", "replace"), end)) is not None]
        self._line(self._half.decode("utf-8", "replace"), b"\r")
        return lines

    def _line(self, part: str, end: bytes) -> str | None:
        """Return the message in a part of the stream, or None if the part has no complete message.

        Also update `bars`: a bar stays there until its line ends without other text.
        """
        found = BAR.fullmatch(part)
        if not found:
            return part if end.endswith(b"\n") else None
        self.bars.pop(found["name"], None)
        if found["rest"] or end == b"\r":
            self.bars[found["name"]] = found["bar"]
        return found["rest"] if found["rest"] and end.endswith(b"\n") else None


class Captured(Parted):
    """Catches what this process and its children write to the terminal, from `take` to `give_back`.

    They write to a temporary file, not to a pipe. So jobs can finish when the run is killed. A pipe without a reader
    would stop them, and a job may cost money.
    """

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - the file closes when its last process ends
        self._read = 0
        self._kept = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        self.terminal = self._kept[2]

    def take(self) -> None:
        """Start to catch stdout and stderr. The file descriptor `terminal` still writes to the terminal."""
        _turn(dict.fromkeys(self._kept, self._file.fileno()))
        os.environ[DISPLAY] = place_of(self._file.fileno())

    def give_back(self) -> None:
        """Let stdout and stderr write to the terminal again."""
        _turn(self._kept)
        os.environ.pop(DISPLAY, None)

    def news(self, last: bool = False) -> list[str]:
        """Return the lines since the last call."""
        new = os.pread(self._file.fileno(), 1 << 24, self._read)  # pread leaves the position at which jobs write
        self._read += len(new)
        return self.lines(new, last)


def speak_in_whole_messages(handler: "logging.StreamHandler[TextIO]") -> None:
    """Make Snakemake's handler write each message with its line end in one call.

    Jobs write to the same terminal. If Python does not buffer (PYTHONUNBUFFERED, often set in containers), their text
    could come between a message and its line end.
    """
    number = handler.stream.fileno()
    whole = open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - it stays open
    handler.setStream(whole)


def _turn(streams: dict[int, int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for number, target in streams.items():
        os.dup2(target, number)
