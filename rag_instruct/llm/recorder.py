"""Records what a session buys: replies, failures and lost attempts, with the data set that pays."""

import uuid
from typing import NamedTuple

from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import Budget, BudgetAccount
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.replies import TransientError
from rag_instruct.llm.segments import Lost, Record, Reply, Request


class Buyer(NamedTuple):
    """The data set and stage for which a request was bought."""

    data_set: str
    stage: str


class Recorder:
    """Writes a session's purchases into the store. `budget` reserves the dollars before each request is sent."""

    def __init__(self, model: TeacherModel, store: AnswerStore, account: BudgetAccount) -> None:
        self._store = store
        self.budget = Budget(account, model, store)
        self.buyer = Buyer(account.data_set, account.stage)

    async def record(self, key: str, request: Request, reply: Reply, buyer: Buyer | None = None) -> Reply:
        """Store a reply or a failure, and return it. If the store already has a reply, return that one instead."""
        if stored := self._store.get(key):
            return stored
        data_set, stage = buyer or self.buyer
        record: Record = {"key": key, "for": data_set, "stage": stage, "request": request}
        if "failure" in reply:
            record["failure"] = reply["failure"]
            if "faults" in reply:
                record["faults"] = reply["faults"]
        else:
            reply = record["reply"] = self.budget.completed(request, reply)
        await self._store.put(record)
        return reply

    async def lose(self, key: str, request: Request, attempt: TransientError, batch_of: Buyer | None = None) -> None:
        """Store what an attempt without a reply may have cost. In a batch, `batch_of` is the batch's buyer."""
        data_set, stage = batch_of or self.buyer
        lost: Lost = {
            "id": uuid.uuid4().hex,
            "model": request["model"],
            "fault": str(attempt),
            "usage": attempt.usage or self.budget.most_usage(request),
        }
        if batch_of:
            lost["batch"] = True
        await self._store.put({"key": key, "for": data_set, "stage": stage, "lost": lost})
