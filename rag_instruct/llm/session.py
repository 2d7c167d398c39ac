"""The teacher as a stage sees it: asked only for what the store does not hold, within the budget."""

import asyncio
import os
import signal
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from rag_instruct.config import Settings
from rag_instruct.errors import UserError
from rag_instruct.jobs import REPLAY
from rag_instruct.llm import endpoints
from rag_instruct.llm.answers import KEPT, AnswerStore, Record, Reply, exclusive, request_key
from rag_instruct.llm.batch import MANY, POLL, BatchClient, store_of
from rag_instruct.llm.budget import Budget, Purse
from rag_instruct.llm.client import Client, Passing, Refused
from rag_instruct.llm.prices import Price, load_prices
from rag_instruct.llm.prompts import Step
from rag_instruct.llm.server import local_server
from rag_instruct.lock import Claims
from rag_instruct.logs import bar, logger

BATCHES = ".batches"  # the store's folder of what was opened in batches
SIGNALS = (signal.SIGINT, signal.SIGTERM)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Asked(Protocol):
    """Whoever answers for a teacher: the teacher, or a preview of what it would be asked."""

    model: endpoints.Teacher

    @property
    def bought(self) -> int: ...

    @property
    def replayed(self) -> int: ...

    async def ask(self, body: dict[str, Any], sample: int = 0) -> tuple[str, Reply]: ...


class Teacher:
    """Asks a model, and keeps each answer the moment it arrives."""

    def __init__(self, model: endpoints.Teacher, store: AnswerStore, purse: Purse) -> None:
        self.model = model
        self._store = store
        self._purse = purse
        self._budget = Budget(purse, model, store)
        self._waiting: dict[str, asyncio.Task[Reply]] = {}
        self._claims = Claims(store.folder / ".claims")
        self._barred = 0  # requests that wait for a claim
        self._stopped = False
        self._batches = self._batch_clients() if model.batch else []
        self._adopting, self._looked = asyncio.Lock(), 0.0
        self._client = self._batches[0] if model.batch else Client(model)
        self.replayed = 0

    @property
    def bought(self) -> int:
        """Answers that the endpoint gave, rather than the store."""
        return self._store.added

    async def __aenter__(self) -> Self:
        if not os.environ.get(REPLAY):
            await self._adopt()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in {self._client, *self._batches}:
            await client.close()
        self._store.close()
        self._claims.close()
        self._budget.close()

    def stop_on_signals(self) -> None:
        """Let Ctrl-C, or a scheduler's SIGTERM, end the job in order; a second one ends it at once."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            logger.warning(
                "interrupted: what is in flight is waited for and kept, batches go on; once more to end at once"
            )
            self._stopped = True
            self._budget.stop()
            for client in {self._client, *self._batches}:
                client.stop()
            for number in SIGNALS:
                loop.remove_signal_handler(number)

        for number in SIGNALS:
            loop.add_signal_handler(number, stop)

    async def ask(self, body: dict[str, Any], sample: int = 0) -> tuple[str, Reply]:
        """The request's key and its reply, from the store or else from the endpoint.

        A reply whose finish_reason is not "stop" is no answer; "failed" says in `failure` why
        the endpoint will never give one.
        """
        request = self.model.request(body)
        key = request_key(request, sample)
        if stored := self._store.get(key):
            self.replayed += 1
            return key, stored
        # Two candidates may ask the same at once: one request serves both.
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._buy(key, request))
            self._waiting[key].add_done_callback(lambda _: self._waiting.pop(key))  # the store has it from now on
        return key, await self._waiting[key]

    async def _buy(self, key: str, request: dict[str, Any]) -> Reply:
        if os.environ.get(REPLAY):
            raise UserError(
                f"{REPLAY} is set and the store has no answer to request {key[:12]}: unset it to buy the answer"
            )
        await self._claim(key)
        try:
            waited = True
            while waited:
                waited = await self._in_a_batch(key)
                await self._store.refreshed()  # whoever had the claim or the batch may have its answer
                if stored := self._store.get(key):
                    self.replayed += 1
                    return stored
            return await self._ask_for(key, request)
        finally:
            self._claims.drop(key)

    async def _in_a_batch(self, key: str) -> bool:
        """Wait for the batch that has the request and was taken over, for a moment at least; False if there is none."""
        await self._adopt()
        return any([await batches.adopted(key) for batches in self._batches])

    def _has_batches(self) -> bool:
        """Whether a batch was ever opened for the store, by a job that asks in batches."""
        return bool(store_of(self._store.folder / BATCHES, self.model.model))

    def _batch_clients(self) -> list[BatchClient]:
        places = self.model.endpoints[:1] if self.model.batch else self.model.endpoints
        bought_for = self._purse.data_set, self._purse.stage
        folder = self._store.folder / BATCHES
        return [
            BatchClient(self.model, place, self._record, self._lose, bought_for, folder, self._claims, self._budget)
            for place in places
        ]

    async def _adopt(self) -> None:
        """Take over batches that nobody waits for. One check serves all that called before it."""
        if not self._batches and not self._has_batches():
            return
        called = time.monotonic()
        async with self._adopting:
            if self._looked < called:
                self._looked = time.monotonic()
                self._look = asyncio.create_task(self._look_for_batches())
                await asyncio.wait([self._look])
            self._look.result()  # its error is for all that it was to serve

    async def _look_for_batches(self) -> None:
        if self._stopped:
            raise UserError(f"interrupted; {KEPT}")
        # Who asks online asks for batches, too, once one was opened for the store.
        self._batches = self._batches or self._batch_clients()
        for batches in self._batches:
            await batches.adopt()

    async def _claim(self, key: str) -> None:
        """Wait while another job, of a data set that shares requests with this one, buys the same."""
        self._barred += 1
        try:
            while not self._claims.take(key):
                if self._stopped:
                    raise UserError(f"interrupted; {KEPT}")
                await asyncio.sleep(POLL * (1 + self._barred / MANY))
        finally:
            self._barred -= 1

    async def _ask_for(self, key: str, request: dict[str, Any]) -> Reply:
        lent = [await self._budget.lend(request)]

        async def again() -> None:
            """Another attempt has to have a place in the budget of its own."""
            self._budget.take_back(lent.pop())
            lent.append(await self._budget.lend(request))

        async def lost(attempt: Passing) -> None:
            if attempt.charged:
                await self._lose(key, request, attempt)
                await again()

        try:
            while isinstance(self._client, BatchClient):
                try:
                    return await self._client.complete(key, request)
                except Passing:
                    await again()
            reply = await self._client.complete(request, lost, partial(self._budget.tokens, request))
            return await self._record(key, request, reply)
        except Refused as error:
            faults = {"faults": error.faults} if error.faults else {}
            failed = {"text": "", "finish_reason": "failed", "failure": str(error), **faults}
            return await self._record(key, request, failed)
        finally:
            for most in lent:
                self._budget.take_back(most)

    async def _lose(
        self, key: str, request: dict[str, Any], attempt: Passing, bought_for: tuple[str, str] | None = None
    ) -> None:
        """Keep what an attempt may have cost that brought no answer."""
        data_set, stage = bought_for or (self._purse.data_set, self._purse.stage)
        lost = {
            "id": uuid.uuid4().hex,
            "model": request["model"],
            "fault": str(attempt),
            "usage": attempt.usage or self._budget.most_usage(request),
            **({"batch": True} if bought_for else {}),
        }
        await self._store.put({"key": key, "for": data_set, "stage": stage, "lost": lost})

    async def _record(
        self, key: str, request: dict[str, Any], reply: Reply, bought_for: tuple[str, str] | None = None
    ) -> Reply:
        """Keep a reply, or the reason why there will be none; what is kept already stays as it is."""
        if stored := self._store.get(key):
            return stored
        data_set, stage = bought_for or (self._purse.data_set, self._purse.stage)
        record: Record = {"key": key, "for": data_set, "stage": stage, "request": request}
        if "failure" in reply:
            await self._store.put({**record, **{name: reply[name] for name in ("failure", "faults") if name in reply}})
        else:
            reply = self._budget.completed(request, reply)
            await self._store.put({**record, "reply": reply})
        return reply


def with_teacher(
    teacher: str,
    dataset: str,
    stage: str,
    settings: Settings,
    output: Path,
    work: Callable[["Teacher"], Awaitable[Result]],
    sampling: dict[str, Any] | None = None,
) -> Result:
    """Return the result of `work` with a teacher of the settings; starts the teacher's server if it has one.

    The budget of `dataset` pays, and the ledger names `stage`. `output` is the file that the result is for: one job
    at a time buys for it. `sampling` goes before the teacher's own.
    """
    described = with_sampling(settings["teachers"][teacher], sampling or {})
    answers = Path(settings["answers"])
    purse = purse_of(settings, dataset, stage)

    async def session(base_url: str | None) -> Result:
        model = endpoints.Teacher.of(described, base_url)
        async with Teacher(model, AnswerStore(answers), purse) as asked:
            if threading.current_thread() is threading.main_thread():  # no other may handle signals
                asked.stop_on_signals()
            return await work(asked)

    server = local_server(described["server"]) if "server" in described else nullcontext(None)
    with exclusive(answers, output), server as base_url:
        return asyncio.run(session(base_url))


def with_sampling(teacher: dict[str, Any], sampling: dict[str, Any]) -> dict[str, Any]:
    """A teacher's settings with some of its sampling told by the stage."""
    return {**teacher, "sampling": {**teacher.get("sampling", {}), **sampling}}


def purse_of(settings: dict[str, Any], data_set: str, stage: str) -> Purse:
    """The data set's budget with the prices of config.yaml."""
    own = {
        teacher["model"]: Price(**teacher["price"]) for teacher in settings["teachers"].values() if "price" in teacher
    }
    prices = load_prices(Path(settings["prices"]))
    return Purse(data_set, stage, prices, own_prices=own, **settings["datasets"][data_set]["budget"])


def read(step: Step, reply: Reply) -> tuple[dict[str, str] | None, str]:
    """The variables that a reply fills, or None and the reason why it fills none."""
    if reply["finish_reason"] == "failed":
        return None, f"no answer ({reply['failure']})"
    if reply["finish_reason"] != "stop":
        return None, f"unfinished ({reply['finish_reason']})"
    values = step.parse(reply["text"])
    return values, "" if values is not None else "refused" if reply.get("refusal") else "unparsable"


async def at_once(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], concurrency: int, what: str
) -> list[Result]:
    """The results of `work` in the order of `items`, `concurrency` of them under way at a time.

    After an error nothing new is begun; what is under way ends, as it may be paid for.
    """
    waiting = list(enumerate(items))
    results: dict[int, Result] = {}
    errors: list[Exception] = []
    shared = iter(waiting)

    async def worker() -> None:
        for number, item in shared:
            try:
                results[number] = await work(item)
                counter.update()
            except Exception as error:  # a fault of ours loses no answer of others
                errors.append(error)
            if errors:
                return

    with bar(what, total=len(waiting)) as counter:
        await asyncio.gather(*(worker() for _ in range(min(concurrency, len(waiting)))))
    if errors:
        raise errors[0]
    return [results[number] for number, _ in waiting]
