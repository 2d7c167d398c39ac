"""Locks that the kernel releases when their process ends, even if it is killed."""

import errno
import fcntl
import os
import threading
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

from rag_instruct.logs import logger

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
CLAIM_FILES = 64  # files among which the claims are spread


def hold(path: Path, wait: bool, shared: bool = False, quiet: bool = False) -> IO[str] | None:
    """Lock the file `path` until the returned file is closed. Without `wait`, return None if the lock is taken.

    Several processes may hold a lock at once if all hold it `shared`. On a file system without locks, log a warning
    and go on without the lock. Nobody writes to a read-only folder: with `wait`, return None there, without a lock.
    With `quiet`, a wait is not logged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")  # NFS needs a writable file for an exclusive lock, a readable one for a shared lock
    except OSError as error:
        if wait and error.errno in READ_ONLY:
            return None
        raise
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        if not wait:
            file.close()
            return None
        if not quiet:
            logger.info("%s: another process holds this lock; waiting until the lock is free", path)
        fcntl.flock(file, kind)
    except OSError as error:
        _say_no_locks(path.parent, str(error))
    return file


@cache
def _say_no_locks(folder: Path, error: str) -> None:
    """Warn only once per folder, although every request tries to lock."""
    logger.warning(
        "%s: this file system has no locks (%s): jobs may buy an answer twice, or exceed a budget", folder, error
    )


class Claims:
    """Claims of a session on requests and batches. A key is a sha256 or other random hexadecimal digits.

    A claim is the lock of one byte of a file. There are several files, because the kernel goes through all locks of a
    file whenever it grants one. A claim that is taken twice must be dropped twice. On a file system without locks, log
    a warning, and refuse only claims that this process holds already.
    """

    def __init__(self, folder: Path) -> None:
        self._locks = _locks_of_process(folder.resolve(), os.getpid())
        self._held: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        """Claim `key`. Return False if others have claimed it: another process, or another session of this one."""
        if not self._held[key] and not self._locks.take(key):
            del self._held[key]
            return False
        self._held[key] += 1
        return True

    def drop(self, key: str) -> None:
        """Drop the claim on `key`, so that others can take it."""
        if self._held[key] > 1:
            self._held[key] -= 1
        elif self._held.pop(key, 0):
            self._locks.drop(key)

    def close(self) -> None:
        """Drop all claims."""
        for key in self._held:
            self._locks.drop(key)
        self._held = Counter()
        self._locks.close_unused()


class _Locks:
    """The locked keys of a folder in this process. All its sessions share them.

    The kernel does not keep sessions of one process apart: it grants a process any lock that the process already has.
    When a process closes a file, it loses all locks of this file, even if the file is open a second time. So the files
    stay open while any session holds a claim.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, IO[str]] = {}
        self._keys: set[str] = set()
        self._alone = threading.Lock()  # sessions may run in threads

    def take(self, key: str) -> bool:
        with self._alone:
            if key in self._keys:
                return False
            file = self._file(key)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
            except (BlockingIOError, PermissionError):  # which of the two depends on the system
                return False
            except OSError as error:
                _say_no_locks(self._folder, str(error))
            self._keys.add(key)
            return True

    def drop(self, key: str) -> None:
        with self._alone:
            with suppress(OSError):
                fcntl.lockf(self._file(key), fcntl.LOCK_UN, 1, _place(key))
            self._keys.discard(key)

    def close_unused(self) -> None:
        with self._alone:
            if not self._keys:
                for file in self._files.values():
                    file.close()
                self._files = {}

    def _file(self, key: str) -> IO[str]:
        number = int(key[15:17], 16) % CLAIM_FILES
        if number not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[number] = (self._folder / f"{number:02}").open("a")
        return self._files[number]


@cache
def _locks_of_process(folder: Path, process: int) -> _Locks:
    """Return the locks of a folder. A forked process has none of its parent's."""
    return _Locks(folder)


def _place(key: str) -> int:
    return int(key[:15], 16)
