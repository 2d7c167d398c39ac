"""Records what a session buys: replies, failures and lost attempts, with the data set that pays."""

import uuid
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from rag_instruct.files import digest
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import Budget, BudgetAccount, Renew
from rag_instruct.llm.door import Transient
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.learned import may_be_cut, message_bytes
from rag_instruct.llm.segments import Lost, Record, Reply, Request
from rag_instruct.llm.usage import Usage, tokens_in
from rag_instruct.logs import logger


class Buyer(NamedTuple):
    """The data set and stage for which a request was bought."""

    data_set: str
    stage: str


class Recorder:
    """Writes a session's purchases into the store. `budget` reserves the dollars before each request is sent."""

    def __init__(self, model: TeacherModel, store: AnswerStore, account: BudgetAccount) -> None:
        self._model, self._store = model, store
        self.budget = Budget(account, model, store)
        self.buyer = Buyer(account.data_set, account.stage)
        latest = next(store.sample(model.model), None)
        self._answers_as = latest["reply"].get("model") if latest else None  # the model's name by the endpoint
        # Whether we warned of another name. Several endpoints may have several names, so then we never warn.
        self._name_warned = len(model.endpoints) > 1
        self._cut_warned = False

    @property
    def is_new(self) -> bool:
        """Whether the store has no answer of the model yet."""
        return not self._store.has_answers_of(self._model.model)

    def reserved(self, request: Request) -> AbstractAsyncContextManager[Renew]:
        """Hold room on the disk for the answer, and return the block of `Budget.reserved` for the request."""
        self.hold_room()
        return self.budget.reserved(request)

    def hold_room(self) -> None:
        """Raise UserError if the store has no room for the answers that are on their way."""
        self._store.hold_room()

    def has_all(self, keys: Iterable[str]) -> bool:
        """Return whether the store has answers to all requests."""
        return all(self._store.get(key) and not self._store.is_unknown(key) for key in keys)

    async def record(self, key: str, request: Request, reply: Reply, buyer: Buyer | None = None) -> Reply:
        """Store a reply or a failure, and return it. If the store already has a reply, return that one instead.

        A second paid reply is stored as a lost attempt. Raise UserError, after storing, if the reply shows that the
        budget cannot be kept.
        """
        stored = self._store.get(key)
        if stored and (not stored.get("unknown") or reply.get("unknown")):
            await self._record_second(key, request, stored, reply, buyer)
            return stored
        record = self._record(key, buyer)
        record["request"] = request
        if "failure" in reply:
            record["failure"] = reply["failure"]
            if "unknown" in reply:
                record["unknown"] = True
            if "faults" in reply:
                record["faults"] = reply["faults"]
        else:
            self._watch_prompt(request, reply.get("usage"))
            reply = record["reply"] = self.budget.completed(request, reply)
            self._watch_name(reply.get("model"))
        await self._store.put(record)
        self.budget.learn(request, reply)
        return reply

    def _watch_name(self, name: str | None) -> None:
        """Warn once if the endpoint names another model than in its answers before."""
        if name and self._answers_as and name != self._answers_as and not self._name_warned:
            self._name_warned = True
            logger.warning(
                "%s answers as %s now, and as %s before: rows of both are in one data set. For another model, give "
                "`model` of the teacher another name",
                self._model.model,
                name,
                self._answers_as,
            )
        self._answers_as = name or self._answers_as

    def _watch_prompt(self, request: Request, usage: Usage | None) -> None:
        """Warn once if the endpoint seems to cut long prompts in silence."""
        if not self._cut_warned and may_be_cut(request, usage):
            self._cut_warned = True
            logger.warning(
                "%s counts only %d tokens in a prompt of %d bytes. If it cuts prompts, as Ollama does, its answers "
                "ignore what was cut: raise its context (OLLAMA_CONTEXT_LENGTH). Then change the teacher's `sampling`, "
                "such as by `seed: 1`, so that everything is asked again",
                self._model.model,
                tokens_in(usage)["prompt"],
                message_bytes(request),
            )

    async def _record_second(
        self, key: str, request: Request, stored: Reply, reply: Reply, buyer: Buyer | None
    ) -> None:
        """Store the cost of a reply to a request that has one. After a kill, the same reply of a batch comes again."""
        batch = reply.get("batch")
        if "failure" in reply or (batch and stored.get("batch") in (batch, True)):
            return
        usage = self.budget.completed(request, reply).get("usage")
        await self.lose(key, request, Transient("answered twice", charged=True, usage=usage), buyer, str(batch or ""))

    async def lose(
        self, key: str, request: Request, attempt: Transient, buyer: Buyer | None = None, batch: str = ""
    ) -> None:
        """Store what an attempt without a reply may have cost. `batch` is the id of its batch."""
        lost: Lost = {
            "id": digest(batch, key, attempt.fault) if batch else uuid.uuid4().hex,
            "model": request["model"],
            "fault": str(attempt),
            "usage": self.budget.charged_usage(request, attempt.usage),
        }
        if batch:
            lost["batch"] = True
        record = self._record(key, buyer)
        record["lost"] = lost
        await self._store.put(record)

    def _record(self, key: str, buyer: Buyer | None) -> Record:
        data_set, stage = buyer or self.buyer
        record: Record = {"key": key, "for": data_set, "stage": stage}
        if self._model.name:
            record["teacher"] = self._model.name
        return record
