"""What a run and its jobs write to the terminal, caught before it gets there: lines, and tqdm's bars."""

import logging
import os
import re
import sys
import tempfile
from typing import TextIO

from rag_instruct.logs import DISPLAY, place_of

# A bar of tqdm's, and what its process said after it, on the same line.
BAR = re.compile(
    r"(?P<bar>(?P<name>.*?): +(?:\d+%\|.*?\| )?\d\S*(?: \S+)? \[[\d:]+(?:<[\d:?]+)?, [^\]]*\]) *(?P<rest>.*)"
)
ENDS = re.compile(rb"([\r\n])")  # of a part of the stream


class Parted:
    """A stream of bytes parted into messages and the bars that are under way."""

    def __init__(self) -> None:
        self._half = b""
        self.bars: dict[str, str] = {}  # by name, the latest last

    def lines(self, new: bytes, last: bool = False) -> list[str]:
        """The lines that `new` ends, without bars; with `last`, one that has not ended too."""
        *ended, self._half = ENDS.split(self._half + new + (b"\n" if last else b""))
        pairs = zip(ended[::2], ended[1::2], strict=True)
        lines = [line for part, end in pairs if (line := self._line(part.decode("utf-8", "replace"), end)) is not None]
        self._line(self._half.decode("utf-8", "replace"), b"\r")
        return lines

    def _line(self, part: str, end: bytes) -> str | None:
        """The message in a part of the stream, or None; a bar is noted, and forgotten when its line ends."""
        found = BAR.fullmatch(part)
        if not found:
            return part if end == b"\n" else None
        self.bars.pop(found["name"], None)
        if found["rest"] or end == b"\r":
            self.bars[found["name"]] = found["bar"]
        return found["rest"] if found["rest"] and end == b"\n" else None


class Captured(Parted):
    """The terminal's streams of this process and its children, from when they are taken until they are given back.

    They write to a file without a name, not to a pipe: a job that outlives a killed run goes on, and may be paid for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the last process that has it
        self._read = 0
        self._kept = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        self.terminal = self._kept[2]

    def take(self) -> None:
        """From now on nothing goes to the terminal but what is written to `terminal`."""
        _turn(dict.fromkeys(self._kept, self._file.fileno()))
        os.environ[DISPLAY] = place_of(self._file.fileno())

    def give_back(self) -> None:
        """From now on all goes to the terminal again."""
        _turn(self._kept)
        os.environ.pop(DISPLAY, None)

    def news(self, last: bool = False) -> list[str]:
        """The lines since the last call."""
        new = os.pread(self._file.fileno(), 1 << 24, self._read)  # leaves the place where others write as it is
        self._read += len(new)
        return self.lines(new, last)


def speak_in_whole_messages(handler: "logging.StreamHandler[TextIO]") -> None:
    """Have each message written at once: jobs write to the same place, and Snakemake's handler writes line ends apart.

    Where Python does not buffer (PYTHONUNBUFFERED, as in containers), what a job says comes between the two.
    """
    number = handler.stream.fileno()
    whole = open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - stays open
    handler.setStream(whole)


def _turn(streams: dict[int, int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for number, target in streams.items():
        os.dup2(target, number)
