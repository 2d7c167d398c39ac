"""What every script shares: arguments, a log beside the terminal, readable errors."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.logs import TOOK, first_process, logger


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, example included."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--log", type=Path, help="file that gets a copy of the messages")
    return made


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
