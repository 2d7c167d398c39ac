"""The results of ended batches: recorded, and handed to the requests that wait for them."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from openai.types import Batch

from rag_instruct.errors import UserError
from rag_instruct.llm.adaptation import RequestAdaptation
from rag_instruct.llm.batch_api import BatchApi, json_lines
from rag_instruct.llm.batch_folder import BatchFolder
from rag_instruct.llm.recorder import Buyer, Recorder
from rag_instruct.llm.replies import BadRequestError, PermanentRefusal, TransientError, raise_for, reply_of
from rag_instruct.llm.segments import Reply, Request, failed_reply
from rag_instruct.logs import logger


class Unanswered(UserError):
    """All requests of a batch were rejected, which cannot be due to single requests."""


class PendingRequest(NamedTuple):
    """A request of this job that no batch has answered yet."""

    request: Request
    answered: "asyncio.Future[Reply]"


class PendingRequests(dict[str, PendingRequest]):
    """The pending requests of a job, by key."""

    def settle(self, key: str, outcome: Reply | Exception) -> None:
        """End the wait for a reply, by the reply or an error, if there is a wait."""
        one = self.pop(key, None)
        if one is None or one.answered.done():
            return
        if isinstance(outcome, Exception):
            one.answered.set_exception(outcome)
        else:
            one.answered.set_result(outcome)

    def settle_all(self, error: Exception) -> None:
        """End all waits."""
        for key in list(self):
            self.settle(key, error)


@dataclass
class _Outcomes:
    """What a batch's files say of its requests, by key."""

    replies: dict[str, Reply] = field(default_factory=dict)
    rejected: dict[str, BadRequestError] = field(default_factory=dict)
    lost: dict[str, TransientError] = field(default_factory=dict)


class BatchResults:
    """Takes the results of the batches of one endpoint, whoever opened them."""

    def __init__(self, api: BatchApi, folder: BatchFolder, recorder: Recorder) -> None:
        self.api, self.folder, self.recorder = api, folder, recorder
        self.pending = PendingRequests()
        self.adaptation = RequestAdaptation(api.name)

    async def take(self, batch: Batch, bodies: dict[str, Request], buyer: Buyer) -> None:
        """Record what the batch answered. Requests without an answer, or with an unreadable one, stay pending.

        Raises Unanswered when all requests were rejected.
        """
        found = await self._outcomes(batch, bodies)
        if found.replies:
            found.replies |= {key: failed_reply(str(error)) for key, error in found.rejected.items()}
        await asyncio.gather(*(self._keep(key, bodies[key], reply, buyer) for key, reply in found.replies.items()))
        lose = self.recorder.lose
        await asyncio.gather(*(lose(key, bodies[key], attempt, buyer) for key, attempt in found.lost.items()))
        self.folder.kept(batch.id).touch()
        for key, attempt in found.lost.items():
            self.pending.settle(key, attempt)
        if found.rejected and not found.replies:
            raise Unanswered(str(next(iter(found.rejected.values()))))
        if lacking := len(bodies) - len(found.replies):
            logger.warning("%s: %s has no answer to %d of %d requests", self.api.name, batch.id, lacking, len(bodies))

    async def _keep(self, key: str, body: Request, reply: Reply, buyer: Buyer) -> None:
        request = self.pending[key].request if key in self.pending else body
        self.pending.settle(key, await self.recorder.record(key, request, reply, buyer))

    async def _outcomes(self, batch: Batch, bodies: dict[str, Request]) -> _Outcomes:
        """What the batch's files say of each request; of several answers to one request the first counts."""
        found = _Outcomes()
        silent, unreadable = dict.fromkeys(bodies), 0
        for name in filter(None, (batch.output_file_id, batch.error_file_id)):
            content = await self.api.file(name)
            unreadable += len(content.splitlines())
            for line in json_lines(content):
                unreadable -= 1
                key = str(line.get("custom_id"))
                silent.pop(key, None)
                if key in bodies and key not in found.replies:
                    self._sort(key, line, bodies[key], found)
        # Nobody can say which requests the unreadable lines were for. The bill counts only how many there were.
        found.lost |= {key: TransientError("broken reply", charged=True) for key in list(silent)[:unreadable]}
        for key in found.replies.keys() & found.lost.keys():
            del found.lost[key]
        return found

    def _sort(self, key: str, line: dict[str, Any], body: Request, found: _Outcomes) -> None:
        """Put a line of results where it belongs; nowhere if its request can be asked again free of charge."""
        try:
            if reply := self._reply(line, body):
                found.replies[key] = reply
        except PermanentRefusal as error:
            found.replies[key] = failed_reply(str(error))
        except TransientError as error:
            if error.charged:
                found.lost[key] = error
        except BadRequestError as error:
            found.rejected[key] = error

    def _reply(self, line: dict[str, Any], body: Request) -> Reply | None:
        """The reply in a line of results; None if there is none, or if its error says how to adapt the request."""
        response = line.get("response") or {}
        status, content = response.get("status_code"), response.get("body") or {}
        if status == 200:
            return {**reply_of(json.dumps(content).encode()), "batch": True}
        error = content.get("error") or line.get("error") or {}
        if status is not None and not (status in (400, 422) and self.adaptation.learn(body, error)):
            raise_for(status, error, self.api.name, self.api.key_variable)
        return None
