"""A stage's session with a teacher: it buys only the answers that the store lacks, within the budget."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, TypeVar

from rag_instruct.errors import UserError
from rag_instruct.jobs import REPLAY, replays
from rag_instruct.llm.answers import AnswerStore, exclusive, request_key
from rag_instruct.llm.batch import BatchClient
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.client import OnlineClient
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.other_jobs import OtherJobs
from rag_instruct.llm.prices import Price, load_prices
from rag_instruct.llm.recorder import Recorder
from rag_instruct.llm.segments import Reply, Request, take_recorded, tokens_of
from rag_instruct.llm.server import LocalServer, local_server
from rag_instruct.llm.vector_client import VectorClient
from rag_instruct.logs import logger
from rag_instruct.settings import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM)
Result = TypeVar("Result")


class AnswerSource(Protocol):
    """Gives the answers that the store lacks: from an endpoint, by single requests or batches.

    `costs.dry_run` has a source that buys nothing and only notes the requests. If the store has a refusal in unknown
    words, a source with `asks_again` sends the request again. The default `stop` and `close` do nothing.
    """

    asks_again: ClassVar[bool] = False

    async def answer(self, key: str, request: Request) -> Reply:
        """Return the reply to a request, and record it in the store."""

    def stop(self, error: UserError | None = None) -> None:
        """Start nothing new. All who wait raise the error, or else that the job was interrupted."""
        return

    async def close(self) -> None:
        """Close the connections."""
        return


class NotStored(UserError):
    """The store has no answer to a request, and none may be bought."""


class ReplayOnly(AnswerSource):
    """An AnswerSource without answers, for a replay, which uses stored answers only, or for a recorded teacher."""

    def __init__(self, recorded: str | None = None) -> None:
        self._recorded = recorded

    async def answer(self, key: str, request: Request) -> Reply:
        """Raise NotStored."""
        if self._recorded:
            raise NotStored(
                f"{self._recorded} has no answer to request {key[:12]}: it was recorded with other prompts, exemplars, "
                "passages or runs. Take these back, or choose a teacher that has an endpoint"
            )
        raise NotStored(
            f"{REPLAY} is set and the store has no answer to request {key[:12]}: unset {REPLAY} to buy the answer"
        )


class Session:
    """Answers the requests of a stage: from the store, or else from a source.

    `jobs` coordinates purchases with the store's other jobs: the processes that use the same answers/ folder. A source
    that buys nothing needs no `jobs`.
    """

    def __init__(
        self, model: TeacherModel, store: AnswerStore, source: AnswerSource, jobs: OtherJobs | None = None
    ) -> None:
        self.model = model
        self._store, self._source, self._jobs = store, source, jobs
        self._waiting: dict[str, asyncio.Task[Reply]] = {}
        self._asked: set[str] = set()  # keys of requests that this session has sent
        self._bought: set[str] = set()  # keys of requests whose replies this session added to the store
        self.completions: dict[str, int] = {}  # request key: completion tokens of a reply that was stored before

    @property
    def bought(self) -> int:
        """How many requests have a reply that this session added to the store, those of adopted batches included."""
        return len(self._bought)

    @property
    def replayed(self) -> int:
        """How many requests the store answered, with replies that this session did not add."""
        return len(self.completions)

    async def __aenter__(self) -> Self:
        try:
            if self._jobs:
                await self._jobs.adopt()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        async with AsyncExitStack() as last_first:
            last_first.callback(self._store.close)
            if self._jobs:
                last_first.push_async_callback(self._jobs.close)
            last_first.push_async_callback(self._source.close)

    def stop(self, error: UserError | None = None) -> None:
        """Start nothing new: all who wait raise the error, or else that the job was interrupted."""
        if self._jobs:
            self._jobs.stop()
        self._source.stop(error)

    def stop_on_signals(self) -> None:
        """Let Ctrl-C or SIGTERM end the job cleanly. A second signal ends the job at once."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            logger.warning(
                "interrupted: waiting for the requests in flight, to keep their answers. Batches keep running. "
                "Interrupt again to end at once"
            )
            self.stop()
            for number in SIGNALS:
                loop.remove_signal_handler(number)

        for number in SIGNALS:
            loop.add_signal_handler(number, stop)

    async def ask(self, body: Request) -> tuple[str, Reply]:
        """Return the request's key and the reply, from the store or else from the source.

        A reply is an answer only if its finish_reason is "stop". If it is "failed", `failure` says why the endpoint
        gave none. Later sessions ask again only if the failure is `unknown`.
        """
        request = self.model.request(body)
        key = request_key(request)
        if stored := self._stored(key):
            return key, stored
        # Two candidates may need the same request at once: we send it once for both.
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._missing(key, request))
            self._waiting[key].add_done_callback(lambda _: self._waiting.pop(key))  # now the store has the reply
        return key, await self._waiting[key]

    def _stored(self, key: str) -> Reply | None:
        reply = self._store.get(key)
        if reply and reply.get("unknown") and self._source.asks_again and key not in self._asked:
            return None
        if reply:
            self._count(key, reply)
        return reply

    def _count(self, key: str, reply: Reply) -> None:
        """Count the request once: as bought or as answered by the store. A request that just failed is neither."""
        if key in self._store.added:
            self._bought.add(key)
        elif key not in self._asked:
            self.completions[key] = tokens_of(reply)["completion"]

    async def _missing(self, key: str, request: Request) -> Reply:
        if not self._jobs:
            return await self._source.answer(key, request)
        async with self._jobs.claimed(key):
            waited = True
            while waited:
                waited = await self._jobs.wait_for_batch(key)
                await self._store.refreshed()  # the job that had the claim or the batch may have stored the answer
                if stored := self._stored(key):
                    return stored
            self._asked.add(key)
            reply = await self._source.answer(key, request)
            self._count(key, reply)
            return reply


def open_session(
    model: TeacherModel, store: AnswerStore, account: BudgetAccount, client: type[OnlineClient] = OnlineClient
) -> Session:
    """Return a session that buys from the endpoints of `model`, by single requests through `client` or in batches.

    It buys nothing if RAG_INSTRUCT_REPLAY is set or the answers of `model` are recorded.
    """
    if replays() or model.recorded:
        return Session(model, store, ReplayOnly(model.recorded))
    recorder = Recorder(model, store, account)
    jobs = OtherJobs(model, store, recorder)
    source: AnswerSource = BatchClient(jobs.orphans[0]) if model.batch else client(model, recorder, store)
    return Session(model, store, source, jobs)


def with_teacher(
    teacher: str,
    dataset: str,
    stage: str,
    settings: Settings,
    output: Path,
    work: Callable[["Session"], Awaitable[Result]],
    sampling: dict[str, Any] | None = None,
    client: type[OnlineClient] = OnlineClient,
) -> Result:
    """Return the result of `work` with a teacher of the settings. Start the teacher's server, if it has one.

    The budget of `dataset` pays, and the ledger names `stage`. `output` is the file for the result: only one job at a
    time buys answers for this file. Each parameter of `sampling` replaces the teacher's value of that parameter.
    `client` sends the requests: a VectorClient buys vectors.
    """
    described = with_sampling(settings["teachers"][teacher], sampling or {})
    answers = Path(settings["answers"])
    account = account_of(settings, dataset, stage)

    async def session(server: LocalServer | None) -> Result:
        model = TeacherModel.of(described, server.base_url if server else None, teacher)
        if model.recorded:
            take_recorded(Path(model.recorded), answers)
        asked = open_session(model, AnswerStore(answers), account, client)
        if threading.current_thread() is threading.main_thread():  # other threads cannot handle signals
            asked.stop_on_signals()  # first: the session may begin with a wait for batches of earlier jobs
        async with asked, server.watched(asked.stop) if server else nullcontext():
            return await work(asked)

    vectors = issubclass(client, VectorClient)
    serving = (
        local_server(described["server"], described["model"], vectors)
        if starts_server(described)
        else nullcontext(None)
    )
    with exclusive(answers, output), serving as server:
        return asyncio.run(session(server))


def starts_server(teacher: dict[str, Any]) -> bool:
    """Return whether a job starts the teacher's own server. A replay needs none."""
    return "server" in teacher and not replays()


def with_sampling(teacher: dict[str, Any], sampling: dict[str, Any]) -> dict[str, Any]:
    """Return the teacher's settings. Each parameter of `sampling` replaces the teacher's value of that parameter."""
    return {**teacher, "sampling": {**teacher.get("sampling", {}), **sampling}}


def account_of(settings: dict[str, Any], data_set: str, stage: str) -> BudgetAccount:
    """Return the account of a stage: the data set's budget, and all known prices."""
    own = {
        (name, teacher["model"]): Price(**teacher["price"]) if "price" in teacher else None
        for name, teacher in settings["teachers"].items()
    }
    prices = load_prices(Path(settings["prices"]))
    return BudgetAccount(data_set, stage, prices, own_prices=own, **settings["datasets"][data_set]["budget"])
