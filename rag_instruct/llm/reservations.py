"""Files in which the jobs of a data set publish what they have reserved of its budget, one file per job."""

import fcntl
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from rag_instruct.lock import hold


class Reservations:
    """The dollars and requests that this job and the other living jobs have reserved.

    A living job holds the lock of its file. A file with a free lock belongs to a dead job, and we remove it. On a file
    system without locks, a job does not see the reservations of others.
    """

    def __init__(self, folder: Path, data_set: str) -> None:
        self._folder, self._data_set = folder, data_set
        self._own: IO[str] | None = None
        self._path = folder / f"{data_set}-{uuid.uuid4().hex[:12]}.json"
        self.dollars, self.requests = 0.0, 0  # reserved by this job

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Let no other job read or change reservations during the block."""
        with hold(self._folder / f".{self._data_set}.lock", wait=True, quiet=True) or nullcontext():
            yield

    def change(self, dollars: float, requests: int) -> None:
        """Add to what this job has reserved, and publish the sums. Call it inside `settled`."""
        self.dollars += dollars
        self.requests += requests
        self._own = self._own or hold(self._path, wait=False)
        if self._own:
            self._own.seek(0)
            self._own.truncate()
            json.dump([self.dollars, self.requests], self._own)
            self._own.flush()

    def of_others(self) -> tuple[float, int]:
        """Return the dollars and requests that other living jobs have reserved. Call it inside `settled`."""
        dollars, requests = 0.0, 0
        for path in self._folder.glob(f"{self._data_set}-????????????.json"):
            if path != self._path and (reserved := _of_a_living_job(path)):
                dollars, requests = dollars + reserved[0], requests + reserved[1]
        return dollars, requests

    def close(self) -> None:
        """Remove the file of this job."""
        if self._own:
            with self.settled():
                self._path.unlink(missing_ok=True)
            self._own.close()


def _of_a_living_job(path: Path) -> tuple[float, int] | None:
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            dollars, requests = json.loads(file.read() or "[0, 0]")
            return dollars, requests
        except OSError:
            return None
        path.unlink(missing_ok=True)
        return None
