"""What a stage's code says, less what it does not mean: the free stages' part of being up to date."""

import ast
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rag_instruct.files import digest

PACKAGES = ("rag_instruct", "scripts")


def code_of_script(root: Path, name: str, *more: str, without: Sequence[str] = ()) -> str:
    """A digest of scripts/<name>.py and of all modules of the project that it imports, near and far.

    `more` are modules that it finds by name (a benchmark's), `without` those that decide nothing here. Comments,
    docstrings and layout do not count, and a touched file is the same file: so an edit that changes nothing reruns
    nothing.
    """
    found = dict.fromkeys(without, "")
    for module in (f"scripts.{name}", *more):
        _collect(root, module, found)
    return digest(*(f"{module}\n{found[module]}" for module in sorted(found.keys() - set(without))))[:16]


def _collect(root: Path, module: str, found: dict[str, str]) -> None:
    if module in found or (path := _file(root, module)) is None:
        return
    found[module], imported = _meaning(path.read_text("utf-8"))
    for name in imported:
        _collect(root, name, found)


@cache  # most modules belong to many scripts
def _meaning(text: str) -> tuple[str, list[str]]:
    """A module's code without what does not count, and what of the project it imports."""
    tree = ast.parse(text)
    imported = [name for node in ast.walk(tree) for name in _imports(node) if name.split(".")[0] in PACKAGES]
    return ast.unparse(_without_docstrings(tree)), imported


def _file(root: Path, module: str) -> Path | None:
    """A module's file, or a package's: below `root`, or where an installed package lies apart from its rules."""
    places = (folder.joinpath(*module.split(".")) for folder in (root, Path(__file__).parents[1]))
    files = (path for place in places for path in (place.with_suffix(".py"), place / "__init__.py"))
    return next((path for path in files if path.is_file()), None)


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def jobs_find(root: str) -> None:
    """Let a graph's jobs find this interpreter and this project, from whatever shell it was called."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = root
