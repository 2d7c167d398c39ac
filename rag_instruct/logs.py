"""The logger and the progress bars of jobs."""

import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")
logger = logging.getLogger("rag_instruct")

SECONDS_BETWEEN_LINES = 30  # between lines of a progress bar without a terminal (SLURM, CI)
_bars: "WeakSet[tqdm[Any]]" = WeakSet()
TOOK = "took {:.1f} s"  # the last line in the log of a job that succeeded
DISPLAY = "RAG_INSTRUCT_DISPLAY"  # device and inode of the file that the run's display reads


def first_process() -> bool:
    """Return whether this process writes messages. Only the first of a training's processes does."""
    return os.environ.get("RANK", "0") == "0"


def stop_printing() -> None:
    """Discard all further output to stdout, because its reader has ended, for example `| head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def copy_to(log: Path) -> None:
    """Write all messages to a file too. Only the first process of a training does, and only the first call counts."""
    root = logging.getLogger()
    if first_process() and not any(isinstance(handler, logging.FileHandler) for handler in root.handlers):
        log.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)


def bar(
    what: str,
    total: int | None = None,
    unit: str = "it",
    items: Iterable[Any] | None = None,
    done: int = 0,
    hidden: bool = False,
) -> "tqdm[Any]":
    """Return a progress bar with rate and time left. Without a terminal it writes a line from time to time.

    If `unit` is "B", numbers get prefixes such as k and M. `done` items were finished earlier: they do not count for
    the rate.
    """
    from tqdm import tqdm  # this import takes half of a short job's start

    interval = 0.1 if sys.stderr.isatty() else 1 if displayed() else SECONDS_BETWEEN_LINES
    made = tqdm(
        items,
        desc=f"{_job()} {what}" if displayed() else what,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        initial=done,
        mininterval=interval,
        maxinterval=interval,
        disable=hidden or not first_process(),
    )
    _bars.add(made)
    return made


class Messages(logging.StreamHandler[TextIO]):
    """Writes each message on a line of its own, also while a progress bar is open."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a message, after a line break if a bar is open. A closed bar has ended its line itself."""
        begun = any(not one.disable for one in _bars)
        return f"\n{super().format(record)}" if begun else super().format(record)


def place_of(number: int) -> str:
    """Return device and inode of an open file."""
    status = os.fstat(number)
    return f"{status.st_dev}:{status.st_ino}"


def displayed() -> bool:
    """Return whether stderr goes to the display of a run, which shows the bars of all jobs."""
    return os.environ.get(DISPLAY) == place_of(2)


def _job() -> str:
    """Return the name of the job's log, because a display shows the bars of several jobs."""
    handlers = logging.getLogger().handlers
    return " ".join(Path(one.baseFilename).stem for one in handlers if isinstance(one, logging.FileHandler))


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """Return an iterable of `items` that shows a progress bar, except for a single item."""
    return bar(what, total, items=items, hidden=total == 1)
