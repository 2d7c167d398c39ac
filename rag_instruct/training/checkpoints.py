"""Checkpoints of a training: which data and recipe they belong to, and which one a rerun resumes from."""

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
WRITTEN_LAST = "trainer_state.json"  # of a checkpoint, by its trainer
# On a full disk, torch reports only its position in the file.
FULL = re.compile(r"No space left|Disk quota|unexpected pos \d+ vs|iostream error|file write failed")


def claim(checkpoints: Path, identity: dict[str, str]) -> None:
    """Reserve the folder for this data set and recipe; delete checkpoints of others, and incomplete ones.

    Raises UserError if the folder contains files that no training wrote.
    """
    if checkpoints.is_dir() and not _is_of(checkpoints, identity):
        ours = (checkpoints / IDENTITY).is_file()
        for path in () if ours else checkpoints.iterdir():
            if not path.name.startswith(("checkpoint-", f".{IDENTITY}")):
                raise UserError(
                    f"{checkpoints} contains {path.name}, so it is no folder of checkpoints: choose another"
                )
        if list(checkpoints.glob("checkpoint-*")):
            logger.warning(
                "%s: deleting checkpoints of other data or of another recipe, and starting from the beginning",
                checkpoints,
            )
        shutil.rmtree(checkpoints)
    for path in checkpoints.glob("checkpoint-*"):
        if not _whole(path):
            shutil.rmtree(path)
    write_json(checkpoints / IDENTITY, identity)


def last_checkpoint(checkpoints: Path) -> Path | None:
    """Return the newest complete checkpoint of a claimed folder."""
    whole = [path for path in checkpoints.glob("checkpoint-*") if _whole(path)]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def _is_of(checkpoints: Path, identity: dict[str, str]) -> bool:
    marked = checkpoints / IDENTITY
    return marked.is_file() and bool(read_json(marked) == identity)


def _whole(checkpoint: Path) -> bool:
    """Return whether the checkpoint is complete: the file that is written last can be read."""
    try:
        json.loads((checkpoint / WRITTEN_LAST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Turn the failed writes of torch and safetensors on a full disk into a UserError."""
    try:
        with needs_room(folder):
            yield
    except (RuntimeError, SafetensorError, OSError) as error:
        if not FULL.search(f"{error} {error.__context__}"):
            raise
        raise UserError(
            f"{folder}: the disk is full: make room and run again; the last complete checkpoint is kept"
        ) from error
