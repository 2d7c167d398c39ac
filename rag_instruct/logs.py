"""What jobs say: a logger, progress bars, and whether somebody shows them."""

import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")
logger = logging.getLogger("rag_instruct")

SECONDS_BETWEEN_LINES = 30  # of a progress bar that is not on a terminal (SLURM's log, CI)
TOOK = "took {:.1f} s"  # the last line of the log of a job that went well
DISPLAY = "RAG_INSTRUCT_DISPLAY"  # the file that a run's display reads, as systemd's JOURNAL_STREAM


def first_process() -> bool:
    """Whether this is the one of several processes of a training that speaks."""
    return os.environ.get("RANK", "0") == "0"


def copy_to(log: Path) -> None:
    """Write all messages to a file too. Only the first process of a training writes, and only to its first file."""
    root = logging.getLogger()
    if first_process() and not any(isinstance(handler, logging.FileHandler) for handler in root.handlers):
        log.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)


def bar(
    what: str, total: int | None = None, unit: str = "it", items: Iterable[Any] | None = None, done: int = 0
) -> "tqdm[Any]":
    """A progress bar with rate and estimate; without a terminal, a line now and then. Bytes (`B`) are scaled.

    `done` was done before, and does not count for the rate.
    """
    from tqdm import tqdm  # takes as long as all else of a short job's start

    interval = 0.1 if sys.stderr.isatty() else 1 if displayed() else SECONDS_BETWEEN_LINES
    return tqdm(
        items,
        desc=f"{_job()} {what}" if displayed() else what,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        initial=done,
        mininterval=interval,
        maxinterval=interval,
        disable=not first_process(),
    )


def place_of(number: int) -> str:
    """Device and inode of an open file."""
    status = os.fstat(number)
    return f"{status.st_dev}:{status.st_ino}"


def displayed() -> bool:
    """Whether stderr goes to the display of a run, which shows the bars of its jobs."""
    return os.environ.get(DISPLAY) == place_of(2)


def _job() -> str:
    """The name of the log, which is that of the job: a display has the bars of several."""
    handlers = logging.getLogger().handlers
    return " ".join(Path(one.baseFilename).stem for one in handlers if isinstance(one, logging.FileHandler))


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """`items` behind a bar."""
    return bar(what, total, items=items)
