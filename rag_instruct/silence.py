"""Remove from code all that users only read: docstrings, messages, labels of progress bars and help texts."""

import ast
from typing import Any

LABELLED = ("bar", "progress")  # functions of logs.py; their text arguments are labels
HELP = ("help", "metavar", "description", "epilog")  # arguments of command lines
# Functions and methods that change nothing, so a message may call them.
PURE = {"len", "sum", "min", "max", "round", "sorted", "str", "repr", "type", "format", "join", "map", "list", "dict"}
PURE |= {"set", "zip", "shorten", "items", "keys", "values", "strip", "split"}
Body = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def silenced(text: str) -> ast.Module:
    """Return the syntax tree of the code, without what users only read."""
    tree = ast.parse(text)
    _Silencer().visit(tree)
    return tree


class _Silencer(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> Any:
        """Visit a node. If a body loses all its statements, it becomes `pass`."""
        if isinstance(node, Body) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
        kept = super().visit(node)
        if isinstance(kept, ast.stmt) and getattr(kept, "body", None) == []:
            vars(kept)["body"] = [ast.Pass()]
        return kept

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if _is_message(node.value) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        """Remove an `if` that only had messages."""
        self.generic_visit(node)
        return node if node.body or node.orelse or not _is_pure(node.test) else None

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.keywords = [one for one in node.keywords if one.arg not in HELP]
        if isinstance(node.func, ast.Name) and node.func.id in LABELLED:
            node.args = [one for one in node.args if not _is_text(one)]
            node.keywords = [one for one in node.keywords if not _is_text(one.value)]
        if isinstance(node.func, ast.Name) and node.func.id == "UserError":
            node.args = [one for one in node.args if not _is_pure(one)]
        return node


def _is_message(node: ast.expr) -> bool:
    """Return whether an expression only writes a message to the log or the terminal."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        says = node.func.id == "print" and not any(one.arg == "file" for one in node.keywords)
    else:
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        says = isinstance(owner, ast.Name) and owner.id == "logger"
    return says and all(map(_is_pure, [*node.args, *(one.value for one in node.keywords)]))


def _is_pure(node: ast.expr) -> bool:
    """Return whether an expression certainly changes nothing."""
    changing = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
    return not any(
        isinstance(one, changing) or (isinstance(one, ast.Call) and _called(one) not in PURE) for one in ast.walk(node)
    )


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
