"""Adopts the batches of dead jobs: a living job waits for them and records their answers.

A batch's metadata contain the store's id and the batch's name. So each job can list the endpoint's batches and find
those of its store. This works even if the job that opened a batch was killed before it wrote a file. A job claims the
names of the batches that it waits for. If no job claims a batch, the next job that looks takes it over.

A job also claims each request that it buys or whose batch it adopts. Job A may adopt a batch while job B holds the
claim on one of its requests. Then B must not buy that request. So each job claims a request first, and buys it only if
three things hold then:

- since the job last looked for batches, no job opened a batch, took one over, or released its claim on one (or else the
  job looks again);
- no batch that a job has adopted contains the request;
- the store has no answer.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from openai.types import Batch

from rag_instruct.files import digest
from rag_instruct.llm.batch_api import ENDED, Gone, interrupted
from rag_instruct.llm.batch_folder import POLL
from rag_instruct.llm.batch_results import BatchResults, MostlyRefused
from rag_instruct.llm.recorder import Buyer
from rag_instruct.llm.segments import Request
from rag_instruct.lock import Claims
from rag_instruct.logs import logger

LOOKED_BACK = 30 * 86400  # seconds: providers delete older results
CROWD = 1000  # with so many waiting requests, the time between two looks is twice as long
# Keys of a batch's metadata: the store's id (one per model), the batch's name, the data set and stage that pay.
STORE, NAME, DATA_SET, STAGE = "rag_instruct_store", "rag_instruct_name", "rag_instruct_for", "rag_instruct_stage"


@dataclass(eq=False)
class _Adopted:
    """A batch of a dead job, its requests, and the claims and dollars that this job holds for it."""

    batch: Batch
    bodies: dict[str, Request]
    claimed: list[str]
    release: Callable[[], None]
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    task: "asyncio.Task[None] | None" = None


class OrphanedBatches:
    """Finds and adopts the batches that dead jobs of the store left at one endpoint."""

    def __init__(self, results: BatchResults, claims: Claims) -> None:
        self.results, self.claims = results, claims
        self._api, self._folder, self._recorder = results.api, results.folder, results.recorder
        self.own = self.own_id = ""  # the name of this job's own batch, and its id once it is open
        self._adopted: dict[str, _Adopted] = {}  # by batch id
        self._adopted_of: dict[str, _Adopted] = {}  # by request key
        self._seen: str | None = None  # `BatchFolder.change()` at the last look
        self._held_by_others: list[str] = []  # names of the batches that other jobs held at the last look
        self._batch_elsewhere: dict[str, str] = {}  # request key: id of the batch, if another job adopted it
        self._keys_elsewhere: dict[str, list[str]] = {}  # batch id: its request keys, if another job adopted it

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
        """Take over the store's batches that no job waits for, whichever data set opened them.

        After the first look, look again only if a job opened a batch, took one over, or released its claim on one.
        """
        if not (store := self._folder.store_of(self._api.model)):
            return
        async with self._folder.looking(self._api.go_on):
            if self._folder.change() == self._seen and not any(map(self._is_free, self._held_by_others)):
                return
            foreign: list[str] = []
            elsewhere: dict[str, str] = {}
            with suppress(Gone):  # the endpoint has no Batch API
                for batch in await self._api.surely(partial(self._of_store, store)):
                    if not await self._take_over(batch):
                        foreign.append(_name(batch))
                        elsewhere |= dict.fromkeys(await self._requests_of_taken(batch), batch.id)
            self._seen, self._held_by_others, self._batch_elsewhere = self._folder.change(), foreign, elsewhere

    async def take_twins(self, name: str) -> None:
        """Adopt other batches with the name of this job's own batch, and wait until their cost is recorded.

        A call without a response may have opened them. All their requests are answered, so `adopt` cancels them.
        """
        self._seen = None
        await self.adopt()
        twins = [adopted for adopted in self._adopted.values() if _name(adopted.batch) == name]
        await asyncio.gather(*(twin.ended.wait() for twin in twins))

    async def wait_for(self, key: str) -> bool:
        """Wait for the adopted batch that contains the request. Return False if there is none.

        If this job adopted the batch, wait until it ends. Raise the error that kept this job from taking the answers.
        If another job adopted the batch, wait briefly: the caller then looks into the store and calls again.
        """
        if adopted := self._adopted_of.get(key):
            await adopted.ended.wait()
            if adopted.error:
                raise adopted.error
            self._adopted_of.pop(key, None)
            return True
        if not (batch := self._batch_elsewhere.get(key)):
            return False
        self._api.go_on()
        if self._folder.kept(batch).exists():
            del self._batch_elsewhere[key]
        else:
            await asyncio.sleep(POLL * (1 + len(self._batch_elsewhere) / CROWD))
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
            # Until our own batch has an id, any batch of its name may be it. After that, the others are twins.
            own = batch.id == self.own_id if self.own_id else _name(batch) == self.own
            ours = (batch.metadata or {}).get(STORE) == store and not own
            if ours and batch.id not in self._adopted and not self._folder.kept(batch.id).exists():
                found.append(batch)
        return found

    async def _take_over(self, batch: Batch) -> bool:
        """Adopt the batch, unless its answers are recorded. Return False if another job holds it.

        A batch that has ended is recorded at once. For a running one, a task waits.
        """
        name = _name(batch)
        if not self.claims.take(name):
            return False
        try:
            if self._folder.kept(batch.id).exists():
                return True  # another job recorded its answers before we claimed it
            # We read the requests from the provider, because the requests of this job may be different.
            bodies = await self._api.bodies(batch)
            self._api.go_on()
            self._folder.taken(batch.id).touch()
            self._folder.say_changed()
            if batch.status not in (*ENDED, "cancelling") and self._recorder.has_all(bodies):
                logger.warning("%s: cancelling %s: its requests are all answered already", *self._of(batch))
                batch = await self._api.cancel(batch)
            release = self._recorder.budget.reserve_existing(bodies.values(), self._buyer(batch).data_set)
            claimed = [key for key in (name, *bodies) if self.claims.take(key)]
        except Gone as error:
            logger.warning(
                "%s: skipped %s of an earlier run: the provider no longer has its requests (%s)",
                *self._of(batch),
                error,
            )
            return True
        finally:
            self.claims.drop(name)
        adopted = _Adopted(batch, bodies, claimed, release)
        self._adopted[batch.id] = adopted
        self._adopted_of |= dict.fromkeys(bodies, adopted)
        logger.info("%s: %s of an earlier run is %s", *self._of(batch), batch.status)
        adopted.task = asyncio.create_task(self._wait_and_record(adopted))
        if batch.status in ENDED:
            await adopted.ended.wait()
        else:
            logger.info(
                "%s: waiting for the %d requests of %s; to end this batch earlier, cancel it at the provider",
                self._api.name,
                len(bodies),
                batch.id,
            )
        return True

    async def _requests_of_taken(self, batch: Batch) -> list[str]:
        """Return the requests of a batch that another job took over.

        The list is empty for a batch that its first job still holds. That job claims each request, so others wait.
        """
        if not self._folder.taken(batch.id).exists():
            return []
        if batch.id not in self._keys_elsewhere:
            try:
                self._keys_elsewhere[batch.id] = list(await self._api.bodies(batch))
            except Gone:  # the provider deleted them after the other job read them
                self._keys_elsewhere[batch.id] = []
        return self._keys_elsewhere[batch.id]

    async def _wait_and_record(self, adopted: _Adopted) -> None:
        """Wait until an adopted batch ends, and record its answers for the data set that opened it."""
        batch = adopted.batch
        try:
            await self.results.take(await self._api.ended(batch), adopted.bodies, self._buyer(batch))
        except (Gone, MostlyRefused) as error:
            logger.warning("%s: not all requests of %s have an answer (%s)", *self._of(batch), error)
        except Exception as error:  # `wait_for` raises it
            adopted.error = error
        finally:
            # Drop the claim on the batch first: a job that claims one of the requests must be able to adopt the batch.
            for key in adopted.claimed:
                self.claims.drop(key)
            adopted.ended.set()
            adopted.release()

    def _buyer(self, batch: Batch) -> Buyer:
        """Return the data set and stage that opened a batch and pay for it."""
        tags, own = batch.metadata or {}, self._recorder.buyer
        return Buyer(tags.get(DATA_SET, own.data_set), tags.get(STAGE, own.stage))

    def _of(self, batch: Batch) -> tuple[str, str]:
        return self._api.name, batch.id


def _name(batch: Batch) -> str:
    """Return the name by which jobs claim the batch: the digest of its id if its metadata have no name."""
    return (batch.metadata or {}).get(NAME) or digest(batch.id)
