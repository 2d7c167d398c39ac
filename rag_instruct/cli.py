"""Run a script's function with a command line made from its signature, a log file, and readable errors."""

import inspect
import json
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
from rag_instruct.logs import TOOK, Messages, copy_to, first_process, logger, stop_printing

Flat = Parameter(name="*")  # annotates a named tuple whose fields are arguments of the command
# The help of arguments that many scripts have. A script's own section "Args:" comes before it.
HELPS = {
    "settings": "the graph's settings as resolved JSON; default: config.yaml is read",
    "teacher": "key of `teachers` in config.yaml",
    "dataset": "data set whose budget pays",
    "requests": "the most requests in flight; default: the teacher's concurrency",
    "log": "file for a copy of the messages",
}


def run(function: Callable[..., None], given: Sequence[str] | None = None) -> None:
    """Call `function` with the arguments of the command line. Exit with a status after an error.

    Each parameter is an argument; keyword-only parameters become `--name`. The help is the docstring of the function's
    module; its section "Args:" describes the parameters, and HELPS those that many scripts have. The status is 1 after
    a UserError or a path that cannot be opened, 1 with a traceback after a bug, 2 for wrong arguments, and 130 after
    Ctrl-C.
    """
    call, log = _command(function, sys.argv[1:] if given is None else given)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[Messages(sys.stderr)], force=True)
    logger.setLevel(logging.INFO if first_process() else logging.ERROR)
    began = time.monotonic()
    try:
        if log:
            copy_to(log)
        call()
        _note(TOOK.format(time.monotonic() - began))
    except UserError as error:
        logger.error("error: %s", error)
        sys.exit(2 if isinstance(error, ArgumentError) else 1)
    except BrokenPipeError:
        stop_printing()
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.filename:  # a folder in place of a file, no permission, no such file
            logger.error("error: %s: %s: check this path and its permissions", error.filename, error.strerror)
        else:
            logger.exception("This is a fault of the project, not of your data: please report it.")
        sys.exit(1)


def one_of(value: str, names: Iterable[str], argument: str) -> str:
    """Return `value` if it is one of `names`; otherwise raise an ArgumentError that lists them."""
    if value not in names:
        raise ArgumentError(f"{argument}: {value!r} is unknown: choose from {', '.join(names)}")
    return value


def json_object(text: str, argument: str, names: Iterable[str] = (), needed: Iterable[str] = ()) -> dict[str, Any]:
    """Return the JSON object that an argument has; otherwise raise an ArgumentError.

    The object must have the keys `needed`. If `names` are given, it may have no other key.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{argument}: {text!r:.60} is no JSON ({error}): give a JSON object") from error
    if not isinstance(value, dict):
        raise ArgumentError(f"{argument}: {text!r:.60} is no JSON object: give one in braces")
    for key in value if names else ():
        one_of(key, names, argument)
    if lacking := [name for name in needed if name not in value]:
        raise ArgumentError(f"{argument}: the JSON object lacks the key {lacking[0]!r}: add it")
    return value


def counts_by_name(pairs: Iterable[str], argument: str) -> dict[str, int]:
    """Return the counts that arguments name=count give; otherwise raise an ArgumentError."""
    found = {}
    for pair in pairs:
        name, _, count = pair.rpartition("=")
        if not name or not re.fullmatch(r"[0-9]+", count):
            raise ArgumentError(f"{argument}: {pair!r} has no name and count: give such as single_doc_answer=8000")
        found[name] = int(count)
    return found


def _note(message: str) -> None:
    """Write a message only to the log file, where the report reads it."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(logging.makeLogRecord({"msg": message, "levelno": logging.INFO, "levelname": "INFO"}))


def _command(function: Callable[..., None], given: Sequence[str]) -> tuple[Callable[[], None], Path | None]:
    """Return the call that the arguments describe, and the file of --log. Exits after --help or a wrong argument."""
    module = sys.modules[function.__module__]
    text, helps = _described(module.__doc__ or "")
    text = re.sub(r"python -m scripts\.\w+", _name(module), text)
    signed = _with_helps(function, {**HELPS, **helps})
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
    """Return the command that starts the module."""
    spec = module.__spec__
    if module.__name__ == "__main__" and spec:
        return f"python -m {spec.name}"
    return f"rag-instruct {module.__name__.rsplit('.', 1)[-1].replace('_', '-')}"


def _described(doc: str) -> tuple[str, dict[str, str]]:
    """Return a docstring without its section "Args:", and the help of each argument in this section."""
    text, _, section = doc.partition("\nArgs:\n")
    lines = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", section, re.MULTILINE)
    return text.strip(), {name: " ".join(help.split()) for name, help in lines}


def _with_helps(function: Callable[..., None], helps: dict[str, str]) -> Callable[..., None]:
    """Return a stand-in for the function: its signature also has the help of each argument, and --log."""
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
    """Return the type with its help. A list takes all values after its flag; with a default, it may have none."""
    listed = get_origin(parameter.annotation) in (list, tuple, Sequence)
    least = int(parameter.default is parameter.empty)
    return Annotated[parameter.annotation, Parameter(help=help, consume_multiple=(least, None) if listed else None)]


def _normalised(given: Sequence[str], signature: inspect.Signature) -> list[str]:
    """Return the arguments with hyphens in their names, without optional flags that have no value.

    A rule writes such a flag when its file list is empty.
    """
    optional = {_flag(one.name) for one in signature.parameters.values() if one.default is None}
    tokens = [re.sub(r"^--[^=]+", lambda name: _flag(name[0][2:]), one) for one in given]
    pairs = zip(tokens, [*tokens[1:], "--"], strict=False)
    return [one for one, following in pairs if one not in optional or following[:2] != "--"]


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
