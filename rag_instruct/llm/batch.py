"""Answers by OpenAI's Batch API: within a day, for half the price, and found again after the job has died.

A batch carries the store's name in its metadata, and one of its own. So nothing has to be
written down between the moment a batch is opened and the moment its answers are kept: any job of
the store asks the endpoint which batches there are. A job claims its batches by their names for as
long as it waits for them; a batch that nobody claims is taken over.

Who takes a batch over may find some of its requests claimed: by a job that was about to ask for them
when the first one let go. So whoever has claimed a request makes sure, before it is asked for, that
nothing has changed since the last look, that no batch that was taken over has it, and that it has
not been answered meanwhile.
"""

import asyncio
import io
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import openai
from openai.types import Batch
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, stop_after_delay, wait_random_exponential

from rag_instruct.errors import UserError
from rag_instruct.files import digest, whole
from rag_instruct.llm.adaptation import Dialect
from rag_instruct.llm.answers import KEPT, Reply
from rag_instruct.llm.budget import Budget
from rag_instruct.llm.client import Passing, Refused, Rejected, raise_for, reply_of
from rag_instruct.llm.endpoints import Endpoint, Teacher, without_key
from rag_instruct.lock import Claims, hold
from rag_instruct.logs import bar, logger

MOST_LINES = 50_000  # the API's bounds of a batch
MOST_BYTES = 190_000_000
QUIET = 1.0  # seconds without a new request after which a batch is closed and sent
ROUNDS = 4  # batches that a request may be part of
LOOKED_BACK = 30 * 86400  # seconds: results are kept no longer
PATIENCE = 3600.0  # seconds that the endpoint may be out of reach
POLL = 0.5  # seconds between two looks at what another job is at
MANY = 1000  # requests waited for, from which on looks become rarer
ABSENT = (404, 405, 501)  # how an endpoint says that it has no such thing
ENDED = ("completed", "expired", "cancelled", "failed")
# The metadata's keys: the store and model, the batch's own name, and for whom it was opened.
STORE, NAME, DATA_SET, STAGE = "rag_instruct_store", "rag_instruct_name", "rag_instruct_for", "rag_instruct_stage"
LOOKING = ".adopting.lock"  # held by the job that looks for batches, or opens one
CHANGED = ".changed"  # written anew when a batch is opened or taken over
TAKEN = ".taken"  # after a batch's id: another than the job that opened it has taken it over

Record = Callable[[str, dict[str, Any], Reply, tuple[str, str]], Awaitable[Reply]]
Lose = Callable[[str, dict[str, Any], Passing, tuple[str, str]], Awaitable[None]]


class Gone(UserError):
    """What is asked for is not there (any more)."""


class Unanswered(UserError):
    """All requests of a batch were rejected: that is no request's own fault."""


class _Asked(NamedTuple):
    request: dict[str, Any]
    answered: "asyncio.Future[Reply]"


@dataclass(eq=False)
class _Adopted:
    """A batch that another job has let go, its requests, and what is claimed for it."""

    batch: Batch
    bodies: dict[str, dict[str, Any]]
    claimed: list[str]
    lent: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    task: "asyncio.Task[None] | None" = None


def store_of(folder: Path, model: str, make: bool = False) -> str:
    """The name by which batches of `model` know the store whose `folder` this is; none was opened where it is empty."""
    path = folder / f"{digest(model)[:16]}.id"
    if make and not path.exists():
        held = hold(folder / ".id.lock", wait=True, quiet=True)
        if not path.exists():
            with whole(path) as temporary:
                temporary.write_text(uuid.uuid4().hex)
        if held:
            held.close()
    return path.read_text() if path.exists() else ""


class BatchClient:
    """Collects requests until no more come, sends them as one batch, and answers them when it has ended."""

    def __init__(
        self,
        teacher: Teacher,
        endpoint: Endpoint,
        record: Record,
        lose: Lose,
        bought_for: tuple[str, str],
        folder: Path,
        claims: Claims,
        budget: Budget,
    ) -> None:
        self._teacher, self._record, self._lose, self._bought_for = teacher, record, lose, bought_for
        self._folder = (
            folder  # the store's name, LOOKING, CHANGED, and for each batch that is TAKEN or kept an empty file
        )
        self._claims, self._budget = claims, budget
        self._name = f"{teacher.model} at {endpoint.base_url}"
        self._key_variable = endpoint.key_variable
        self._dialect = Dialect(self._name)
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=endpoint.key(), max_retries=0, timeout=teacher.timeout
        )
        self._asked: dict[str, _Asked] = {}
        self._rounds: dict[str, int] = {}
        self._last = 0.0
        self._sender: asyncio.Task[None] | None = None
        self._adopted: dict[str, _Adopted] = {}
        self._adopted_of: dict[str, _Adopted] = {}  # by request
        self._opened = ""  # the name of this job's own batch
        self._opening = False
        self._stopped = False
        self._seen: str | None = None  # what CHANGED said at the last look
        self._foreign: list[str] = []  # names of batches that another living job had then
        self._elsewhere: dict[str, str] = {}  # by request, the batch that another living job has taken over
        self._requests: dict[str, list[str]] = {}  # of those, by batch

    def stop(self) -> None:
        """Wait no longer. A batch that runs goes on, and the next run takes its answers."""
        interrupted = _interrupted()
        self._stopped = True
        self._let_go()  # before its requests: whoever claims one of them is to find the batch free
        self._fail(interrupted)
        for adopted in self._adopted.values():
            if adopted.task and not adopted.ended.is_set():
                adopted.error = interrupted
                adopted.ended.set()
                adopted.task.cancel()
        if self._sender and not self._opening:  # else it ends by itself, when the others may see what it has opened
            self._sender.cancel()

    async def close(self) -> None:
        """Close the connections."""
        self.stop()
        tasks = [adopted.task for adopted in self._adopted.values() if adopted.task]
        await asyncio.gather(*tasks, *filter(None, [self._sender]), return_exceptions=True)
        await self._openai.close()

    async def complete(self, key: str, request: dict[str, Any]) -> Reply:
        """The reply, when its batch has ended; raises Refused and UserError as Client.complete does.

        Raises Passing when the batch has charged it without a readable reply, so that it may be asked again.
        """
        self._go_on()
        if self._rounds.get(key, 0) >= ROUNDS:
            raise Refused(f"no answer in {ROUNDS} batches")
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[key] = _Asked(request, answered)
        self._last = time.monotonic()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await answered

    async def adopt(self) -> None:
        """Look for batches of the store that nobody waits for, and take them over, whatever they were made for.

        A look after the first is made only if a batch was opened, taken over or let go since the last one.
        """
        if not (store := store_of(self._folder, self._teacher.model)):
            return
        async with self._looking():
            if self._change() == self._seen and not any(map(self._is_free, self._foreign)):
                return
            foreign: list[str] = []
            elsewhere: dict[str, str] = {}
            with suppress(Gone):  # an endpoint without batches
                for batch in await self._surely(partial(self._of_store, store)):
                    if not await self._take_over(batch):
                        foreign.append(_name(batch))
                        elsewhere |= dict.fromkeys(await self._requests_of_taken(batch), batch.id)
            self._seen, self._foreign, self._elsewhere = self._change(), foreign, elsewhere

    async def adopted(self, key: str) -> bool:
        """Wait for the batch with the request that was taken over, or a moment where another job has it; False: none.

        Raises what kept this job from taking the batch's answers.
        """
        if adopted := self._adopted_of.get(key):
            await adopted.ended.wait()
            if adopted.error:
                raise adopted.error
            self._adopted_of.pop(key, None)
            return True
        if not (batch := self._elsewhere.get(key)):
            return False
        self._go_on()
        if (self._folder / batch).exists():
            del self._elsewhere[key]
        else:
            await asyncio.sleep(POLL * (1 + len(self._elsewhere) / MANY))
        return True

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[None]:
        """While no other job looks for batches, or opens one."""
        while (looking := hold(self._folder / LOOKING, wait=False)) is None:
            await asyncio.sleep(POLL)
            self._go_on()
        with looking:
            yield

    def _go_on(self) -> None:
        if self._stopped:
            raise _interrupted()

    def _change(self) -> str:
        path = self._folder / CHANGED
        return path.read_text() if path.exists() else ""

    def _say_changed(self) -> None:
        with whole(self._folder / CHANGED) as temporary:
            temporary.write_text(uuid.uuid4().hex)

    def _is_free(self, name: str) -> bool:
        if free := self._claims.take(name):
            self._claims.drop(name)
        return free

    def _let_go(self) -> None:
        self._claims.drop(self._opened)
        self._opened = ""

    async def _of_store(self, store: str) -> list[Batch]:
        earliest = time.time() - LOOKED_BACK
        found: list[Batch] = []
        async for batch in self._openai.batches.list(limit=100):
            if batch.created_at < earliest:
                break
            ours = (batch.metadata or {}).get(STORE) == store and _name(batch) != self._opened
            if ours and batch.id not in self._adopted and not self._is_kept(batch):
                found.append(batch)
        return found

    def _is_kept(self, batch: Batch) -> bool:
        return (self._folder / batch.id).exists()

    async def _take_over(self, batch: Batch) -> bool:
        """Wait for the batch from now on; False when another job does."""
        name = _name(batch)
        if not self._claims.take(name):
            return False
        try:
            if self._is_kept(batch):
                return True  # by another, between the look and the claim
            # What was sent is the record of what was asked; whoever runs may ask for something else by now.
            bodies = await self._bodies(batch)
            self._go_on()
            (self._folder / f"{batch.id}{TAKEN}").touch()
            self._say_changed()
            lent = self._budget.owe(bodies.values())
            claimed = [key for key in (name, *bodies) if self._claims.take(key)]
        except Gone as error:
            logger.warning(
                "%s: %s of an earlier run is passed over, its requests are gone: %s", *self._of(batch), error
            )
            return True
        finally:
            self._claims.drop(name)
        adopted = _Adopted(batch, bodies, claimed, lent)
        self._adopted[batch.id] = adopted
        self._adopted_of |= dict.fromkeys(bodies, adopted)
        logger.info("%s: %s of an earlier run is %s", *self._of(batch), batch.status)
        adopted.task = asyncio.create_task(self._outlive(adopted))
        if batch.status in ENDED:
            await adopted.ended.wait()
        else:
            logger.info("its %d requests are waited for; cancelled at the provider, it ends earlier", len(bodies))
        return True

    async def _requests_of_taken(self, batch: Batch) -> list[str]:
        """What a batch has that another job took over; who has opened one claims all that it has."""
        if not (self._folder / f"{batch.id}{TAKEN}").exists():
            return []
        if batch.id not in self._requests:
            try:
                self._requests[batch.id] = list(await self._bodies(batch))
            except Gone:  # who took it over has read them; nobody else can
                self._requests[batch.id] = []
        return self._requests[batch.id]

    async def _bodies(self, batch: Batch) -> dict[str, dict[str, Any]]:
        lines = _lines(await self._file(batch.input_file_id))
        return {line["custom_id"]: line["body"] for line in lines}

    async def _outlive(self, adopted: _Adopted) -> None:
        batch = adopted.batch
        tags = batch.metadata or {}
        bought_for = tags.get(DATA_SET, self._bought_for[0]), tags.get(STAGE, self._bought_for[1])
        try:
            await self._take(await self._ended(batch), adopted.bodies, bought_for)
        except (Gone, Unanswered) as error:
            logger.warning("%s: nothing was answered in %s: %s", *self._of(batch), error)
        except Exception as error:  # whoever waits learns of it
            adopted.error = error
        finally:
            for key in adopted.claimed:  # its name first: whoever claims a request is to find it free
                self._claims.drop(key)
            adopted.ended.set()
            self._budget.take_back(adopted.lent, len(adopted.bodies))

    def _of(self, batch: Batch) -> tuple[str, str]:
        return self._name, batch.id

    async def _send(self) -> None:
        try:
            while self._asked:
                if (left := self._last + QUIET - time.monotonic()) > 0 and len(self._asked) < MOST_LINES:
                    await asyncio.sleep(left)
                    continue
                await self._one_batch()
        except Exception as error:
            # Whoever waits learns of it; a fault that is none of ours is shown as such.
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        for key in list(self._asked):
            self._refuse(key, error)

    def _refuse(self, key: str, error: Exception) -> None:
        answered = self._asked.pop(key).answered
        if not answered.done():
            answered.set_exception(error)

    async def _one_batch(self) -> None:
        content = io.BytesIO()
        bodies: dict[str, dict[str, Any]] = {}
        for key in sorted(self._asked)[:MOST_LINES]:
            body = self._dialect.word(self._asked[key].request)
            line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            content.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            bodies[key] = body
            if content.tell() > MOST_BYTES:
                break
        name = uuid.uuid4().hex
        self._claims.take(name)
        self._opened = name
        try:
            await self._answered(content.getvalue(), name, bodies)
        finally:
            self._let_go()

    async def _answered(self, content: bytes, name: str, bodies: dict[str, dict[str, Any]]) -> None:
        batch = await self._open(content, name)
        self._go_on()
        logger.info("%s: %d requests in %s, results within a day", self._name, len(bodies), batch.id)
        for key in bodies:
            self._rounds[key] = self._rounds.get(key, 0) + 1
        batch = await self._ended(batch)
        if batch.status == "failed":
            errors = (batch.errors.data if batch.errors else None) or []
            said = "; ".join(f"line {error.line}: {error.message}" for error in errors[:3])
            said = without_key(said, self._key_variable)
            raise UserError(f"{self._name}: {batch.id} was not accepted ({said}); {KEPT}")
        await self._take(batch, bodies, self._bought_for)
        for key in bodies:
            if key in self._asked and self._rounds[key] >= ROUNDS:
                self._refuse(key, Refused(f"no answer in {ROUNDS} batches"))

    async def _open(self, content: bytes, name: str) -> Batch:
        """Upload and start a batch. When it is not sure that it started, look for it before starting it again."""
        file = await self._surely(
            lambda: self._openai.files.create(file=("requests.jsonl", io.BytesIO(content)), purpose="batch")
        )
        data_set, stage = self._bought_for
        store = store_of(self._folder, self._teacher.model, make=True)
        tags = {STORE: store, NAME: name, DATA_SET: data_set, STAGE: stage}

        async def started() -> Batch:
            async with self._looking():  # else a look could see the change, and not the batch
                self._opening = True
                try:
                    self._say_changed()
                    async for batch in self._openai.batches.list(limit=100):
                        if batch.input_file_id == file.id:
                            return batch
                    self._go_on()
                    return await self._openai.batches.create(
                        input_file_id=file.id,
                        endpoint="/v1/chat/completions",
                        completion_window="24h",
                        metadata=tags,
                    )
                finally:
                    self._opening = False

        batch: Batch = await self._surely(started)
        return batch

    async def _ended(self, batch: Batch) -> Batch:
        """The batch when it has ended, well or not."""
        total = batch.request_counts.total if batch.request_counts else None
        with bar(batch.id, total=total) as counter:
            while batch.status not in ENDED:
                await asyncio.sleep(self._teacher.poll_seconds)
                batch = await self._surely(partial(self._openai.batches.retrieve, batch.id))
                if batch.request_counts:
                    counter.total = batch.request_counts.total
                    counter.update(batch.request_counts.completed + batch.request_counts.failed - counter.n)
        if batch.status != "completed":
            logger.warning("%s: %s %s: what it has not answered is asked again", self._name, batch.id, batch.status)
        return batch

    async def _take(self, batch: Batch, bodies: dict[str, dict[str, Any]], bought_for: tuple[str, str]) -> None:
        """Keep what the batch answered. What it lacks, or has in an unreadable line, stays asked.

        Raises Unanswered when all of it was rejected.
        """
        outcomes, rejected, lost = await self._outcomes(batch, bodies)
        if outcomes:
            outcomes |= {key: _failed(error) for key, error in rejected.items()}
        await asyncio.gather(*(self._keep(key, bodies[key], reply, bought_for) for key, reply in outcomes.items()))
        await asyncio.gather(*(self._lose(key, bodies[key], attempt, bought_for) for key, attempt in lost.items()))
        (self._folder / batch.id).touch()
        for key in self._asked.keys() & lost.keys():
            self._refuse(key, lost[key])
        if rejected and not outcomes:
            raise Unanswered(str(next(iter(rejected.values()))))
        if lacking := len(bodies) - len(outcomes):
            logger.warning("%s: %s has no answer to %d of %d requests", self._name, batch.id, lacking, len(bodies))

    async def _outcomes(
        self, batch: Batch, bodies: dict[str, dict[str, Any]]
    ) -> tuple[dict[str, Reply], dict[str, Rejected], dict[str, Passing]]:
        """What a batch's files say of each request, and what was lost; of several answers the first counts."""
        outcomes: dict[str, Reply] = {}
        rejected: dict[str, Rejected] = {}
        lost: dict[str, Passing] = {}
        silent, unreadable = dict.fromkeys(bodies), 0
        for name in filter(None, (batch.output_file_id, batch.error_file_id)):
            content = await self._file(name)
            unreadable += len(content.splitlines())
            for line in _lines(content):
                unreadable -= 1
                key = str(line.get("custom_id"))
                silent.pop(key, None)
                if key not in bodies or key in outcomes:
                    continue
                try:
                    if reply := self._reply(line, bodies[key]):
                        outcomes[key] = reply
                except Passing as error:
                    lost[key] = error
                except Rejected as error:
                    rejected[key] = error
        # Whose the unreadable lines were, nobody can say; how many there were is what the bill is about.
        lost |= {key: Passing("broken reply", charged=True) for key in list(silent)[:unreadable]}
        return outcomes, rejected, {key: attempt for key, attempt in lost.items() if key not in outcomes}

    async def _keep(self, key: str, body: dict[str, Any], reply: Reply, bought_for: tuple[str, str]) -> None:
        one = self._asked.get(key)
        reply = await self._record(key, one.request if one else body, reply, bought_for)
        one = self._asked.pop(key, None)
        if one and not one.answered.done():
            one.answered.set_result(reply)

    def _reply(self, line: dict[str, Any], body: dict[str, Any]) -> Reply | None:
        """The reply in a line of results; None when it is worth asking again, Passing when it was charged as well."""
        response = line.get("response") or {}
        status, content = response.get("status_code"), response.get("body") or {}
        try:
            if status == 200:
                return {**reply_of(json.dumps(content).encode()), "batch": True}
            error = content.get("error") or line.get("error") or {}
            if status is None or (status in (400, 422) and self._learnt(body, error)):
                return None
            raise_for(status, error, self._name, self._key_variable)
            return None
        except Passing as error:
            if error.charged:
                raise
            return None
        except Refused as error:
            return _failed(error)

    def _learnt(self, body: dict[str, Any], error: dict[str, Any]) -> bool:
        return body != self._dialect.word(body) or self._dialect.learn(body, error)

    async def _file(self, name: str) -> bytes:
        content: bytes = (await self._surely(lambda: self._openai.files.content(name))).content
        return content

    async def _surely(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `call`, which is tried again while the endpoint is out of reach."""
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Passing),
                wait=wait_random_exponential(multiplier=0.5, max=60),
                stop=stop_after_delay(PATIENCE),
                before_sleep=before_sleep_log(logger, 20),
                reraise=True,
            ):
                with attempt:
                    return await self._once(call)
        except (Passing, Refused, Rejected) as error:
            raise UserError(f"{self._name} does not answer ({error}); {KEPT}") from error

    async def _once(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self._go_on()
        try:
            return await call()
        except openai.APIStatusError as error:
            body = error.body if isinstance(error.body, dict) else {"message": error.message}
            if error.status_code in ABSENT:
                raise Gone(f"{self._name} has no {error.request.url.path} ({error.status_code})") from error
            raise_for(error.status_code, body, self._name, self._key_variable)
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise Passing("connection broken") from error


def _interrupted() -> UserError:
    return UserError(f"interrupted; the batch goes on, and {KEPT}")


def _name(batch: Batch) -> str:
    """The name by which the batch is claimed; its id's digest where it was opened without one."""
    return (batch.metadata or {}).get(NAME) or digest(batch.id)


def _failed(error: Exception) -> Reply:
    return {"text": "", "finish_reason": "failed", "failure": str(error)}


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file's lines; a broken line is passed over, and its request stays unanswered."""
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
