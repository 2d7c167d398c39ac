"""The teacher as a stage sees it: asked only for what the store does not hold, within the budget."""

import argparse
import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from rag_instruct import endpoints
from rag_instruct.answers import AnswerStore, Record, Reply, exclusive, request_key
from rag_instruct.batch import BatchClient
from rag_instruct.budget import Budget, Purse
from rag_instruct.cli import bar, logger
from rag_instruct.client import Client, Refused
from rag_instruct.config import REPLAY, job_settings
from rag_instruct.errors import UserError
from rag_instruct.prices import Price, load_prices
from rag_instruct.prompts import Step
from rag_instruct.server import local_server

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

    def __init__(self, model: endpoints.Teacher, store: AnswerStore, purse: Purse, job: str = "") -> None:
        self.model = model
        self._store = store
        self._purse = purse
        self._budget = Budget(purse, model, store)
        self._waiting: dict[str, asyncio.Task[Reply]] = {}
        self._client = (
            BatchClient(model, self._record, job, store.folder / ".batches") if model.batch else Client(model)
        )
        self.replayed = 0

    @property
    def bought(self) -> int:
        """Answers that the endpoint gave, rather than the store."""
        return self._store.added

    async def __aenter__(self) -> Self:
        if isinstance(self._client, BatchClient) and not os.environ.get(REPLAY):
            await self._client.resume()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        self._store.close()

    def stop_on_signals(self) -> None:
        """Let Ctrl-C, or a scheduler's SIGTERM, end the job in order; a second one ends it at once."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            logger.warning("interrupted: what is in flight is waited for and kept; once more to end at once")
            self._client.stop()
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
        return key, await self._waiting[key]

    async def _buy(self, key: str, request: dict[str, Any]) -> Reply:
        if os.environ.get(REPLAY):
            raise UserError(
                f"{REPLAY} is set and the store has no answer to request {key[:12]}: unset it to buy the answer"
            )
        most = await self._budget.lend(request)
        try:
            if isinstance(self._client, BatchClient):
                return await self._client.complete(key, request)
            tokens = self._budget.tokens(request) if self.model.tokens_per_minute else 0
            return await self._record(key, request, await self._client.complete(request, tokens))
        except Refused as error:
            return await self._record(key, request, {"text": "", "finish_reason": "failed", "failure": str(error)})
        finally:
            await self._budget.take_back(most)
            self._waiting.pop(key, None)  # the store has it from now on

    async def _record(self, key: str, request: dict[str, Any], reply: Reply) -> Reply:
        """Keep a reply, or the reason why there will be none; what is kept already stays as it is."""
        if stored := self._store.get(key):
            return stored
        record: Record = {"key": key, "for": self._purse.data_set, "stage": self._purse.stage, "request": request}
        if "failure" in reply:
            await self._store.put({**record, "failure": reply["failure"]})
        else:
            reply = self._budget.completed(request, reply)
            await self._store.put({**record, "reply": reply})
        return reply


def with_teacher(arguments: argparse.Namespace, output: Path, work: Callable[["Teacher"], Awaitable[Result]]) -> Result:
    """The result of `work` with the teacher that a script's arguments name, its server included.

    `output` is the file that the result is for: one job at a time buys for it.
    """
    settings = job_settings()
    teacher = settings["teachers"][arguments.teacher]
    answers = Path(settings["answers"])
    purse = purse_of(settings, arguments.dataset, arguments.stage)

    async def session(base_url: str | None) -> Result:
        model = endpoints.Teacher.of(teacher, base_url)
        async with Teacher(model, AnswerStore(answers), purse, job=str(output.resolve())) as asked:
            asked.stop_on_signals()
            return await work(asked)

    server = local_server(teacher["server"]) if "server" in teacher else nullcontext(None)
    with exclusive(answers, output), server as base_url:
        return asyncio.run(session(base_url))


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

    After a UserError nothing new is begun; what is under way ends, as it may be paid for.
    """
    waiting = list(enumerate(items))
    results: dict[int, Result] = {}
    errors: list[UserError] = []
    shared = iter(waiting)

    async def worker() -> None:
        for number, item in shared:
            try:
                results[number] = await work(item)
                counter.update()
            except UserError as error:
                errors.append(error)
            if errors:
                return

    with bar(what, total=len(waiting)) as counter:
        await asyncio.gather(*(worker() for _ in range(min(concurrency, len(waiting)))))
    if errors:
        raise errors[0]
    return [results[number] for number, _ in waiting]
