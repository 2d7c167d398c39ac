"""Run a script's function: a command line from its signature, a log beside the terminal, readable errors."""

import inspect
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_origin

from cyclopts import App, CycloptsError, Parameter

from rag_instruct.errors import ArgumentError, UserError
from rag_instruct.logs import TOOK, copy_to, first_process, logger

Flat = Parameter(name="*")  # annotates a named tuple: its fields are arguments of the command
LOG = "file that gets a copy of the messages"


def run(function: Callable[..., None], given: Sequence[str] | None = None) -> None:
    """Call `function` with the arguments of the command line, and exit with a status after an error.

    A parameter is an argument: positional, or `--name` where it is keyword-only. The help is the docstring of the
    function's module, whose section "Args:" describes the parameters. Statuses: 1 for a UserError, or with a traceback
    for a fault of ours; 2 for wrong arguments; 130 for Ctrl-C.
    """
    call, log = _command(function, sys.argv[1:] if given is None else given)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logger.setLevel(logging.INFO if first_process() else logging.ERROR)
    if log:
        copy_to(log)
    began = time.monotonic()
    try:
        call()
        _note(TOOK.format(time.monotonic() - began))
    except UserError as error:
        logger.error("error: %s", error)
        sys.exit(2 if isinstance(error, ArgumentError) else 1)
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit(130)
    except Exception:
        logger.exception("This is a fault of the project, not of your data: please report it.")
        sys.exit(1)


def one_of(value: str, names: Iterable[str], argument: str) -> str:
    """`value`, which an argument takes only if it is one of `names`; else an ArgumentError that lists them."""
    if value not in names:
        raise ArgumentError(f"{argument}: {value!r} is unknown: choose from {', '.join(names)}")
    return value


def _note(message: str) -> None:
    """Write to the log file only, for the report; a terminal has no use for it."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(logging.makeLogRecord({"msg": message, "levelno": logging.INFO, "levelname": "INFO"}))


def _command(function: Callable[..., None], given: Sequence[str]) -> tuple[Callable[[], None], Path | None]:
    """The call that the arguments mean, and the file of --log. Exits after a help or a wrong argument."""
    module = sys.modules[function.__module__]
    text, helps = _described(module.__doc__ or "")
    text = re.sub(r"python -m scripts\.\w+", _name(module), text)
    signed = _with_helps(function, {**helps, "log": LOG})
    app = App(
        _name(module), help=text, help_format="plaintext", version_flags=(), print_error=False, exit_on_error=False
    )
    app.default_parameter = Parameter(negative=())
    app.default(signed)
    try:
        command, bound, _ = app.parse_args(_normalised(given, inspect.signature(signed)))
    except CycloptsError as error:
        print(f"{app.name[0]}: {' '.join(str(error).split())} (see --help)", file=sys.stderr)
        sys.exit(2)
    named = dict(bound.kwargs)
    if command is not signed:
        command(*bound.args, **named)  # the help
        sys.exit(0)
    log = named.pop("log", None)
    return lambda: function(*bound.args, **named), log


def _name(module: ModuleType) -> str:
    """What a user types to start the module."""
    spec = module.__spec__
    if module.__name__ == "__main__" and spec:
        return f"python -m {spec.name}"
    return f"rag-instruct {module.__name__.rsplit('.', 1)[-1].replace('_', '-')}"


def _described(doc: str) -> tuple[str, dict[str, str]]:
    """A docstring without its section "Args:", and that section's texts by name of argument."""
    text, _, section = doc.partition("\nArgs:\n")
    lines = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", section, re.MULTILINE)
    return text.strip(), {name: " ".join(help.split()) for name, help in lines}


def _with_helps(function: Callable[..., None], helps: dict[str, str]) -> Callable[..., None]:
    """A stand-in for the function, whose signature has the helps and --log."""
    signature = inspect.signature(function)
    log = inspect.Parameter("log", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Path | None)
    parameters = [
        one.replace(annotation=_annotated(one, helps.get(one.name))) for one in (*signature.parameters.values(), log)
    ]

    def stand_in(*_: Any, **__: Any) -> None: ...

    stand_in.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    stand_in.__annotations__ = {one.name: one.annotation for one in parameters}
    return stand_in


def _annotated(parameter: inspect.Parameter, help: str | None) -> Any:
    """The type with its help; a list takes all values that follow its flag, and may be empty if it has a default."""
    listed = get_origin(parameter.annotation) in (list, tuple, Sequence)
    least = int(parameter.default is parameter.empty)
    return Annotated[parameter.annotation, Parameter(help=help, consume_multiple=(least, None) if listed else None)]


def _normalised(given: Sequence[str], signature: inspect.Signature) -> list[str]:
    """The arguments with hyphens in names, and without optional flags that no value follows: a rule had none."""
    optional = {_flag(one.name) for one in signature.parameters.values() if one.default is None}
    tokens = [re.sub(r"^--[^=]+", lambda name: _flag(name[0][2:]), one) for one in given]
    pairs = zip(tokens, [*tokens[1:], "--"], strict=False)
    return [one for one, following in pairs if one not in optional or following[:2] != "--"]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
