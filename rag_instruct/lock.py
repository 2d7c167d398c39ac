"""Locks that the kernel releases however their holder ends, a kill included."""

import fcntl
from pathlib import Path
from typing import IO

from rag_instruct.cli import logger


def hold(path: Path, wait: bool, shared: bool = False) -> IO[str] | None:
    """Hold the lock of `path` until the returned file is closed; None when another holds it and `wait` is false.

    Several may hold it at once if all hold it `shared`. Where the file system has no locks, a
    warning says so and nothing is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            file.close()
            return None
        logger.info("waiting for another job that makes the same")
        fcntl.flock(file, kind)
    except OSError as error:
        logger.warning("%s: this file system has no locks (%s)", path, error)
    return file
