"""Catch what a run and its jobs write to the terminal: lines, and tqdm's bars."""

import logging
import os
import re
import sys
import tempfile
from typing import TextIO

from rag_instruct.logs import DISPLAY, place_of

# A bar of tqdm's, and on the same line what its process wrote next.
BAR = re.compile(
    r"(?P<bar>(?P<name>.*?): +(?:\d+%\|.*?\| )?\d\S*(?: \S+)? \[[\d:]+(?:<[\d:?]+)?, [^\]]*\]) *(?P<rest>.*)"
)
ENDS = re.compile(rb"([\r\n])")  # of a part of the stream


class Parted:
    """Parts a stream of bytes into messages and unfinished bars."""

    def __init__(self) -> None:
        self._half = b""
        self.bars: dict[str, str] = {}  # by name, the latest last

    def lines(self, new: bytes, last: bool = False) -> list[str]:
        """Return the lines that `new` completes, without bars. `last` also returns a line without an end."""
        *ended, self._half = ENDS.split(self._half + new + (b"\n" if last else b""))
        pairs = zip(ended[::2], ended[1::2], strict=True)
        lines = [line for part, end in pairs if (line := self._line(part.decode("utf-8", "replace"), end)) is not None]
        self._line(self._half.decode("utf-8", "replace"), b"\r")
        return lines

    def _line(self, part: str, end: bytes) -> str | None:
        """Return the message in a part of the stream, or None. A bar is kept until its line ends."""
        found = BAR.fullmatch(part)
        if not found:
            return part if end == b"\n" else None
        self.bars.pop(found["name"], None)
        if found["rest"] or end == b"\r":
            self.bars[found["name"]] = found["bar"]
        return found["rest"] if found["rest"] and end == b"\n" else None


class Captured(Parted):
    """Holds the terminal's streams of this process and its children from `take` to `give_back`.

    They write to a file without a name, not to a pipe. A job that outlives a killed run can so go on; it may be paid.
    """

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the last process that has it
        self._read = 0
        self._kept = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        self.terminal = self._kept[2]

    def take(self) -> None:
        """Catch everything from now on, except what is written to `terminal`."""
        _turn(dict.fromkeys(self._kept, self._file.fileno()))
        os.environ[DISPLAY] = place_of(self._file.fileno())

    def give_back(self) -> None:
        """Let everything go to the terminal again."""
        _turn(self._kept)
        os.environ.pop(DISPLAY, None)

    def news(self, last: bool = False) -> list[str]:
        """Return the lines since the last call."""
        new = os.pread(self._file.fileno(), 1 << 24, self._read)  # does not move the position at which others write
        self._read += len(new)
        return self.lines(new, last)


def speak_in_whole_messages(handler: "logging.StreamHandler[TextIO]") -> None:
    """Make Snakemake's handler write each message with its line end in one call.

    Jobs write to the same terminal. Without buffering (PYTHONUNBUFFERED, as in containers), their words would come
    between a message and its line end.
    """
    number = handler.stream.fileno()
    whole = open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - stays open
    handler.setStream(whole)


def _turn(streams: dict[int, int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for number, target in streams.items():
        os.dup2(target, number)
