"""Read a data set's loss curves and evaluation for the report, if they exist."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_instruct.evaluation.tables import scores
from rag_instruct.files import read_json
from rag_instruct.report.beside import files_beside


def loss_curves(dataset: Path) -> Iterator[dict[str, Any]]:
    """Yield each training's loss curve as a data URI."""
    for path in files_beside(dataset):
        if path.suffix == ".svg":
            picture = base64.b64encode(path.read_bytes()).decode("ascii")
            address = f"data:image/svg+xml;base64,{picture}"
            yield {"model": path.stem, "address": address, "earlier": _earlier(path, dataset)}


def evaluation(dataset: Path) -> dict[str, Any] | None:
    """Return the table of the evaluation's scores, or None without an evaluation."""
    path = dataset.with_suffix("") / "evaluation.json"
    if not path.is_file():
        return None
    return {"table": scores(read_json(path)), "earlier": _earlier(path, dataset)}


def _earlier(path: Path, dataset: Path) -> bool:
    """Return whether the file at `path` is older than the data set."""
    return path.stat().st_mtime < dataset.stat().st_mtime
