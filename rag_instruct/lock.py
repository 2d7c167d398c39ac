"""Locks that the kernel releases when their process ends, even after a kill."""

import fcntl
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

from rag_instruct.logs import logger

CLAIM_FILES = 64


def hold(path: Path, wait: bool, shared: bool = False, quiet: bool = False) -> IO[str] | None:
    """Take the lock of `path`. The lock is held until the returned file is closed.

    If another process holds the lock, wait for it, or return None if `wait` is false. Several processes can hold a
    `shared` lock. If the file system has no locks, log a warning and return the file without a lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")  # NFS needs a writable file for exclusive locks and a readable file for shared ones
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            file.close()
            return None
        if not quiet:
            logger.info("waiting for another job that makes the same output")
        fcntl.flock(file, kind)
    except OSError as error:
        _say_no_locks(path.parent, str(error))
    return file


@cache
def _say_no_locks(folder: Path, error: str) -> None:
    """Warn once per folder, not for every lock."""
    logger.warning("%s: this file system has no locks (%s): jobs may buy twice, or exceed a budget", folder, error)


class Claims:
    """Claims on items, so that only one process works on an item. A key names an item: hexadecimal digits of a digest.

    A claim is a lock on one byte of a file. There are several files, because the kernel searches all locks of a file
    before it grants one. A process that takes a claim twice must drop it twice. If the file system has no locks, we log
    a warning and grant every claim.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, IO[str]] = {}
        self._held: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        """Claim `key`. Return False if another process has the claim."""
        if not self._held[key]:
            file = self._file(key)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
            except (BlockingIOError, PermissionError):  # the error depends on the system
                del self._held[key]
                return False
            except OSError as error:
                _say_no_locks(self._folder, str(error))
        self._held[key] += 1
        return True

    def drop(self, key: str) -> None:
        """Drop the claim of `key` once, so that other processes can take it."""
        if self._held[key] > 1:
            self._held[key] -= 1
        elif self._held.pop(key, 0):
            with suppress(OSError):
                fcntl.lockf(self._file(key), fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        """Drop all claims."""
        for file in self._files.values():
            file.close()
        self._files, self._held = {}, Counter()

    def _file(self, key: str) -> IO[str]:
        number = int(key[15:17], 16) % CLAIM_FILES
        if number not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[number] = (self._folder / f"{number:02}").open("a")
        return self._files[number]


def _place(key: str) -> int:
    return int(key[:15], 16)
