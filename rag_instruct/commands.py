"""The command `rag-instruct`. Every script is a subcommand, for use without Snakemake."""

import difflib
import sys
from importlib import import_module
from pathlib import Path

from rag_instruct.logs import stop_printing
from rag_instruct.project import root

USAGE = """Usage: rag-instruct COMMAND [ARGUMENTS]
       rag-instruct COMMAND --help
       rag-instruct workflow    print the path of the Snakefile: snakemake -s "$(rag-instruct workflow)"

Commands:"""


def main() -> None:
    """Run the subcommand of the command line. Only its module is imported."""
    name, *arguments = sys.argv[1:] or ["--help"]
    scripts = {path.stem.replace("_", "-"): path for path in sorted((root() / "scripts").glob("[a-z]*.py"))}
    if name in ("--help", "-h"):
        _print("\n".join([USAGE, *(f"  {command:30} {_summary(path)}" for command, path in scripts.items())]))
    elif name == "workflow":
        print(root() / "Snakefile")
    elif name.replace("_", "-") in scripts:
        _run(scripts[name.replace("_", "-")], arguments)
    else:
        near = difflib.get_close_matches(name, scripts, n=1)
        hint = f"did you mean {near[0]}?" if near else "rag-instruct --help lists the commands"
        print(f"rag-instruct: {name!r} is not a command: {hint}", file=sys.stderr)
        sys.exit(2)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        stop_printing()


def _summary(path: Path) -> str:
    """Return the first line of the script's docstring."""
    with path.open(encoding="utf-8") as file:
        return file.readline().strip().strip('"')


def _run(path: Path, arguments: list[str]) -> None:
    sys.path.insert(0, str(root()))
    function = import_module(f"scripts.{path.stem}").main

    from rag_instruct import cli

    cli.run(function, arguments)


if __name__ == "__main__":
    main()
