"""The files by which the jobs of a store agree on its batches."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rag_instruct.files import digest, whole
from rag_instruct.lock import hold

POLL = 0.5  # seconds between two looks at what another job does
LOOKING = ".adopting.lock"  # held by the job that looks for batches, or opens one
CHANGED = ".changed"  # written again when a batch is opened or taken over


class BatchFolder:
    """The store's name at the provider, and marks of batches: an empty file for each that was taken over or kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store_of(self, model: str, make: bool = False) -> str:
        """The name by which batches of `model` know this store; empty while none was opened, unless `make`."""
        path = self._folder / f"{digest(model)[:16]}.id"
        if make and not path.exists():
            held = hold(self._folder / ".id.lock", wait=True, quiet=True)
            if not path.exists():
                with whole(path) as temporary:
                    temporary.write_text(uuid.uuid4().hex)
            if held:
                held.close()
        return path.read_text() if path.exists() else ""

    @asynccontextmanager
    async def looking(self, go_on: Callable[[], None]) -> AsyncIterator[None]:
        """Let no other job look for batches, or open one, during the block.

        While another job does so, `go_on` is called now and then; it raises when this job is to end.
        """
        while (held := hold(self._folder / LOOKING, wait=False)) is None:
            await asyncio.sleep(POLL)
            go_on()
        with held:
            yield

    def change(self) -> str:
        """The random name of the last change."""
        path = self._folder / CHANGED
        return path.read_text() if path.exists() else ""

    def say_changed(self) -> None:
        """Tell other jobs that a batch is opened or taken over."""
        with whole(self._folder / CHANGED) as temporary:
            temporary.write_text(uuid.uuid4().hex)

    def kept(self, batch: str) -> Path:
        """The mark of a batch whose answers are in the store."""
        return self._folder / batch

    def taken(self, batch: str) -> Path:
        """The mark of a batch that another job than the one that opened it has taken over."""
        return self._folder / f"{batch}.taken"
