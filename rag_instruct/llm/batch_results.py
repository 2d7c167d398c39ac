"""Records the results of ended batches, and hands them to the waiting requests."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from openai.types import Batch

from rag_instruct.errors import UserError
from rag_instruct.files import dump
from rag_instruct.llm import door
from rag_instruct.llm.adaptation import RequestAdaptation
from rag_instruct.llm.answers import CORRECT
from rag_instruct.llm.batch_api import BatchApi, json_lines
from rag_instruct.llm.batch_folder import BatchFolder
from rag_instruct.llm.budget import Unbounded
from rag_instruct.llm.door import (
    BLOCKED_AFTER,
    BROKEN,
    Account,
    Answer,
    Outcome,
    Refusal,
    Transient,
    Unknown,
    concerns_content,
)
from rag_instruct.llm.endpoints import account_error, bytes_without_key, outcome_without_key
from rag_instruct.llm.losses import Losses
from rag_instruct.llm.recorder import Buyer, Recorder
from rag_instruct.llm.segments import Reply, Request, failed_reply
from rag_instruct.llm.usage import count_of
from rag_instruct.logs import logger

FRAME = {"id", "custom_id", "error", "object", "method", "url"}  # members of a line that are no part of an answer


class MostlyRefused(UserError):
    """A batch brought more refusals in unknown words than answers: the cause is not a single request."""


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


class LostAttempt(Exception):
    """A batch may charge for the request, but no reply can be read."""


@dataclass
class _Outcomes:
    """The outcomes of a batch's requests, by key."""

    replies: dict[str, Reply] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)  # refusals in words that we do not know
    moderated: dict[str, str] = field(default_factory=dict)  # refusals in the words of moderation
    lost: dict[str, Transient] = field(default_factory=dict)
    account: Account | None = None  # how the endpoint refuses the account

    def has_answer(self, key: str) -> bool:
        """Return whether the request has an answer. A failure does not count."""
        return key in self.replies and "failure" not in self.replies[key]

    def let_answers_count(self) -> None:
        """Drop the other outcomes of requests that have a reply: some providers also report attempts that failed."""
        for key in self.replies:
            self.lost.pop(key, None)
            if self.has_answer(key):
                self.unknown.pop(key, None)
                self.moderated.pop(key, None)

    def refuse(self, key: str, reason: str) -> None:
        """Add a refusal of the request."""
        if concerns_content(reason):
            self.moderated[key] = reason
        else:
            self.replies[key] = failed_reply(reason)


class BatchResults:
    """Takes the results of one endpoint's batches, whichever job opened them."""

    def __init__(self, api: BatchApi, folder: BatchFolder, recorder: Recorder) -> None:
        self.api, self.folder, self.recorder = api, folder, recorder
        self.pending = PendingRequests()
        self.adaptation = RequestAdaptation(api.name)
        self._imperfect: set[str] = set()  # keys of requests whose reply is kept only if no better one comes
        self._losses = Losses()

    async def take(self, batch: Batch, bodies: dict[str, Request], buyer: Buyer) -> None:
        """Record the batch's answers and its lost attempts, and hand them to the waiting requests.

        A request without an outcome stays pending and goes into the next batch. We store first, and then raise:

        - UserError if the endpoint refuses the account;
        - MostlyRefused if it refuses more requests in unknown words than it answers;
        - Unbounded if an answer is too long for a budget in dollars;
        - UserError if half of the last attempts were charged for nothing.
        """
        found = await self._outcomes(batch, bodies)
        answers = sum("failure" not in reply for reply in found.replies.values())
        if answers or len(found.moderated) < BLOCKED_AFTER:
            found.replies |= {key: failed_reply(reason) for key, reason in found.moderated.items()}
        else:
            found.unknown |= found.moderated  # perhaps the account is blocked
        most_refused = len(found.unknown) > answers
        if not most_refused:
            found.replies |= {key: failed_reply(said, unknown=True) for key, said in found.unknown.items()}
        unbounded = await self._stored(batch, bodies, buyer, found)
        self.folder.kept(batch.id).touch()
        self._check(found, most_refused)
        if unbounded:
            raise unbounded
        for key in found.replies.keys() | found.lost:
            self._losses.note(str(found.lost.get(key, "")))
        for key, attempt in found.lost.items():
            self.pending.settle(key, LostAttempt(str(attempt)))
        if lacking := len(bodies) - len(found.replies):
            logger.warning("%s: %s has no answer to %d of %d requests", self.api.name, batch.id, lacking, len(bodies))

    def _check(self, found: _Outcomes, most_refused: bool) -> None:
        """Raise the error of an endpoint that refuses the account or most requests."""
        if found.account:
            raise account_error(self.api.name, self.api.key_variable, found.account)
        if most_refused:
            said = next(iter(found.unknown.values()))
            raise MostlyRefused(f"{self.api.name} answered {said} to {len(found.unknown)} requests; {CORRECT}")

    async def _stored(
        self, batch: Batch, bodies: dict[str, Request], buyer: Buyer, found: _Outcomes
    ) -> Unbounded | None:
        """Store replies and lost attempts. Return the error of an answer that is too long, if there is one."""
        errors: list[Unbounded] = []
        keep, lose = self._keep, self.recorder.lose
        # Replies with usage first: they show how many tokens the others have.
        told = {key: reply for key, reply in found.replies.items() if reply.get("usage")}
        untold = {key: reply for key, reply in found.replies.items() if key not in told}
        for works in (
            [keep(key, bodies[key], reply, buyer) for key, reply in told.items()],
            [keep(key, bodies[key], reply, buyer) for key, reply in untold.items()],
            [lose(key, bodies[key], lost, buyer, batch.id) for key, lost in found.lost.items()],
        ):
            for outcome in await asyncio.gather(*works, return_exceptions=True):
                if isinstance(outcome, Unbounded):
                    errors.append(outcome)
                elif isinstance(outcome, BaseException):
                    raise outcome  # the batch is not marked, so the next run takes the rest
        return errors[0] if errors else None

    async def _keep(self, key: str, body: Request, reply: Reply, buyer: Buyer) -> None:
        request = self.pending[key].request if key in self.pending else body
        self.pending.settle(key, await self.recorder.record(key, request, reply, buyer))

    async def _outcomes(self, batch: Batch, bodies: dict[str, Request]) -> _Outcomes:
        """Read the outcomes from the batch's files. If a request has several answers, the first counts."""
        found = _Outcomes()
        without_line = dict.fromkeys(bodies)  # the keys, in their order
        answered: set[str] = set()  # the keys with a line of an answer
        unnamed = 0  # lines that may be charged, but do not say for which request
        for name in filter(None, (batch.output_file_id, batch.error_file_id)):
            if (file := await self.api.results(name)) is None:
                unnamed = len(bodies)
                continue
            for line in json_lines(bytes_without_key(file, self.api.key_variable, answered=True)):
                key = str(line.get("custom_id")) if line else ""
                is_answer = line is None or _status_and_body(line)[0] == 200
                if line and key in bodies:
                    without_line.pop(key, None)
                    answered |= {key} if is_answer else set()
                    if not found.has_answer(key):
                        self._sort(key, batch.id, line, bodies[key], found)
                elif is_answer:
                    unnamed += 1
        if batch.status == "completed":  # answers that are counted, and that no line has
            unnamed = max(unnamed, _answers_of(batch, len(bodies)) - len(answered))
        # For each unnamed line, one of the requests without a line counts as lost.
        found.lost |= {key: Transient(BROKEN, charged=True) for key in list(without_line)[:unnamed]}
        found.let_answers_count()
        return found

    def _sort(self, key: str, batch: str, line: dict[str, Any], body: Request, found: _Outcomes) -> None:
        """Add a line's outcome to `found`. Add nothing if the line cost nothing and its request may be sent again."""
        outcome = self._outcome(line, body)
        match outcome and outcome_without_key(outcome, self.api.key_variable):
            case Answer(reply):
                found.replies[key] = {**reply, "batch": batch}
            case Refusal(reason):
                found.refuse(key, reason)
            case Transient(charged=True, reply=reply) if reply and key in self._imperfect:
                found.replies[key] = {**reply, "batch": batch}  # a second attempt brought no better one
            case Transient(charged=True) as lost:
                if lost.reply:
                    self._imperfect.add(key)
                found.lost[key] = lost
            case Unknown(said):
                found.unknown[key] = said
            case Account() as refused:
                found.account = refused

    def _outcome(self, line: dict[str, Any], body: Request) -> Outcome | None:
        """Return the outcome in a line of results; None if the request is to be sent again as it is, or adapted."""
        status, content = _status_and_body(line)
        if not status and _is_foreign(line, content):
            return Transient(BROKEN, door.quoted(dump(line).encode("utf-8", "replace")), charged=True)
        if status == 200:
            return door.completed(content, dump(content).encode("utf-8", "replace"), body)
        error = door.error_in(content) or door.error_in(line.get("error"))
        outcome = door.refused(status, error)
        of_parameters = status in (400, 422) and door.may_be_of_parameters(outcome)
        return None if not status or (of_parameters and self.adaptation.learn(body, error)) else outcome


def _answers_of(batch: Batch, most: int) -> int:
    """Return how many answers a batch counts. Without counts and files, it may have `most`."""
    counts = batch.request_counts
    if counts and (counts.completed or counts.failed):
        return counts.completed
    return 0 if batch.output_file_id or batch.error_file_id else most


def _status_and_body(line: dict[str, Any]) -> tuple[int, Any]:
    """Return the status and the body of a response in a line of results. A body with an answer tells its status."""
    response = line["response"] if isinstance(line.get("response"), dict) else line
    status, content = count_of(response.get("status_code")), response.get("body", response)
    if isinstance(content, str):
        with suppress(ValueError, RecursionError):
            content = json.loads(content)
    if 200 < status < 300 or (not status and isinstance(content, dict) and content.get("choices")):
        status = 200
    return status, content


def _is_foreign(line: dict[str, Any], content: Any) -> bool:
    """Return whether a line has content but no error: perhaps a paid answer in an unknown form."""
    said_nothing = FRAME if content else {*FRAME, "response"}  # OpenAI: status 0, and a body without members
    if line.get("error") or not any(line.get(name) for name in line.keys() - said_nothing):
        return False
    return not (isinstance(content, dict) and any(map(content.get, door.MESSAGES)))
