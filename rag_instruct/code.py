"""Digest the code that a script uses, without comments, docstrings and messages.

A free rule has this digest as a param, so an edit of code that its script uses makes the rule stale. An edit of a
comment, docstring, message, help text or unrelated function does not. If it is not clear whether the script uses some
code, we count it.
"""

import ast
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rag_instruct.files import digest, write_json
from rag_instruct.silence import silenced

PROJECT = ("rag_instruct", "scripts")
# Modules that only print, show, lock or start things. No output depends on them.
SAYING = {"cli", "code", "errors", "graph", "jobs", "lock", "logs", "silence"}
ALL = "*"  # in a Place: every name in the module
IMPORTED = ""  # in a Place: the code that runs when the module is imported

Place = tuple[str, str]  # a module and a name in it
Source = tuple[str, str]  # the origin of an imported name: a module, and a name in it or ""


class Code:
    """The code of the project. Each file is parsed once, when a script first uses it.

    To parse all of it takes seconds, and each plan and each job on a cluster asks. So `kept`, if given, is a file that
    keeps the digests. It counts only as long as no file of the project has changed.
    """

    def __init__(self, root: Path, kept: Path | None = None) -> None:
        self._root = root
        self._modules: dict[str, Module | None] = {}
        self._kept = kept
        self._version = self._all_code() if kept else ""
        self._digests = _read(kept, self._version) if kept else {}

    def of_script(self, name: str, *more: str, without: Sequence[str] = ()) -> str:
        """Return a digest of the code that scripts/<name>.py uses.

        `more` are modules that the script loads by name, such as that of a benchmark. `without` are modules that do not
        change its output.
        """
        asked = " ".join((name, *more, ALL, *without))
        if asked not in self._digests:
            found = self.reached([(module, ALL) for module in (f"scripts.{name}", *more)], without)
            texts = {place: text for place, text in found.items() if text}
            self._digests[asked] = digest(*(f"{place}\n{texts[place]}" for place in sorted(texts)))[:16]
            if self._kept:
                with suppress(OSError):  # a job on another node may write it, too, and a folder may be read-only
                    write_json(self._kept, {"version": self._version, "digests": self._digests})
        return self._digests[asked]

    def _all_code(self) -> str:
        """Return a digest of all files of the project. The version of Python decides how code is written out."""
        packages = [self._folder(name) / name for name in PROJECT]
        files = [(file, package.parent) for package in packages for file in package.rglob("*.py")]
        texts = sorted(f"{file.relative_to(folder)}\n{file.read_text('utf-8')}" for file, folder in files)
        return digest(str(sys.version_info[:2]), *texts)

    def _folder(self, package: str) -> Path:
        """Return the folder of a package. The installed package is not in the folder of its scripts and rules."""
        return self._root if (self._root / package).is_dir() else Path(__file__).parents[1]

    def reached(self, waiting: list[Place], without: Sequence[str] = ()) -> dict[Place, str]:
        """Return the code of all definitions that these use, directly or not, by place."""
        found: dict[Place, str] = {}
        while waiting:
            place = waiting.pop()
            if place in found or place[0] in without or not (module := self.module(place[0])):
                continue
            found[place] = module.text(place[1])
            waiting += module.uses(place[1])
        return found

    def module(self, name: str) -> "Module | None":
        """Return a module of the project, or None for another name. Modules of SAYING come without code."""
        if name not in self._modules:
            package, *inner = name.split(".")
            path = self._folder(package).joinpath(package, *inner)
            files = (path.with_suffix(".py"), path / "__init__.py") if package in PROJECT else ()
            file = next((file for file in files if file.is_file()), None)
            text = "" if package == PROJECT[0] and {*inner[:1]} & SAYING else file and file.read_text("utf-8")
            self._modules[name] = None if file is None else Module(name, text or "", self.module)
        return self._modules[name]


def _read(kept: Path, version: str) -> dict[str, str]:
    """Return the digests of a file of this version. Another file, or a damaged one, has none."""
    try:
        found = json.loads(kept.read_text("utf-8"))
        return dict(found["digests"]) if found["version"] == version else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


class Module:
    """A file: its top-level statements by the names that they define, and the origins of its imported names."""

    def __init__(self, name: str, text: str, find: Callable[[str], "Module | None"]) -> None:
        tree = silenced(text)
        self._name, self._find = name, find
        self._imports: dict[str, list[Source]] = {}
        for node in ast.walk(tree):
            for alias, source in _imports(node):
                self._imports.setdefault(alias, []).append(source)
        self._statements: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            for defined in self._defines(statement):
                self._statements.setdefault(defined, []).append(statement)
        self._texts: dict[str, str] = {}
        self._uses: dict[str, list[Place]] = {}

    def text(self, name: str) -> str:
        """Return the code that defines a name, and the origins of the imported names in this code."""
        if name not in self._texts:
            statements = self._statements.get(name, [])
            names = sorted({used for statement in statements for used, _ in _used(statement)} & self._imports.keys())
            sources = [f"{used} = {self._imports[used]}" for used in names]
            self._texts[name] = "\n".join([*sources, *map(ast.unparse, statements)])
        return self._texts[name]

    def uses(self, name: str) -> list[Place]:
        """Return the places in the project that a definition uses."""
        if name not in self._uses:
            self._uses[name] = [(self._name, IMPORTED), *self._found(name)]
        return self._uses[name]

    def _found(self, name: str) -> Iterator[Place]:
        if name == IMPORTED:
            yield from self._at_import()
        if name in self._statements:
            for statement in self._statements[name]:
                for used, attribute in _used(statement):
                    yield from self._places(used, attribute)
        elif name in self._imports:
            yield from self._places(name, None)
        elif name != IMPORTED:  # ALL, or a name whose definition we cannot find
            yield from ((self._name, other) for other in self._statements)

    def _at_import(self) -> Iterator[Place]:
        """Yield the modules whose top level runs when this module is imported."""
        for sources in self._imports.values():
            for module, member in sources:
                parts = f"{module}.{member}".split(".")
                yield from ((".".join(parts[:end]), IMPORTED) for end in range(1, len(parts) + 1))

    def _places(self, name: str, attribute: str | None) -> Iterator[Place]:
        """Yield the place of a name. If the name is a module, yield the place of `attribute` in it."""
        if name in self._statements:
            yield self._name, name
        for module, member in self._imports.get(name, []):
            inner = f"{module}.{member}" if member else module
            if self._find(inner):
                yield inner, attribute or ALL
            elif self._find(module):
                yield module, member or ALL

    def _defines(self, statement: ast.stmt) -> set[str]:
        """Return the names that a statement defines, and IMPORTED if it may do something else too."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return set()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            registered = any(
                list(self._places(name, None)) for part in statement.decorator_list for name, _ in _used(part)
            )
            return {statement.name, *([IMPORTED] if registered else [])}
        stored = {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        assigns = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and stored
        return stored if assigns else {*stored, IMPORTED}


def _imports(node: ast.AST) -> Iterator[tuple[str, Source]]:
    """Yield the names that a node imports, each with its origin."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0], (alias.name, "")
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            yield alias.asname or alias.name, (node.module, "" if alias.name == "*" else alias.name)


def _used(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Yield the names in a node, each with the attribute that follows it, or None."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id, node.attr
    elif isinstance(node, ast.Name):
        yield node.id, None
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value, None  # a name in an annotation or in getattr
    else:
        for inner in ast.iter_child_nodes(node):
            yield from _used(inner)
