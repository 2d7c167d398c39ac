"""Find files. The workflow's own files are in its folder; users' files and results are in the working directory."""

import os
from pathlib import Path
from typing import Any

OF_FILES = ("path", "prices", "recorded", "runs")  # keys of config.yaml whose values are files


def own_file(root: Path, name: str) -> str:
    """Return the path of one of the workflow's own files, relative if it is inside the working directory."""
    path = root / name
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def with_own_files(value: Any, root: Path, key: str = "") -> Any:
    """Return the settings. A path that exists only in the workflow's folder, such as the demo's, leads there."""
    if isinstance(value, dict):
        return {name: with_own_files(inner, root, "runs" if key == "runs" else name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_own_files(inner, root) for inner in value]
    if key in OF_FILES and isinstance(value, str) and not _exists(Path(), value) and _exists(root, value):
        return own_file(root, value)
    return value


def _exists(folder: Path, name: str) -> bool:
    """Return whether a file or folder of this name exists, or one that matches it as a pattern.

    An absolute path counts as existing.
    """
    if Path(name).is_absolute():
        return True
    return (folder / name).exists() or any(folder.glob(name))
