"""Digest what a script computes: the definitions that it reaches, without what they only say.

A free rule has this digest among its params. An edit of a definition that the script reaches makes the rule stale. An
edit of a comment, a docstring, a message, a help text or an unrelated function does not. Code counts where it is not
clear that it takes no part.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rag_instruct.files import digest
from rag_instruct.silence import silenced

PROJECT = ("rag_instruct", "scripts")
# Modules that only say, show, lock or start things: no output depends on them.
SAYING = {"cli", "code", "errors", "graph", "jobs", "lock", "logs", "silence"}
ALL = "*"  # of a module: every name in it
IMPORTED = ""  # of a module: what runs whenever it is imported

Place = tuple[str, str]  # a module, and a name in it
Source = tuple[str, str]  # where an imported name is from: a module, and a name in it or nothing


class Code:
    """The project's code as it is now; each file is read once, when a script first reaches it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, Module | None] = {}
        self._digests: dict[tuple[str, ...], str] = {}

    def of_script(self, name: str, *more: str, without: Sequence[str] = ()) -> str:
        """A digest of what scripts/<name>.py reaches.

        `more` are modules that it finds by name, such as a benchmark's. `without` are modules that decide nothing here.
        """
        asked = (name, *more, ALL, *without)
        if asked not in self._digests:
            found = self._reached([(module, ALL) for module in (f"scripts.{name}", *more)], without)
            texts = {place: text for place, text in found.items() if text}
            self._digests[asked] = digest(*(f"{place}\n{texts[place]}" for place in sorted(texts)))[:16]
        return self._digests[asked]

    def _reached(self, waiting: list[Place], without: Sequence[str]) -> dict[Place, str]:
        """The texts of all definitions that can be reached from these, by their place."""
        found: dict[Place, str] = {}
        while waiting:
            place = waiting.pop()
            if place in found or place[0] in without or not (module := self.module(place[0])):
                continue
            found[place] = module.text(place[1])
            waiting += module.uses(place[1])
        return found

    def module(self, name: str) -> "Module | None":
        """A module of the project, without code where it computes nothing; None for what is no such module."""
        if name not in self._modules:
            package, *inner = name.split(".")
            # An installed package lies apart from its scripts and rules.
            root = self._root if (self._root / package).is_dir() else Path(__file__).parents[1]
            path = root.joinpath(package, *inner)
            files = (path.with_suffix(".py"), path / "__init__.py") if package in PROJECT else ()
            file = next((file for file in files if file.is_file()), None)
            text = "" if package == PROJECT[0] and {*inner[:1]} & SAYING else file and file.read_text("utf-8")
            self._modules[name] = None if file is None else Module(name, text or "", self.module)
        return self._modules[name]


class Module:
    """One file: the statements at its top level by the names that they define, and where imported names are from."""

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
        """The code of a name's definition, and where the names in it are from."""
        if name not in self._texts:
            statements = self._statements.get(name, [])
            names = sorted({used for statement in statements for used, _ in _used(statement)} & self._imports.keys())
            sources = [f"{used} = {self._imports[used]}" for used in names]
            self._texts[name] = "\n".join([*sources, *map(ast.unparse, statements)])
        return self._texts[name]

    def uses(self, name: str) -> list[Place]:
        """What a definition uses of this module and of the project's others."""
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
        elif name != IMPORTED:  # all of the module, or a name that it makes in a way that is not understood
            yield from ((self._name, other) for other in self._statements)

    def _at_import(self) -> Iterator[Place]:
        """What runs in other modules when this one is imported."""
        for sources in self._imports.values():
            for module, member in sources:
                parts = f"{module}.{member}".split(".")
                yield from ((".".join(parts[:end]), IMPORTED) for end in range(1, len(parts) + 1))

    def _places(self, name: str, attribute: str | None) -> Iterator[Place]:
        """What a name stands for, or the attribute of the module that it stands for."""
        if name in self._statements:
            yield self._name, name
        for module, member in self._imports.get(name, []):
            inner = f"{module}.{member}" if member else module
            if self._find(inner):
                yield inner, attribute or ALL
            elif self._find(module):
                yield module, member or ALL

    def _defines(self, statement: ast.stmt) -> set[str]:
        """The names that a statement defines; IMPORTED where it may do something else as well."""
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
    """The names that a node imports, and where from."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0], (alias.name, "")
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            yield alias.asname or alias.name, (node.module, "" if alias.name == "*" else alias.name)


def _used(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    """The names in a node, each with the attribute that is taken of it."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id, node.attr
    elif isinstance(node, ast.Name):
        yield node.id, None
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value, None  # of an annotation, or of getattr
    else:
        for inner in ast.iter_child_nodes(node):
            yield from _used(inner)
