"""Sends single requests to the endpoints of a model, and decides what to do after each outcome.

A known refusal is final, and an error of the account stops the job. All else is asked again. Before a request that
keeps failing is given up, the endpoint must answer something that was sent later: another request, or else a control
question. If it answers neither, the cause is the account or an outage, and the job stops without giving up any request.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, assert_never

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import CORRECT, KEPT, ROOM, AnswerStore, request_key
from rag_instruct.llm.budget import Renew, UsedUp
from rag_instruct.llm.concurrency import sleep
from rag_instruct.llm.connecting import http_client
from rag_instruct.llm.door import (
    BLOCKED_AFTER,
    Account,
    Answer,
    Outcome,
    Refusal,
    Throttled,
    Transient,
    Unknown,
)
from rag_instruct.llm.endpoint_client import UNWELL, EndpointClient, by_weight
from rag_instruct.llm.endpoints import TeacherModel, account_error
from rag_instruct.llm.losses import Losses
from rag_instruct.llm.recorder import Buyer, Recorder
from rag_instruct.llm.segments import Reply, Request, failed_reply, wants_vectors
from rag_instruct.logs import logger

LONGEST_WAIT = 60.0  # seconds between two attempts, at most
OUTAGE = 600.0  # seconds without an answer, after which the job stops
FIRST_PAUSE = 0.5  # seconds before the second look whether an endpoint is back; each later pause is twice as long
MOST_REFUSED = 40  # different requests in a row that are given up, after which the job stops
STORED = 20_000  # bytes of a long stored answer, with its request
POLL = 0.2  # seconds between two looks for an endpoint that is free, if there are several
# After so many waits, the endpoint must answer another request. After twice as many, this one is at fault.
WAITS_BY_WORDS = 3  # if only the words of an error ask to wait
WAITS_BY_429 = 20
CONTROL = "Reply with the single word: ok"  # to an endpoint of embeddings, any text is harmless
CONTROL_STAGE = "control question"


class Elsewhere(Exception):
    """Another endpoint is free while this one lets its requests wait."""


@dataclass
class Asked:
    """A request in progress, and what has become of its attempts."""

    key: str
    request: Request
    renew_reservation: Renew
    faults: list[str] = field(default_factory=list)
    # Attempts since the last outage: those that failed, were refused in unknown words, or had to wait.
    failed: int = 0
    refused: int = 0
    waited: int = 0
    since: float = 0.0  # when the first of these attempts ended
    reservation_spent: bool = False  # a control question has used it

    def start_again(self) -> None:
        """Forget the attempts that failed in an outage."""
        self.failed, self.refused, self.waited, self.since = 0, 0, 0, 0.0

    def note_first_failure(self) -> None:
        """Note the time of the first failure. Only answers to later requests prove that the endpoint works."""
        if not self.failed and not self.refused:
            self.since = time.monotonic()


class OnlineClient:
    """An AnswerSource that sends requests to a model's endpoints in turn, by weight."""

    asks_again: ClassVar[bool] = True

    def __init__(self, model: TeacherModel, recorder: Recorder, store: AnswerStore) -> None:
        self._model, self._recorder = model, recorder
        self._http = http_client(endpoint.base_url for endpoint in model.endpoints)
        weights = sum(endpoint.weight for endpoint in model.endpoints)
        self._endpoints = [
            EndpointClient(endpoint, model, self._http, endpoint.weight / weights) for endpoint in model.endpoints
        ]
        store.room = max(ROOM, STORED * model.concurrency)
        self._losses = Losses()
        self._ever_answered = store.has_answers_of(model.model)
        self._refused_in_a_row = 0
        self._outage = asyncio.Lock()
        self._over: UserError | None = None  # why no further attempt starts

    def stop(self, error: UserError | None = None) -> None:
        """Start no new attempt. Attempts in progress finish, because the provider may charge for them."""
        self._over = self._over or error or UserError(f"interrupted; {KEPT}")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def answer(self, key: str, request: Request) -> Reply:
        """Return the recorded reply, or a recorded failed reply if the endpoint does not answer this request.

        Raise UserError for a problem that stops all requests, such as a refused key or an outage.
        """
        async with self._recorder.reserved(request) as renew:
            with self._stopping():
                asked = Asked(key, request, renew)
                reply = await self._tried(asked)
                if asked.faults:
                    reply["faults"] = asked.faults
                return await self._recorder.record(key, request, reply)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Start no further attempt after an error, because it concerns all requests.

        Otherwise those that wait would wait on, and those in progress would go on to buy their next steps. A budget
        that is used up is an exception: what is reserved may be spent.
        """
        try:
            yield
        except UsedUp:
            raise
        except UserError as error:
            self.stop(error)
            raise

    async def _tried(self, asked: Asked) -> Reply:
        """Return the reply of the first attempt that settles the request."""
        while True:
            endpoint = await self._next(asked)
            if asked.reservation_spent:
                asked.reservation_spent = False
                await asked.renew_reservation()
            try:
                outcome = await self._attempt(endpoint, asked)
            except Elsewhere:
                continue
            if reply := await self._settled(endpoint, asked, outcome):
                return reply

    async def _attempt(self, endpoint: EndpointClient, asked: Asked) -> Outcome:
        # Counting tokens takes time, so we do it only if config.yaml or a header limits them.
        tokens = self._recorder.budget.tokens(asked.request) if endpoint.limiter.of_tokens else 0

        def check() -> None:
            self._go_on()
            self._recorder.hold_room()  # the disk may have become full while the request waited
            if endpoint.limiter.paused_for and any(other.limiter.free for other in self._well()):
                raise Elsewhere

        return await endpoint.ask(asked.request, tokens, check)

    async def _settled(self, endpoint: EndpointClient, asked: Asked, outcome: Outcome) -> Reply | None:
        """Return the reply if the attempt settles the request, or else wait and return None."""
        match outcome:
            case Answer(reply):
                self._ever_answered = True
                self._refused_in_a_row = 0
                self._losses.note()
                return reply
            case Refusal(reason):
                return await self._after_refusal(endpoint, asked, reason)
            case Account():
                raise account_error(endpoint.name, endpoint.key_variable, outcome)
            case Throttled(said=said, sure=sure):
                self._check_patience(endpoint, said)
                return await self._after_throttle(endpoint, asked, said, WAITS_BY_429 if sure else WAITS_BY_WORDS)
            case Transient():
                asked.note_first_failure()
                return await self._after_fault(endpoint, asked, outcome)
            case Unknown(said):
                asked.note_first_failure()
                return await self._after_unknown(endpoint, asked, said)
            case _:
                assert_never(outcome)

    async def _after_refusal(self, endpoint: EndpointClient, asked: Asked, reason: str) -> Reply | None:
        """Return the failed reply of a refusal in known words, or None if the words may be wrong.

        Some providers use the words of moderation also when they block an account. Some call each prompt too long if
        `max_tokens` is too large. So after `BLOCKED_AFTER` refusals and no answer, the endpoint must first answer a
        control question. If it does not, return None to try again, after the outage if there is one.
        """
        endpoint.refused += 1
        async with endpoint.confirming:
            self._go_on()
            if endpoint.refused >= BLOCKED_AFTER and not await self._answers(endpoint, asked):
                await self._wait_through_outage(asked)
                return None
        return failed_reply(reason)

    async def _after_throttle(self, endpoint: EndpointClient, asked: Asked, said: str, most: int) -> Reply | None:
        """Return None to try again. Give the request up if the endpoint keeps answering others, but not this one.

        Some servers say 429 to a request that exceeds the limit per minute by itself. Some errors quote a text with the
        words of a 429.
        """
        asked.since = asked.since or time.monotonic()
        asked.waited += 1
        if asked.waited >= 2 * most:
            return await self._given_up(endpoint, asked, said)
        if asked.waited >= most:
            async with endpoint.confirming:
                if endpoint.answered < asked.since:
                    await self._answers(endpoint, asked)
        return None

    def _check_patience(self, endpoint: EndpointClient, said: str) -> None:
        """Raise UserError if the endpoint lets its requests wait for too long, and no other endpoint takes them."""
        error = endpoint.patience_error(said)
        if error and all(other.patience_error("") for other in self._others(endpoint)):
            raise error

    async def _after_fault(self, endpoint: EndpointClient, asked: Asked, outcome: Transient) -> Reply | None:
        """Count a fault. Return the reply if another attempt promises no better one, or else wait and return None."""
        if outcome.reply and outcome.fault in asked.faults:
            return outcome.reply
        asked.faults.append(outcome.fault)
        asked.failed += 1
        endpoint.note_fault()
        if outcome.charged:
            await self._recorder.lose(asked.key, asked.request, outcome)
            await asked.renew_reservation()
        # A fault counts as a loss only if no other endpoint is well.
        if not self._others(endpoint):
            self._losses.note(str(outcome) if outcome.charged else "")
        if asked.failed < self._model.attempts:
            await self._pause(asked.failed)
            return None
        attempts = f"{asked.failed} attempts"
        if not self._ever_answered:
            raise UserError(f"{endpoint.name} does not answer ({outcome}, {attempts}); {KEPT}")
        return await self._given_up(endpoint, asked, f"{outcome}, {attempts}")

    async def _after_unknown(self, endpoint: EndpointClient, asked: Asked, said: str) -> Reply | None:
        asked.refused += 1
        if asked.refused == 1 and self._ever_answered:
            await self._pause(asked.refused)
            return None
        return await self._given_up(endpoint, asked, said)

    async def _given_up(self, endpoint: EndpointClient, asked: Asked, said: str) -> Reply | None:
        """Return a failed reply that is not final, if the endpoint has answered something that was sent later.

        If it does not answer a control question either, wait until it does, and return None to try again.
        """
        async with endpoint.confirming:
            self._go_on()
            if endpoint.answered < asked.since and not await self._answers(endpoint, asked):
                await self._wait_through_outage(asked)
                asked.start_again()
                return None
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= MOST_REFUSED:
            many = f"{self._refused_in_a_row} different requests in a row, the last with {said}"
            raise UserError(f"{endpoint.name} did not answer {many}, and answered only control questions; {CORRECT}")
        return failed_reply(said, unknown=True)

    async def _answers(self, endpoint: EndpointClient, asked: Asked) -> bool:
        """Return whether the endpoint answers a control question. Raise UserError if it refuses even that.

        If it asks to wait, ask again. But if another endpoint is well, return False, so that the request goes there.
        """
        while True:
            match outcome := await self._control(endpoint, asked):
                case Answer():
                    return True
                case Throttled(said=said):
                    self._check_patience(endpoint, said)
                    if self._others(endpoint):
                        return False
                case Transient():
                    endpoint.faults = max(endpoint.faults, UNWELL)
                    return False
                case Refusal() | Unknown():
                    said = outcome[0]
                    raise UserError(
                        f"{endpoint.name} answered {said}, also to a control question ({CONTROL!r}); {CORRECT}"
                    )

    async def _control(self, endpoint: EndpointClient, asked: Asked) -> Outcome:
        """Ask the endpoint a control question with the parameters of `asked`, so that the same limits apply.

        The reservation of `asked` covers the question, because `asked` got no answer. It is renewed before the next
        attempt.
        """
        request = harmless(asked.request)
        key = request_key(request, uuid.uuid4().hex)  # each control question is bought
        outcome = await endpoint.ask(request, 0, self._go_on)
        buyer = Buyer(self._recorder.buyer.data_set, CONTROL_STAGE)
        match outcome:
            case Answer(reply):
                self._ever_answered = asked.reservation_spent = True
                await self._recorder.record(key, request, reply, buyer)
            case Account():
                raise account_error(endpoint.name, endpoint.key_variable, outcome)
            case Transient(charged=True):
                asked.reservation_spent = True
                await self._recorder.lose(key, request, outcome, buyer)
                # A new reservation could wait for requests that wait for this question.
                self._recorder.budget.check_spent()
                self._losses.note(str(outcome))
        return outcome

    async def _next(self, asked: Asked) -> EndpointClient:
        """Choose the next endpoint by weight among those that are well and free. Wait until there is one."""
        while True:
            self._go_on()
            if all(endpoint.down for endpoint in self._endpoints) and self._ever_answered:
                await self._wait_through_outage(asked)
            well = self._well() or self._endpoints
            free = [endpoint for endpoint in well if endpoint.limiter.free] if len(well) > 1 else well
            if free:
                return by_weight(free)
            await asyncio.sleep(POLL)

    def _well(self) -> list[EndpointClient]:
        return [endpoint for endpoint in self._endpoints if endpoint.rested]

    def _others(self, endpoint: EndpointClient) -> list[EndpointClient]:
        return [other for other in self._well() if other is not endpoint]

    async def _wait_through_outage(self, asked: Asked) -> None:
        """Return when an endpoint answers again. Raise UserError after `OUTAGE` seconds."""
        async with self._outage:
            started, pause = time.monotonic(), FIRST_PAUSE
            said = "it asked to wait"
            while all(endpoint.down for endpoint in self._endpoints):
                self._go_on()
                # A question to a paused endpoint would wait through its pause, whatever the clock says.
                awake = [endpoint for endpoint in self._endpoints if not endpoint.limiter.paused_for]
                outcomes = [await self._control(endpoint, asked) for endpoint in awake]
                if any(isinstance(outcome, Answer) for outcome in outcomes):
                    return
                for outcome in outcomes[:1]:
                    said = str(outcome) if isinstance(outcome, Transient) else str(outcome[0])
                if time.monotonic() - started > OUTAGE:
                    names = " and ".join(endpoint.name for endpoint in self._endpoints)
                    waited = timedelta(seconds=int(time.monotonic() - started))
                    raise UserError(f"{names} has not answered for {waited} ({said}); {KEPT}")
                if pause == FIRST_PAUSE:
                    longest = timedelta(seconds=int(OUTAGE))
                    name = self._endpoints[0].name
                    logger.warning(
                        "%s: no answer (%s): waiting until it answers again, at most %s", name, said, longest
                    )
                await sleep(pause, self._go_on)
                pause = min(2 * pause, LONGEST_WAIT)

    async def _pause(self, failures: int) -> None:
        await sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_PAUSE * 2 ** (failures - 1))), self._go_on)

    def _go_on(self) -> None:
        if self._over:
            raise self._over


def harmless(request: Request) -> Request:
    """Return the control question with the parameters of `request`."""
    kept = {name: value for name, value in request.items() if name not in ("messages", "response_format")}
    if wants_vectors(request):
        return {**kept, "input": [CONTROL]}
    return {**kept, "messages": [{"role": "user", "content": CONTROL}]}
