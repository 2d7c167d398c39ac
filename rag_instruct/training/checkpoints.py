"""Manage a training's checkpoints: whether they belong to the same data and recipe, and from which a rerun resumes."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from rag_instruct.errors import UserError
from rag_instruct.files import needs_room, read_json, write_json
from rag_instruct.logs import logger

IDENTITY = "identity.json"
WRITTEN_LAST = "trainer_state.json"  # the trainer writes this file of a checkpoint last
# Error messages on a full disk. torch reports only a position in the file.
FULL = re.compile(r"No space left|Disk quota|unexpected pos \d+ vs|iostream error|file write failed")


def claim(checkpoints: Path, identity: dict[str, str]) -> None:
    """Reserve the folder for this data and recipe.

    Deletes incomplete checkpoints, and checkpoints of other data or another recipe. Raises UserError if the folder
    contains files that no training wrote.
    """
    if checkpoints.is_dir() and not _is_of(checkpoints, identity):
        ours = (checkpoints / IDENTITY).is_file()
        for path in () if ours else checkpoints.iterdir():
            if not path.name.startswith(("checkpoint-", f".{IDENTITY}")):
                raise UserError(
                    f"{checkpoints} contains {path.name}, which no training wrote; refusing to overwrite: choose "
                    "another folder for --checkpoints"
                )
        if list(checkpoints.glob("checkpoint-*")):
            logger.warning(
                "%s: deleting checkpoints of other data or another recipe; the training starts from the beginning",
                checkpoints,
            )
        shutil.rmtree(checkpoints)
    for path in checkpoints.glob("checkpoint-*"):
        if not _whole(path):
            shutil.rmtree(path)
    write_json(checkpoints / IDENTITY, identity)


def last_checkpoint(checkpoints: Path) -> Path | None:
    """Return the newest complete checkpoint of the folder, or None."""
    whole = [path for path in checkpoints.glob("checkpoint-*") if _whole(path)]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def _is_of(checkpoints: Path, identity: dict[str, str]) -> bool:
    marked = checkpoints / IDENTITY
    return marked.is_file() and bool(read_json(marked) == identity)


def _whole(checkpoint: Path) -> bool:
    """Return whether the checkpoint is complete, that is, whether WRITTEN_LAST can be read."""
    try:
        json.loads((checkpoint / WRITTEN_LAST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Raise a UserError if torch or safetensors cannot write to `folder` because the disk is full."""
    try:
        with needs_room(folder):
            yield
    except (RuntimeError, SafetensorError, OSError) as error:
        if not FULL.search(f"{error} {error.__context__}"):
            raise
        raise UserError(
            f"{folder}: the disk is full: make room and run again; the training resumes from the last complete "
            "checkpoint"
        ) from error
