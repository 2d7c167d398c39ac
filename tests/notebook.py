"""Notebooks without Jupyter: run one, and keep its outputs.

.venv/bin/python tests/notebook.py examples/results.ipynb my_project/   # where results/ is
"""

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run the code cells one after the other in this process, and put what their last lines give into their outputs."""
    names: dict[str, Any] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        lines = ast.parse("".join(cell["source"])).body
        last = lines.pop() if isinstance(lines[-1], ast.Expr) else None
        exec(compile(ast.Module(lines, []), f"cell {number}", "exec"), names)
        cell["execution_count"], cell["outputs"] = number, []
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
            cell["outputs"] = [_result(value, number)]
    return names


def _result(value: Any, number: int) -> dict[str, Any]:
    shown = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        shown["text/html"] = value._repr_html_().splitlines(keepends=True)
    return {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": shown}


if __name__ == "__main__":
    path = Path(sys.argv[1]).resolve()
    notebook = json.loads(path.read_text("utf-8"))
    os.chdir(sys.argv[2])
    run(notebook)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
