"""What a stage's code says, less what it does not mean: the free stages' part of being up to date."""

import ast
import os
import sys
from pathlib import Path

from rag_instruct.files import digest

PACKAGES = ("rag_instruct", "scripts")


def code_of_script(root: Path, name: str) -> str:
    """A digest of scripts/<name>.py and of all modules of the project that it imports, near and far.

    Comments, docstrings and layout do not count, and a touched file is the same file: so an
    edit that changes nothing reruns nothing.
    """
    found: dict[str, str] = {}
    _collect(root, f"scripts.{name}", found)
    return digest(*(f"{module}\n{found[module]}" for module in sorted(found)))[:16]


def _collect(root: Path, module: str, found: dict[str, str]) -> None:
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    if module in found or not path.is_file():
        return
    tree = ast.parse(path.read_text("utf-8"))
    imported = [name for node in ast.walk(tree) for name in _imports(node) if name.split(".")[0] in PACKAGES]
    found[module] = ast.unparse(_without_docstrings(tree))
    for name in imported:
        _collect(root, name, found)


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
