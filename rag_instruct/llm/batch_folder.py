"""Files in which the jobs of a store note which job handles which batch."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from rag_instruct.files import digest, whole
from rag_instruct.lock import hold

POLL = 0.5  # seconds between two checks of whether another job has finished
LOOKING = ".adopting.lock"  # lock of the job that looks for batches or opens one
CHANGED = ".changed"  # rewritten when a job opens a batch or takes one over


class BatchFolder:
    """The folder `.batches` of a store: marks of batches, and for each model the store's id in its batches' metadata.

    A mark is an empty file: `kept` for a batch whose answers are in the store, `taken` for one that was taken over.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store_of(self, model: str, make: bool = False) -> str:
        """Return the store's id in the metadata of batches of `model`.

        The id is empty until a job opens the first batch of `model`; `make` creates the id.
        """
        path = self._folder / f"{digest(model)[:16]}.id"
        if make and not path.exists():
            with hold(self._folder / ".id.lock", wait=True, quiet=True) or nullcontext():
                if not path.exists():
                    with whole(path) as temporary:
                        temporary.write_text(uuid.uuid4().hex)
        return path.read_text() if path.exists() else ""

    @asynccontextmanager
    async def looking(self, go_on: Callable[[], None]) -> AsyncIterator[None]:
        """Let no other job look for batches, or open one, during the block.

        While another job holds the lock, call `go_on` every `POLL` seconds. It raises if this job was interrupted.
        """
        while (held := hold(self._folder / LOOKING, wait=False)) is None:
            await asyncio.sleep(POLL)
            go_on()
        with held:
            yield

    def change(self) -> str:
        """Return a random text that differs after each change; empty before the first."""
        path = self._folder / CHANGED
        return path.read_text() if path.exists() else ""

    def say_changed(self) -> None:
        """Rewrite `.changed`, so that other jobs see that this job opens a batch or takes one over."""
        with whole(self._folder / CHANGED) as temporary:
            temporary.write_text(uuid.uuid4().hex)

    def kept(self, batch: str) -> Path:
        """Return the path of the mark of a batch whose answers are in the store."""
        return self._folder / _file_name(batch)

    def taken(self, batch: str) -> Path:
        """Return the path of the mark of a batch that a second job took over from the job that opened it."""
        return self._folder / f"{_file_name(batch)}.taken"


def _file_name(batch: str) -> str:
    """Return the id of a batch, or its digest if the id may be no name of a file. Google's ids have slashes."""
    return batch if re.fullmatch(r"\w[\w.=-]{0,199}", batch, re.ASCII) else digest(batch)
