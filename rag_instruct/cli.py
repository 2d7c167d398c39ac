"""What every script shares: arguments, a log beside the terminal, progress, readable errors."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from rag_instruct.errors import UserError

T = TypeVar("T")
logger = logging.getLogger("rag_instruct")

SECONDS_BETWEEN_LINES = 30  # of a progress bar that is not on a terminal (SLURM's log, CI)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, example included."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--log", type=Path, help="file that gets a copy of the messages")
    return made


def run(main: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> None:
    """Call `main`; a UserError ends as one readable message, anything else as a traceback."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if arguments.log:
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(arguments.log, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=handlers, force=True)
    logger.setLevel(logging.INFO)
    try:
        main(arguments)
    except UserError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit(130)
    except Exception:
        logger.exception("This is a fault of the project, not of your data: please report it.")
        sys.exit(1)


def bar(
    what: str, total: int | None = None, unit: str = "it", items: Iterable[Any] | None = None, done: int = 0
) -> "tqdm[Any]":
    """A progress bar with rate and estimate; without a terminal, a line now and then. Bytes (`B`) are scaled.

    `done` was done before, and does not count for the rate.
    """
    interval = 0.1 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES
    return tqdm(
        items,
        desc=what,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        initial=done,
        mininterval=interval,
        maxinterval=interval,
    )


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
