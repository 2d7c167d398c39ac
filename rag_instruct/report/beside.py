"""Find the training curves and the evaluation that may exist for a data set. The report shows them, but needs none."""

from pathlib import Path

from rag_instruct.files import digest


def files_beside(dataset: Path) -> list[Path]:
    """Return the existing training curves and evaluation.json of the data set results/<name>.jsonl."""
    folder = dataset.with_suffix("")
    table = folder / "evaluation.json"
    return [*sorted(folder.glob("training/*.svg")), *([table] if table.is_file() else [])]


def state_beside(dataset: Path) -> str:
    """Return a digest of `files_beside`.

    It is a rule param, so Snakemake rebuilds the report if one of the files is added, removed or changed.
    """
    return digest(*(f"{path}\n{digest(path.read_bytes())}" for path in files_beside(dataset)))[:16]


def state_of_outputs(folder: Path) -> str:
    """Return a digest of the names and sizes of the evaluation's outputs in results/<dataset>/."""
    outputs = sorted(folder.glob("evaluation/*/*/*.outputs.jsonl"))
    return digest(*(f"{path}\n{path.stat().st_size}" for path in outputs))[:16]
