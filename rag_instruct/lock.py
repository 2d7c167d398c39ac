"""Locks that the kernel releases however their holder ends, a kill included."""

import fcntl
from pathlib import Path
from typing import IO

from rag_instruct.cli import logger


def hold(path: Path, wait: bool) -> IO[str] | None:
    """Hold the lock of `path` until the returned file is closed; None when another holds it and `wait` is false.

    Where the file system has no locks, a warning says so and nothing is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            file.close()
            return None
        logger.info("waiting for another job that makes the same")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        logger.warning("%s: this file system has no locks (%s)", path, error)
    return file
