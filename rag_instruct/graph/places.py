"""Where files lie: the workflow's own in its folder, what users give and what is made in the working directory."""

import os
from pathlib import Path
from typing import Any

OF_FILES = ("path", "prices")  # keys of config.yaml whose values are files


def own_file(root: Path, name: str) -> str:
    """The path of a file of the workflow itself: relative where the workflow lies in the working directory."""
    path = root / name
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def with_own_files(value: Any, root: Path, key: str = "") -> Any:
    """Settings in which a file that the working directory does not have is the workflow's own, such as the demo's."""
    if isinstance(value, dict):
        return {name: with_own_files(inner, root, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_own_files(inner, root) for inner in value]
    if key in OF_FILES and isinstance(value, str) and not _exists(Path(), value) and _exists(root, value):
        return own_file(root, value)
    return value


def _exists(folder: Path, name: str) -> bool:
    """Whether a file, a folder or something that a pattern means is there."""
    if Path(name).is_absolute():
        return True
    return (folder / name).exists() or any(folder.glob(name))
