"""Batches of dead jobs are adopted: a living job waits for them and records their answers.

A batch carries the store's name in its metadata, and a name of its own. So nothing has to be written down between
the moment a batch is opened and the moment its answers are kept: any job of the store asks the endpoint which batches
there are. A job claims the names of its batches for as long as it waits for them. A batch that nobody claims is
taken over.

The job that takes a batch over may find some of its requests claimed by another job. That job was about to ask for them
when the first job let go. So a job that has claimed a request makes three checks before it asks. Nothing has changed
since the last look for batches, no adopted batch has the request, and the store has no answer yet.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from openai.types import Batch

from rag_instruct.files import digest
from rag_instruct.llm.batch_api import ENDED, Gone, interrupted
from rag_instruct.llm.batch_folder import POLL
from rag_instruct.llm.batch_results import BatchResults, Unanswered
from rag_instruct.llm.recorder import Buyer
from rag_instruct.llm.segments import Request
from rag_instruct.lock import Claims
from rag_instruct.logs import logger

LOOKED_BACK = 30 * 86400  # seconds: results are kept no longer
MANY = 1000  # requests waited for, from which on looks become rarer
# The metadata's keys: the store and model, the batch's own name, and for whom it was opened.
STORE, NAME, DATA_SET, STAGE = "rag_instruct_store", "rag_instruct_name", "rag_instruct_for", "rag_instruct_stage"


@dataclass(eq=False)
class _Adopted:
    """A batch that another job has let go, its requests, and what is claimed and reserved for it."""

    batch: Batch
    bodies: dict[str, Request]
    claimed: list[str]
    reserved: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    task: "asyncio.Task[None] | None" = None


class OrphanedBatches:
    """The batches of the store at one endpoint whose jobs have died."""

    def __init__(self, results: BatchResults, claims: Claims) -> None:
        self.results, self.claims = results, claims
        self._api, self._folder, self._recorder = results.api, results.folder, results.recorder
        self.own = ""  # the name of this job's own batch
        self._adopted: dict[str, _Adopted] = {}
        self._adopted_of: dict[str, _Adopted] = {}  # by request
        self._seen: str | None = None  # the last change at the last look
        self._foreign: list[str] = []  # names of batches that another living job had then
        self._elsewhere: dict[str, str] = {}  # by request, the batch that another living job has taken over
        self._requests: dict[str, list[str]] = {}  # of those, by batch

    def stop(self) -> None:
        """Stop waiting. The batches keep running, and the next run takes their answers."""
        self._api.stop()
        for adopted in self._adopted.values():
            if adopted.task and not adopted.ended.is_set():
                adopted.error = interrupted()
                adopted.ended.set()
                adopted.task.cancel()

    async def close(self) -> None:
        """Stop waiting, and close the connections."""
        self.stop()
        tasks = [adopted.task for adopted in self._adopted.values() if adopted.task]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._api.close()

    async def adopt(self) -> None:
        """Look for batches of the store that nobody waits for, and take them over, whatever they were made for.

        After the first look, look only if a batch was opened, taken over or let go since the last one.
        """
        if not (store := self._folder.store_of(self._api.model)):
            return
        async with self._folder.looking(self._api.go_on):
            if self._folder.change() == self._seen and not any(map(self._is_free, self._foreign)):
                return
            foreign: list[str] = []
            elsewhere: dict[str, str] = {}
            with suppress(Gone):  # an endpoint without batches
                for batch in await self._api.surely(partial(self._of_store, store)):
                    if not await self._take_over(batch):
                        foreign.append(_name(batch))
                        elsewhere |= dict.fromkeys(await self._requests_of_taken(batch), batch.id)
            self._seen, self._foreign, self._elsewhere = self._folder.change(), foreign, elsewhere

    async def wait_for(self, key: str) -> bool:
        """Wait for the batch that has the request; False if no adopted batch has it.

        If another job has adopted the batch, wait for a moment only. Raises the error that kept this job from taking
        the batch's answers.
        """
        if adopted := self._adopted_of.get(key):
            await adopted.ended.wait()
            if adopted.error:
                raise adopted.error
            self._adopted_of.pop(key, None)
            return True
        if not (batch := self._elsewhere.get(key)):
            return False
        self._api.go_on()
        if self._folder.kept(batch).exists():
            del self._elsewhere[key]
        else:
            await asyncio.sleep(POLL * (1 + len(self._elsewhere) / MANY))
        return True

    def _is_free(self, name: str) -> bool:
        if free := self.claims.take(name):
            self.claims.drop(name)
        return free

    async def _of_store(self, store: str) -> list[Batch]:
        earliest = time.time() - LOOKED_BACK
        found: list[Batch] = []
        async for batch in self._api.batches():
            if batch.created_at < earliest:
                break
            ours = (batch.metadata or {}).get(STORE) == store and _name(batch) != self.own
            if ours and batch.id not in self._adopted and not self._folder.kept(batch.id).exists():
                found.append(batch)
        return found

    async def _take_over(self, batch: Batch) -> bool:
        """Wait for the batch from now on; False when another job does."""
        name = _name(batch)
        if not self.claims.take(name):
            return False
        try:
            if self._folder.kept(batch.id).exists():
                return True  # by another job, between the look and the claim
            # The requests are those that were sent; the stage that runs now may ask for something else.
            bodies = await self._api.bodies(batch)
            self._api.go_on()
            self._folder.taken(batch.id).touch()
            self._folder.say_changed()
            reserved = self._recorder.budget.reserve_existing(bodies.values())
            claimed = [key for key in (name, *bodies) if self.claims.take(key)]
        except Gone as error:
            logger.warning("%s: skipped %s of an earlier run, its requests are gone: %s", *self._of(batch), error)
            return True
        finally:
            self.claims.drop(name)
        adopted = _Adopted(batch, bodies, claimed, reserved)
        self._adopted[batch.id] = adopted
        self._adopted_of |= dict.fromkeys(bodies, adopted)
        logger.info("%s: %s of an earlier run is %s", *self._of(batch), batch.status)
        adopted.task = asyncio.create_task(self._outlive(adopted))
        if batch.status in ENDED:
            await adopted.ended.wait()
        else:
            logger.info("waiting for its %d requests; cancel it at the provider to end it earlier", len(bodies))
        return True

    async def _requests_of_taken(self, batch: Batch) -> list[str]:
        """The requests of a batch that another job took over; the job that opens a batch claims all its requests."""
        if not self._folder.taken(batch.id).exists():
            return []
        if batch.id not in self._requests:
            try:
                self._requests[batch.id] = list(await self._api.bodies(batch))
            except Gone:  # the job that took it over has read them; no other job can
                self._requests[batch.id] = []
        return self._requests[batch.id]

    async def _outlive(self, adopted: _Adopted) -> None:
        """Wait for the end of an adopted batch, and record its answers for the data set that opened it."""
        batch = adopted.batch
        tags, own = batch.metadata or {}, self._recorder.buyer
        buyer = Buyer(tags.get(DATA_SET, own.data_set), tags.get(STAGE, own.stage))
        try:
            await self.results.take(await self._api.ended(batch), adopted.bodies, buyer)
        except (Gone, Unanswered) as error:
            logger.warning("%s: %s answered no request: %s", *self._of(batch), error)
        except Exception as error:  # for those who wait for the batch
            adopted.error = error
        finally:
            for key in adopted.claimed:  # its name first: a job that claims a request is to find the batch free
                self.claims.drop(key)
            adopted.ended.set()
            self._recorder.budget.release(adopted.reserved, len(adopted.bodies))

    def _of(self, batch: Batch) -> tuple[str, str]:
        return self._api.name, batch.id


def _name(batch: Batch) -> str:
    """The name by which the batch is claimed; its id's digest where it was opened without one."""
    return (batch.metadata or {}).get(NAME) or digest(batch.id)
