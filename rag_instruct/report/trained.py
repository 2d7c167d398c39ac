"""What trainings on a data set and its evaluation showed, where there are any, for the report."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_instruct.evaluation.table import main_table
from rag_instruct.files import read_json
from rag_instruct.report.beside import files_beside


def curves(dataset: Path) -> Iterator[dict[str, Any]]:
    """The picture of each training, as an address that holds it."""
    for path in files_beside(dataset):
        if path.suffix == ".svg":
            picture = base64.b64encode(path.read_bytes()).decode("ascii")
            address = f"data:image/svg+xml;base64,{picture}"
            yield {"model": path.stem, "address": address, "earlier": _earlier(path, dataset)}


def evaluation(dataset: Path) -> dict[str, Any] | None:
    """The heads and rows of the evaluation's main table, or None."""
    path = dataset.with_suffix("") / "evaluation.json"
    if path not in files_beside(dataset):
        return None
    heads, rows = main_table(read_json(path))
    return {"heads": heads, "rows": rows, "earlier": _earlier(path, dataset)}


def _earlier(path: Path, dataset: Path) -> bool:
    """Whether it was made before the data set that is there now."""
    return path.stat().st_mtime < dataset.stat().st_mtime
