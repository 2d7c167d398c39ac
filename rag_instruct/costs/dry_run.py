"""Runs a stage without buying, to find the requests that it would have to buy."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.segments import Reply, Request
from rag_instruct.llm.session import AnswerSource, Session
from rag_instruct.logs import progress

Result = TypeVar("Result")


class NotBought(Exception):
    """A dry run needs an answer that would have to be bought."""


class DryRunClient(AnswerSource):
    """An AnswerSource that buys nothing.

    Callers ask `session`. It answers from the store, and calls `answer` here only for what it would have to buy; we
    note that request in `wanted`.
    """

    asks_again: ClassVar[bool] = True  # as the sources that buy

    def __init__(self, model: TeacherModel, store: AnswerStore) -> None:
        self._store = store
        self.session = Session(model, store, self)
        self.wanted: dict[str, Request] = {}
        self._seen = 0  # requests that `has` found

    @classmethod
    def of(cls, teacher: dict[str, Any], store: AnswerStore, name: str = "") -> "DryRunClient":
        """Make a client for a teacher of config.yaml. The teacher's server need not run."""
        return cls(TeacherModel.of(teacher, name=name), store)

    async def answer(self, key: str, request: Request) -> Reply:
        """Note the request, and raise NotBought."""
        self.wanted[key] = request
        raise NotBought(key)

    def has(self, key: str) -> bool:
        """Return whether the store has the answer to a request, or its refusal, without reading it.

        If so, count the request as found. A refusal in unknown words is asked again, so it does not count.
        """
        found = key in self._store and not self._store.is_unknown(key)
        self._seen += found
        return found

    @property
    def found(self) -> int:
        """How many requests of this dry run need not be bought, because the store has their answers or refusals."""
        return self.session.replayed + self._seen

    def stored(self, stage: str) -> Iterator[Reply]:
        """Yield the stored replies of the model for a stage, of all data sets, roughly newest first."""
        for record in self._store.answers_of(self.session.model.model):
            # We ask for "synthesis useless_doc", but records say only "synthesis".
            if stage.startswith(record.get("stage", "unknown")):
                yield record["reply"]

    def note(self, body: Request) -> None:
        """Note a typical request, from which the cost of others is estimated."""
        self.wanted[""] = self.session.model.request(body)


def look(works: Sequence[Callable[[], Awaitable[Result]]]) -> tuple[list[Result], int]:
    """Do the work with stored answers. Return the results, and how many pieces of work lack an answer."""

    async def everything() -> list[Result]:
        results = []
        for work in progress(works, "looking into the store", len(works)):
            with suppress(NotBought):
                results.append(await work())
        return results

    results = asyncio.run(everything())
    return results, len(works) - len(results)
