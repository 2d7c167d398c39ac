"""A stage's session with a teacher: it asks only for what the store does not hold, within the budget."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from rag_instruct.errors import UserError
from rag_instruct.jobs import REPLAY
from rag_instruct.llm.answers import AnswerStore, exclusive, request_key
from rag_instruct.llm.batch import BatchClient
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.client import OnlineClient
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.other_jobs import OtherJobs
from rag_instruct.llm.prices import Price, load_prices
from rag_instruct.llm.recorder import Recorder
from rag_instruct.llm.segments import Reply, Request, tokens_of
from rag_instruct.llm.server import local_server
from rag_instruct.logs import logger
from rag_instruct.settings import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM)
Result = TypeVar("Result")


class AnswerSource(Protocol):
    """Where answers come from that the store lacks: an endpoint, online or in batches, or nowhere in a dry run.

    By default nothing is under way and nothing is open.
    """

    async def answer(self, key: str, request: Request) -> Reply:
        """The reply to a request, recorded in the store."""

    def stop(self) -> None:
        """Begin nothing new."""
        return

    async def close(self) -> None:
        """Close the connections."""
        return


class ReplayOnly(AnswerSource):
    """An AnswerSource that has no answers: a replay is made of stored answers only."""

    async def answer(self, key: str, request: Request) -> Reply:
        """Raise UserError."""
        raise UserError(
            f"{REPLAY} is set and the store has no answer to request {key[:12]}: unset it to buy the answer"
        )


class Session:
    """Answers the requests of a stage: from the store, or else from a source.

    With `jobs`, other jobs of the store may be buying the same; without them, the source buys nothing.
    """

    def __init__(
        self, model: TeacherModel, store: AnswerStore, source: AnswerSource, jobs: OtherJobs | None = None
    ) -> None:
        self.model = model
        self._store, self._source, self._jobs = store, source, jobs
        self._waiting: dict[str, asyncio.Task[Reply]] = {}
        self.completions: dict[str, int] = {}  # completion tokens of the answers that the store had, by key

    @property
    def bought(self) -> int:
        """Answers that the source gave, rather than the store."""
        return self._store.added

    @property
    def replayed(self) -> int:
        """Requests that the store answered."""
        return len(self.completions)

    async def __aenter__(self) -> Self:
        if self._jobs:
            await self._jobs.adopt()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._source.close()
        if self._jobs:
            await self._jobs.close()
        self._store.close()

    def stop_on_signals(self) -> None:
        """Let Ctrl-C, or a scheduler's SIGTERM, end the job in order; a second one ends it at once."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            logger.warning(
                "interrupted: waiting for the requests in flight, their answers are kept; batches keep running; "
                "interrupt again to end at once"
            )
            if self._jobs:
                self._jobs.stop()
            self._source.stop()
            for number in SIGNALS:
                loop.remove_signal_handler(number)

        for number in SIGNALS:
            loop.add_signal_handler(number, stop)

    async def ask(self, body: Request, sample: int = 0) -> tuple[str, Reply]:
        """The request's key and its reply, from the store or else from the source.

        A reply is an answer only if its finish_reason is "stop". If it is "failed", `failure` says why the
        endpoint will never give an answer.
        """
        request = self.model.request(body)
        key = request_key(request, sample)
        if stored := self._stored(key):
            return key, stored
        # Two candidates may ask the same at once: one request serves both.
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._missing(key, request))
            self._waiting[key].add_done_callback(lambda _: self._waiting.pop(key))  # the store has it from now on
        return key, await self._waiting[key]

    def _stored(self, key: str) -> Reply | None:
        if reply := self._store.get(key):
            self.completions[key] = tokens_of(reply)["completion"]
        return reply

    async def _missing(self, key: str, request: Request) -> Reply:
        if not self._jobs:
            return await self._source.answer(key, request)
        async with self._jobs.claimed(key):
            waited = True
            while waited:
                waited = await self._jobs.wait_for_batch(key)
                await self._store.refreshed()  # the job that had the claim or the batch may have kept an answer
                if stored := self._stored(key):
                    return stored
            return await self._source.answer(key, request)


def open_session(model: TeacherModel, store: AnswerStore, account: BudgetAccount) -> Session:
    """A session that buys from the endpoints of `model`; if RAG_INSTRUCT_REPLAY is set, one that buys nothing."""
    if os.environ.get(REPLAY):
        return Session(model, store, ReplayOnly())
    recorder = Recorder(model, store, account)
    jobs = OtherJobs(model, store, recorder)
    source = BatchClient(jobs.orphans[0]) if model.batch else OnlineClient(model, recorder)
    return Session(model, store, source, jobs)


def with_teacher(
    teacher: str,
    dataset: str,
    stage: str,
    settings: Settings,
    output: Path,
    work: Callable[["Session"], Awaitable[Result]],
    sampling: dict[str, Any] | None = None,
) -> Result:
    """Return the result of `work` with a teacher of the settings; starts the teacher's server if it has one.

    The budget of `dataset` pays, and the ledger names `stage`. `output` is the file that the result is for: one job
    at a time buys for it. `sampling` goes before the teacher's own.
    """
    described = with_sampling(settings["teachers"][teacher], sampling or {})
    answers = Path(settings["answers"])
    account = account_of(settings, dataset, stage)

    async def session(base_url: str | None) -> Result:
        model = TeacherModel.of(described, base_url)
        async with open_session(model, AnswerStore(answers), account) as asked:
            if threading.current_thread() is threading.main_thread():  # no other may handle signals
                asked.stop_on_signals()
            return await work(asked)

    server = local_server(described["server"]) if "server" in described else nullcontext(None)
    with exclusive(answers, output), server as base_url:
        return asyncio.run(session(base_url))


def with_sampling(teacher: dict[str, Any], sampling: dict[str, Any]) -> dict[str, Any]:
    """A teacher's settings; the stage's sampling replaces the teacher's own."""
    return {**teacher, "sampling": {**teacher.get("sampling", {}), **sampling}}


def account_of(settings: dict[str, Any], data_set: str, stage: str) -> BudgetAccount:
    """The data set's budget with the prices of config.yaml."""
    own = {
        teacher["model"]: Price(**teacher["price"]) for teacher in settings["teachers"].values() if "price" in teacher
    }
    prices = load_prices(Path(settings["prices"]))
    return BudgetAccount(data_set, stage, prices, own_prices=own, **settings["datasets"][data_set]["budget"])
