"""Records the results of ended batches, and hands them to the waiting requests."""

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
    """The provider answered no request of a batch and rejected at least one: the cause is not a single request."""


class PendingRequest(NamedTuple):
    """A request of this job that no batch has answered yet."""

    request: Request
    answered: "asyncio.Future[Reply]"


class PendingRequests(dict[str, PendingRequest]):
    """The pending requests of a job, by key."""

    def settle(self, key: str, outcome: Reply | Exception) -> None:
        """Hand the reply or the error to the caller that waits for the request, if there is one."""
        one = self.pop(key, None)
        if one is None or one.answered.done():
            return
        if isinstance(outcome, Exception):
            one.answered.set_exception(outcome)
        else:
            one.answered.set_result(outcome)

    def settle_all(self, error: Exception) -> None:
        """Raise the error in all waiting callers."""
        for key in list(self):
            self.settle(key, error)


@dataclass
class _Outcomes:
    """The outcomes of a batch's requests, by key."""

    replies: dict[str, Reply] = field(default_factory=dict)
    rejected: dict[str, BadRequestError] = field(default_factory=dict)
    lost: dict[str, TransientError] = field(default_factory=dict)


class BatchResults:
    """Takes the results of one endpoint's batches, whichever job opened them."""

    def __init__(self, api: BatchApi, folder: BatchFolder, recorder: Recorder) -> None:
        self.api, self.folder, self.recorder = api, folder, recorder
        self.pending = PendingRequests()
        self.adaptation = RequestAdaptation(api.name)

    async def take(self, batch: Batch, bodies: dict[str, Request], buyer: Buyer) -> None:
        """Record the batch's answers and its lost attempts, and hand them to the waiting requests.

        A request without an outcome stays pending and goes into the next batch. Raise Unanswered if the batch answered
        nothing and rejected at least one request.
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
        """Read the outcomes from the batch's files. If a request has several answers, the first counts."""
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
        # An unreadable line may be charged, but its request is unknown. For each such line one request counts as lost.
        found.lost |= {key: TransientError("broken reply", charged=True) for key in list(silent)[:unreadable]}
        for key in found.replies.keys() & found.lost.keys():
            del found.lost[key]
        return found

    def _sort(self, key: str, line: dict[str, Any], body: Request, found: _Outcomes) -> None:
        """Add a line's outcome to `found`. Add nothing if the line cost nothing and its request may be sent again."""
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
        """Return the reply in a line of results; None if the request is to be sent again as it is, or adapted.

        Raises what `raise_for` raises for an error, and TransientError for an unreadable reply.
        """
        response = line.get("response") or {}
        status, content = response.get("status_code"), response.get("body") or {}
        if status == 200:
            return {**reply_of(json.dumps(content).encode()), "batch": True}
        error = content.get("error") or line.get("error") or {}
        if status is not None and not (status in (400, 422) and self.adaptation.learn(body, error)):
            raise_for(status, error, self.api.name, self.api.key_variable)
        return None
