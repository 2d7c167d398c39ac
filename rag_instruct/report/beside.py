"""What may exist beside a data set: curves of trainings, an evaluation's answers and table. Nothing here makes them."""

from pathlib import Path

from rag_instruct.files import digest


def files_beside(dataset: Path) -> list[Path]:
    """The training curves and the evaluation's table of results/<name>.jsonl, as far as they exist."""
    folder = dataset.with_suffix("")
    table = folder / "evaluation.json"
    return [*sorted(folder.glob("training/*.svg")), *([table] if table.is_file() else [])]


def state_beside(dataset: Path) -> str:
    """A digest of these files, as a param: with it the report is stale when one comes, goes or changes."""
    return digest(*(f"{path}\n{digest(path.read_bytes())}" for path in files_beside(dataset)))[:16]


def state_of_outputs(folder: Path) -> str:
    """A digest of which outputs of an evaluation are in results/<dataset>/, and of their sizes."""
    outputs = sorted(folder.glob("evaluation/*/*/*.outputs.jsonl"))
    return digest(*(f"{path}\n{path.stat().st_size}" for path in outputs))[:16]
