"""Check that checkpoints belong to this data and recipe, and find the checkpoint from which a rerun resumes."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open

from rag_instruct.errors import UserError
from rag_instruct.files import needs_room, read_json, write_json
from rag_instruct.logs import logger

IDENTITY = "identity.json"
WRITTEN_LAST = "trainer_state.json"  # the trainer writes this file of a checkpoint last
SIZES = "sizes.json"  # names and sizes of a checkpoint's files; we write it after WRITTEN_LAST
CHECKPOINT = re.compile(r"checkpoint-\d+")
# Parts of error messages on a full disk. torch reports only a position in the file ("unexpected pos").
FULL = re.compile(r"No space left|Disk quota|unexpected pos \d+ vs|iostream error|file write failed")


def claim(checkpoints: Path, identity: dict[str, str]) -> None:
    """Reserve the folder for the training with this `identity`: its data, model, recipe and package versions.

    Deletes damaged checkpoints. If the folder has another identity, deletes its checkpoints and TensorBoard logs. If it
    has none, raises UserError if it contains anything but checkpoints, and else deletes these.
    """
    checkpoints = checkpoints.resolve()  # a link may lead to another disk
    found = _identity_of(checkpoints)
    if checkpoints.is_dir() and found != identity:
        if not found:
            _refuse_foreign(checkpoints)
        if numbered_checkpoints(checkpoints):
            logger.warning(
                "%s: deleting checkpoints of another training (%s changed); this training starts from the beginning",
                checkpoints,
                ", ".join(sorted(name for name in identity if found.get(name) != identity[name])),
            )
        _empty(checkpoints)
    for path in numbered_checkpoints(checkpoints):
        if reason := damage(path):
            logger.warning("%s is damaged (%s): deleting it; resuming from an older checkpoint, if any", path, reason)
            _delete(path)
    write_json(checkpoints / IDENTITY, identity)


def numbered_checkpoints(folder: Path) -> list[Path]:
    """Return the numbered checkpoints of the folder, the oldest first. A checkpoint-best, say, is a user's own."""
    steps = {path: CHECKPOINT.fullmatch(path.name) for path in folder.glob("checkpoint-*")}
    return sorted((path for path, step in steps.items() if step), key=lambda path: int(path.name.split("-")[1]))


def _refuse_foreign(checkpoints: Path) -> None:
    for path in checkpoints.iterdir():
        if not CHECKPOINT.fullmatch(path.name) and not path.name.startswith(f".{IDENTITY}"):  # a kill may leave this
            raise UserError(
                f"{checkpoints} contains {path.name}, which no training wrote; refusing to overwrite: choose another "
                "folder for --checkpoints"
            )


def _empty(checkpoints: Path) -> None:
    """Delete what trainings wrote, except identity.json: after a kill in between, a rerun deletes the rest."""
    for path in [
        *numbered_checkpoints(checkpoints),
        *checkpoints.glob("tensorboard"),
        *checkpoints.glob(f".{IDENTITY}*"),
    ]:
        _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def last_checkpoint(checkpoints: Path) -> Path | None:
    """Return the newest complete checkpoint of the folder, or None."""
    return next((path for path in reversed(numbered_checkpoints(checkpoints)) if not damage(path)), None)


def _identity_of(checkpoints: Path) -> dict[str, str]:
    """Return the identity of the training that wrote the checkpoints, or {} if the folder has no identity."""
    path = checkpoints / IDENTITY
    return dict(read_json(path)) if path.is_file() else {}


def note_sizes(checkpoint: Path) -> None:
    """Write the names and sizes of a complete checkpoint's files to SIZES, from which `damage` finds later damage."""
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != SIZES)
    write_json(checkpoint / SIZES, {str(path.relative_to(checkpoint)): path.stat().st_size for path in files})


def damage(checkpoint: Path) -> str:
    """Return why a training cannot resume from this checkpoint, or "" if its files are complete.

    A checkpoint can have 100 GB, so we do not read all of it. We check names and sizes, read .json files, and look at
    the beginning or end of files with tensors.
    """
    if not (checkpoint / WRITTEN_LAST).is_file():
        return f"it has no {WRITTEN_LAST}"
    sizes_file = checkpoint / SIZES
    try:
        sizes = json.loads(sizes_file.read_text("utf-8")).items() if sizes_file.is_file() else ()
    except (OSError, ValueError, AttributeError):
        return f"{SIZES} is unreadable"
    for name, size in sizes:
        path = checkpoint / name
        if not path.is_file() or path.stat().st_size != size:
            found = f"{path.stat().st_size} of {size} bytes" if path.is_file() else "missing"
            return f"{name}: {found}"
    has_weights = any(path.suffix in (".safetensors", ".bin") for path in checkpoint.iterdir())
    deepspeed = any(checkpoint.glob("global_step*"))  # a folder with DeepSpeed's optimizer and scheduler states
    if has_weights and not deepspeed:
        for name in ("optimizer.pt", "scheduler.pt"):
            if not (checkpoint / name).is_file():
                return f"it has no {name}"
    return next((f"{path.name} is unreadable" for path in checkpoint.rglob("*") if not _is_readable(path)), "")


def _is_readable(path: Path) -> bool:
    """Return whether a file has the format of its suffix. torch writes .pt, .pth and .bin files as ZIP archives."""
    try:
        match path.suffix:
            case ".json":
                json.loads(path.read_text("utf-8"))
            case ".safetensors":
                with safe_open(path, "pt"):
                    pass
            case ".pt" | ".pth" | ".bin":
                return zipfile.is_zipfile(path)
    except (OSError, ValueError, SafetensorError):
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
