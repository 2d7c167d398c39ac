"""What every script shares: arguments, a log beside the terminal, progress, readable errors."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from rag_instruct.errors import UserError

T = TypeVar("T")
logger = logging.getLogger("rag_instruct")

SECONDS_BETWEEN_LINES = 30  # of a progress bar that is not on a terminal (SLURM's log, CI)
TOOK = "took {:.1f} s"  # the last line of the log of a job that went well
DISPLAY = "RAG_INSTRUCT_DISPLAY"  # the file that a run's display reads, as systemd's JOURNAL_STREAM


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, example included."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--log", type=Path, help="file that gets a copy of the messages")
    return made


def first_process() -> bool:
    """Whether this is the one of several processes of a training that speaks."""
    return os.environ.get("RANK", "0") == "0"


def run(main: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> None:
    """Call `main`; a UserError ends as one readable message, anything else as a traceback."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if arguments.log and first_process():
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(arguments.log, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=handlers, force=True)
    logger.setLevel(logging.INFO if first_process() else logging.ERROR)
    began = time.monotonic()
    try:
        main(arguments)
        _note(handlers, TOOK.format(time.monotonic() - began))
    except UserError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit(130)
    except Exception:
        logger.exception("This is a fault of the project, not of your data: please report it.")
        sys.exit(1)


def _note(handlers: list[logging.Handler], message: str) -> None:
    """Write to the log only: the report reads it, and a terminal has no use for it."""
    for handler in handlers[1:]:
        handler.handle(logging.makeLogRecord({"msg": message, "levelno": logging.INFO, "levelname": "INFO"}))


def bar(
    what: str, total: int | None = None, unit: str = "it", items: Iterable[Any] | None = None, done: int = 0
) -> "tqdm[Any]":
    """A progress bar with rate and estimate; without a terminal, a line now and then. Bytes (`B`) are scaled.

    `done` was done before, and does not count for the rate.
    """
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


def add_encoder(to: argparse.ArgumentParser) -> None:
    """The arguments of an encoder, of the names that EncoderSettings has."""
    to.add_argument("--model", required=True, help="a hub id, a folder, or package:<module>/<folder>")
    to.add_argument("--revision")
    to.add_argument("--max-length", type=int, default=512, help="tokens")
    to.add_argument("--normalize", action="store_true", help="scale vectors to length 1")
    to.add_argument("--query-prefix", default="", help="put before every query")
    to.add_argument("--passage-prefix", default="", help="put before every passage")


def add_teacher(to: argparse.ArgumentParser, stage: str) -> None:
    """The arguments of a stage that asks a model; the rest about the model is in config.yaml."""
    to.add_argument("--teacher", required=True, help="a key of `teachers` in config.yaml")
    to.add_argument("--dataset", required=True, help="whose budget pays")
    to.set_defaults(stage=stage)


def add_generation(to: argparse.ArgumentParser) -> None:
    """The arguments of a stage in which a model under test answers."""
    to.add_argument("questions", type=Path)
    to.add_argument(
        "--documents", type=Path, nargs="?", help="of each question; left out, the model has its own knowledge only"
    )
    to.add_argument("--max-new-tokens", type=int, required=True, help="of an answer")
    to.add_argument("--decoding", choices=["greedy", "paper"], required=True, help="paper: temperature 0.5, top-p 0.9")
    to.add_argument("--output", type=Path, required=True)
