"""Checkpoints of a training: whose they are, and which one a rerun goes on from."""

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
# torch says of a full disk only where it stood in its file when no more went in.
FULL = re.compile(r"No space left|Disk quota|unexpected pos \d+ vs|iostream error|file write failed")


def claim(checkpoints: Path, identity: dict[str, str]) -> None:
    """Make the folder the one of this very data set and recipe: what is of another, or was cut short, goes.

    Raises UserError for a folder that holds what no training has written.
    """
    if checkpoints.is_dir() and not _is_of(checkpoints, identity):
        ours = (checkpoints / IDENTITY).is_file()
        for path in () if ours else checkpoints.iterdir():
            if not path.name.startswith(("checkpoint-", f".{IDENTITY}")):
                raise UserError(f"{checkpoints} is no folder of checkpoints, it has {path.name}: name another")
        if list(checkpoints.glob("checkpoint-*")):
            logger.warning("%s: checkpoints of other data or another recipe: starting afresh", checkpoints)
        shutil.rmtree(checkpoints)
    for path in checkpoints.glob("checkpoint-*"):
        if not _whole(path):
            shutil.rmtree(path)
    write_json(checkpoints / IDENTITY, identity)


def last_checkpoint(checkpoints: Path) -> Path | None:
    """The newest whole checkpoint of a claimed folder."""
    whole = [path for path in checkpoints.glob("checkpoint-*") if _whole(path)]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def _is_of(checkpoints: Path, identity: dict[str, str]) -> bool:
    marked = checkpoints / IDENTITY
    return marked.is_file() and bool(read_json(marked) == identity)


def _whole(checkpoint: Path) -> bool:
    """Whether no kill cut it short: its last file is there, to its end."""
    try:
        json.loads((checkpoint / WRITTEN_LAST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Say that the disk is full where torch and safetensors say that a write failed."""
    try:
        with needs_room(folder):
            yield
    except (RuntimeError, SafetensorError, OSError) as error:
        if not FULL.search(f"{error} {error.__context__}"):
            raise
        raise UserError(
            f"{folder}: the disk is full: make room and run again; the last whole checkpoint is kept"
        ) from error
