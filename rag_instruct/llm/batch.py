"""Gets answers by OpenAI's Batch API: within a day, for half the price. `adoption` finds the batches of dead jobs."""

import asyncio
import io
import re
import time
import uuid
from typing import ClassVar

from openai import APIStatusError
from openai.types import Batch

from rag_instruct.errors import UserError
from rag_instruct.files import dump
from rag_instruct.llm.adoption import DATA_SET, NAME, STAGE, STORE, OrphanedBatches
from rag_instruct.llm.answers import CORRECT
from rag_instruct.llm.batch_api import CHAT, faults_of, interrupted, normal_batch
from rag_instruct.llm.batch_results import LostAttempt, PendingRequest
from rag_instruct.llm.endpoints import without_key
from rag_instruct.llm.segments import Reply, Request, failed_reply
from rag_instruct.logs import logger

MOST_LINES = 50_000  # requests in a batch, a limit of the API
ENQUEUED = re.compile("enqueued token|token_limit_exceeded")  # more tokens than the account may have in batches
LEAST = 100  # requests: rather than open a smaller batch, we wait for the account's other batches
TRIAL = 100  # requests in the first batch to a model of which the store has no answer, because all may be of no use
MOST_BYTES = 190_000_000  # of a batch's file; the API allows 200 MB
QUIET = 1.0  # seconds without a new request after which a batch is closed and sent
ROUNDS = 4  # batches that we try for a request
UNCLEAR = 180.0  # seconds after an opening without a response, in which its batch may still appear
LANDED = (408, 409, 499)  # statuses below 500 after which the batch may exist
LOOK_EVERY = 5.0  # seconds between two looks for such a batch


class NoAnswer(Exception):
    """`ROUNDS` batches brought no answer to a request."""


class BatchClient:
    """An AnswerSource that collects requests until no more come, and sends them as one batch."""

    def __init__(self, orphans: OrphanedBatches) -> None:
        self._orphans, self._claims, self._results = orphans, orphans.claims, orphans.results
        self._api, self._folder, self._recorder = self._results.api, self._results.folder, self._results.recorder
        self._pending = self._results.pending
        self._most = MOST_LINES  # requests in a batch, as far as the account may enqueue
        self._rounds: dict[str, int] = {}
        self._last = 0.0
        self._sender: asyncio.Task[None] | None = None
        self._opening = False
        self._twins: list[asyncio.Task[None]] = []
        self._unclear = False  # whether an opening brought no response, so that there may be a second batch
        self._look_until = 0.0  # until when to look for the batch of such an opening

    asks_again: ClassVar[bool] = True

    def stop(self, error: UserError | None = None) -> None:
        """Stop waiting. A running batch keeps running, and the next run takes its answers."""
        self._api.stop()
        # Drop the claim on the batch first: a job that claims one of the requests must be able to adopt the batch.
        self._let_go()
        self._pending.settle_all(error or interrupted())
        self._orphans.stop()
        # A sender that is opening a batch ends by itself, once other jobs can see the batch.
        if self._sender and not self._opening:
            self._sender.cancel()

    async def close(self) -> None:
        """Record what a second batch cost, and stop waiting. `OrphanedBatches` closes the connections."""
        await asyncio.gather(*self._twins, return_exceptions=True)
        self.stop()
        await asyncio.gather(*filter(None, [self._sender]), return_exceptions=True)

    async def answer(self, key: str, request: Request) -> Reply:
        """Wait until a batch has answered, and return the recorded reply.

        If no batch will answer the request, return a failed reply with the reason. Raise UserError for a problem that
        stops all requests, such as a refused key.
        """
        async with self._recorder.reserved(request) as renew:
            while True:
                try:
                    return await self._in_a_batch(key, request)
                except LostAttempt:
                    await renew()
                except NoAnswer:
                    failed = failed_reply(f"no answer in {ROUNDS} batches", unknown=True)
                    return await self._recorder.record(key, request, failed)

    async def _in_a_batch(self, key: str, request: Request) -> Reply:
        self._api.go_on()
        if self._rounds.get(key, 0) >= ROUNDS:
            raise NoAnswer
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[key] = PendingRequest(request, answered)
        self._last = time.monotonic()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await answered

    async def _send(self) -> None:
        """Send batches until no request is pending."""
        try:
            while self._pending:
                if (left := self._last + QUIET - time.monotonic()) > 0 and len(self._pending) < MOST_LINES:
                    await asyncio.sleep(left)
                    continue
                await self._one_batch()
        except Exception as error:  # all waiting callers raise the error, even if it is a bug of ours
            self._pending.settle_all(error)

    async def _one_batch(self) -> None:
        content = io.BytesIO()
        bodies: dict[str, Request] = {}
        most = min(self._most, TRIAL) if self._recorder.is_new else self._most
        for key in sorted(self._pending)[:most]:
            body = bodies[key] = self._results.adaptation.adapt(self._pending[key].request)
            sent = {**body, "model": self._api.model_here}
            line = {"custom_id": key, "method": "POST", "url": CHAT, "body": sent}
            content.write(dump(line).encode() + b"\n")
            if content.tell() > MOST_BYTES:
                break
        name = uuid.uuid4().hex
        self._claims.take(name)
        self._orphans.own, self._orphans.own_id = name, ""
        try:
            await self._answered(content.getvalue(), name, bodies)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._claims.drop(self._orphans.own)
        self._orphans.own = self._orphans.own_id = ""

    async def _answered(self, content: bytes, name: str, bodies: dict[str, Request]) -> None:
        batch = await self._open(content, name)
        self._orphans.own_id = batch.id
        self._api.go_on()
        logger.info("%s: sent %d requests as %s; the results come within a day", self._api.name, len(bodies), batch.id)
        for key in bodies:
            self._rounds[key] = self._rounds.get(key, 0) + 1
        batch = await self._api.ended(batch)
        if batch.status == "failed":
            said = without_key(faults_of(batch), self._api.key_variable)
            if ENQUEUED.search(said.lower()) and await self._adjust_to_account(batch, len(bodies), said):
                for key in bodies:
                    self._rounds[key] -= 1
                return
            raise UserError(f"{self._api.name}: {batch.id} was not accepted ({said}); {CORRECT}")
        self._most = min(MOST_LINES, 2 * self._most)
        try:
            await self._results.take(batch, bodies, self._recorder.buyer)
        finally:
            if self._unclear:  # the answers are handed on already, so the session may be closing
                self._twins.append(asyncio.create_task(self._orphans.take_twins(name)))
        for key in bodies:
            if self._rounds[key] >= ROUNDS:
                self._pending.settle(key, NoAnswer())

    async def _adjust_to_account(self, batch: Batch, count: int, said: str) -> bool:
        """Make the next batch smaller, or wait for other batches of the account. Return False if neither can help."""
        others = await self._api.others_run(batch.id)
        if count > (LEAST if others else 1):
            self._most = max(LEAST, count // 2) if others else count // 2
            logger.info("%s: sending at most %d requests a batch (%s)", self._api.name, self._most, said)
        elif others:
            logger.info("%s: waiting for the account's other batches (%s)", self._api.name, said)
            await self._api.pause()
        return others or count > 1

    async def _open(self, content: bytes, name: str) -> Batch:
        """Upload the requests and start their batch."""
        file = await self._api.uploaded(content)
        data_set, stage = self._recorder.buyer
        store = self._folder.store_of(self._api.model, make=True)
        tags = {STORE: store, NAME: name, DATA_SET: data_set, STAGE: stage}
        self._unclear, self._look_until = False, 0.0
        return await self._api.surely(lambda: self._started(file, tags))

    async def _started(self, file: str, tags: dict[str, str]) -> Batch:
        """Start the batch of an input file, or return the one that an attempt without a response has started."""
        while time.monotonic() < self._look_until:
            if batch := await self._opened(file, tags[NAME]):
                return batch
            await asyncio.sleep(min(LOOK_EVERY, UNCLEAR / 10))
        # Without the lock, another job could see the change before it can see the batch.
        async with self._folder.looking(self._api.go_on):
            self._opening = True
            try:
                self._folder.say_changed()
                if self._unclear and (batch := await self._opened(file, tags[NAME])):
                    return batch
                self._api.go_on()
                create = self._api.openai.batches.create
                return normal_batch(
                    await create(input_file_id=file, endpoint=CHAT, completion_window="24h", metadata=tags)
                )
            except Exception as error:
                if not isinstance(error, APIStatusError) or error.status_code >= 500 or error.status_code in LANDED:
                    self._unclear, self._look_until = True, time.monotonic() + UNCLEAR
                raise
            finally:
                self._opening = False

    async def _opened(self, file: str, name: str) -> Batch | None:
        """Return the batch of an input file, or None if no attempt has opened one. Gateways may rename the file."""
        async for batch in self._api.batches():
            if batch.input_file_id == file or (batch.metadata or {}).get(NAME) == name:
                return batch
        return None
