"""Coordinates a job with the other jobs of its store: claims on requests, and batches that dead jobs left."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rag_instruct.errors import UserError
from rag_instruct.llm.adoption import CROWD, OrphanedBatches
from rag_instruct.llm.answers import KEPT, AnswerStore
from rag_instruct.llm.batch_api import BatchApi
from rag_instruct.llm.batch_folder import POLL, BatchFolder
from rag_instruct.llm.batch_results import BatchResults
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.recorder import Recorder
from rag_instruct.lock import Claims


class OtherJobs:
    """Agrees with the other jobs of the store on who buys what, so that nothing is bought twice."""

    def __init__(self, model: TeacherModel, store: AnswerStore, recorder: Recorder) -> None:
        self._model, self._recorder = model, recorder
        self._claims = Claims(store.folder / ".claims")
        self._folder = BatchFolder(store.folder / ".batches")
        self.orphans = self._orphans_of_endpoints() if model.batch else []
        self._claiming = 0  # number of requests that wait for a claim
        self._adopting, self._looked = asyncio.Lock(), 0.0
        self._stopped = False

    def _orphans_of_endpoints(self) -> list[OrphanedBatches]:
        # With `batch`, all batches are at the first endpoint.
        endpoints = self._model.endpoints[:1] if self._model.batch else self._model.endpoints
        apis = [BatchApi(self._model, endpoint) for endpoint in endpoints]
        return [OrphanedBatches(BatchResults(api, self._folder, self._recorder), self._claims) for api in apis]

    @asynccontextmanager
    async def claimed(self, key: str) -> AsyncIterator[None]:
        """Claim a request for the block. Wait while another job of the store holds the claim and buys the answer."""
        self._claiming += 1
        try:
            while not self._claims.take(key):
                self._go_on()
                await asyncio.sleep(POLL * (1 + self._claiming / CROWD))
        finally:
            self._claiming -= 1
        try:
            yield
        finally:
            self._claims.drop(key)

    async def wait_for_batch(self, key: str) -> bool:
        """Wait for the adopted batch that contains the request. Return False if there is none.

        After True, the caller looks into the store and calls again if the answer is not there yet.
        """
        await self.adopt()
        return any([await orphans.wait_for(key) for orphans in self.orphans])

    async def adopt(self) -> None:
        """Take over batches that no job waits for. One look serves all callers that came before it."""
        # Jobs without `batch` also look, if a batch was ever opened for this store and model.
        if not self.orphans and not self._folder.store_of(self._model.model):
            return
        called = time.monotonic()
        async with self._adopting:
            if self._looked < called:
                self._looked = time.monotonic()
                self._look = asyncio.create_task(self._look_for_batches())
                await asyncio.wait([self._look])
            self._look.result()  # raises its error in all callers that this look serves

    async def _look_for_batches(self) -> None:
        self._go_on()
        self.orphans = self.orphans or self._orphans_of_endpoints()
        for orphans in self.orphans:
            await orphans.adopt()

    def _go_on(self) -> None:
        if self._stopped:
            raise UserError(f"interrupted; {KEPT}")

    def stop(self) -> None:
        """Stop waiting for other jobs."""
        self._stopped = True
        self._recorder.budget.stop()
        for orphans in self.orphans:
            orphans.stop()

    async def close(self) -> None:
        """Drop all claims and reservations."""
        for orphans in self.orphans:
            await orphans.close()
        self._claims.close()
        self._recorder.budget.close()
