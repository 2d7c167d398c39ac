"""Find files. The workflow's own files are in its folder; users' files and results are in the working directory."""

import os
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError

MAPPINGS = ("runs", "contexts")  # keys of config.yaml whose values are files by name
OF_FILES = ("path", "prices", "recorded", *MAPPINGS)  # keys whose values are files
OF_OUTPUT = "downloads"  # the key of a folder in which rules have their output


def own_file(root: Path, name: str) -> str:
    """Return the path of one of the workflow's own files, relative if it is inside the working directory."""
    path = root / name
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def with_own_files(value: Any, root: Path, key: str = "") -> Any:
    """Return the settings. A path that exists only in the workflow's folder, such as the demo's, leads there.

    Raises UserError for a path with braces.
    """
    if isinstance(value, dict):
        return {name: with_own_files(inner, root, key if key in MAPPINGS else name) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_own_files(inner, root) for inner in value]
    if key in (*OF_FILES, OF_OUTPUT) and isinstance(value, str):
        refuse_braces(value)
    if key in OF_FILES and isinstance(value, str):
        return own_file(root, value) if not _exists(Path(), value) and _exists(root, value) else value
    return value


def refuse_braces(*paths: str) -> None:
    """Raise UserError if a user's file has a name such as "notes {draft}.txt", a part of which Snakemake replaces."""
    braced = [path for path in paths if "{" in path]
    if not braced:
        return
    from snakemake.io import contains_wildcard  # loads slowly, and jobs do not need it

    if wrong := [path for path in braced if contains_wildcard(path)]:
        raise UserError(f"{wrong[0]}: Snakemake replaces words in braces: rename this file or folder")


def _exists(folder: Path, name: str) -> bool:
    """Return whether a file or folder of this name exists, or one that matches it as a pattern.

    An absolute path counts as existing.
    """
    if Path(name).is_absolute():
        return True
    try:
        return (folder / name).exists() or any(folder.glob(name))
    except (OSError, ValueError):  # the name is too long, or no pattern of pathlib, such as **.jsonl
        return False
