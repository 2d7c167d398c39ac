"""One request at a time is answered, whatever the endpoint does meanwhile: retries, limits, dialects."""

import json
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from rag_instruct.errors import UserError
from rag_instruct.llm.adaptation import Dialect
from rag_instruct.llm.answers import KEPT, Reply
from rag_instruct.llm.endpoints import Endpoint, Teacher, without_key
from rag_instruct.llm.limits import Limiter, seconds_of
from rag_instruct.logs import logger

RECENT = 100  # attempts that the early stop looks at
ENOUGH = 40  # attempts before it judges
UNWELL = 5  # faults in a row after which an endpoint rests, where there are others
REST = 30.0  # seconds
LONGEST_WAIT = 60.0  # seconds between two attempts
PATIENCE = 3600.0  # seconds that one request may be put off by 429
HERE = ("127.0.0.1", "localhost", "::1")
MOST_CONNECTIONS = 10_000
ENDED = (None, "eos_token", "stop_sequence", "end_turn")  # other servers' words for "stop"
NO_CREDIT = "insufficient_quota"  # a 429 that no patience helps; others speak of quotas a minute
# Refusals of the one request, by the codes of OpenAI, Azure and vLLM, or words of their messages.
REFUSED = ("context_length", "context length", "content_policy", "content_filter", "content management", "moderation")


class Passing(Exception):
    """An attempt failed in a way that another may not; it may be `charged`, for what `usage` says if that is known."""

    def __init__(self, message: str, charged: bool = False, usage: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.charged, self.usage = charged, usage


Lost = Callable[[Passing], Awaitable[None]]  # told of an attempt before there is another


class Refused(Exception):
    """The endpoint will never answer this request; `faults` are those of its attempts before."""

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.faults = list(faults)


class Rejected(Exception):
    """The endpoint complains about the request, in words that do not say whether it would of any other."""


class Health:
    """The last attempts of a job: when half of them fail, nothing more is spent."""

    def __init__(self) -> None:
        self._recent: deque[str] = deque(maxlen=RECENT)  # the fault, or nothing

    @property
    def good(self) -> bool:
        """Whether the endpoint answers others, so that a failure is the request's own."""
        return "" in self._recent and sum(map(bool, self._recent)) < len(self._recent) / 2

    def note(self, fault: str = "") -> None:
        """One more attempt; raises UserError when half of the recent ones failed."""
        self._recent.append(fault)
        faults = Counter(filter(None, self._recent))
        if len(self._recent) >= ENOUGH and 2 * faults.total() >= len(self._recent):
            common = ", ".join(f"{count} x {fault}" for fault, count in faults.most_common(4))
            raise UserError(
                f"{faults.total()} of the last {len(self._recent)} requests failed ({common}): stopped; {KEPT}"
            )


class _Place:
    """An endpoint with its connection, limiter and dialect."""

    def __init__(self, endpoint: Endpoint, teacher: Teacher, http: httpx2.AsyncClient, share: float) -> None:
        self.endpoint = endpoint
        self.name = f"{endpoint.model or teacher.model} at {endpoint.base_url}"
        self.limiter = Limiter(
            self.name,
            max(1, round(teacher.concurrency * share)),
            teacher.requests_per_minute,
            teacher.tokens_per_minute,
        )
        self.dialect = Dialect(self.name)
        self.credit = 0.0  # of the smooth weighted rotation
        self.faults = 0  # in a row
        self._resting_until = 0.0
        self._http = http
        # What openai's client would send each time, prepared once: it takes as long for that as all the rest does.
        client = openai.AsyncOpenAI(base_url=endpoint.base_url, api_key=endpoint.key(), http_client=http)
        headers = {**client.default_headers, **client.auth_headers, "Content-Type": "application/json"}
        address = httpx2.URL(str(client.base_url))
        self._prepared = http.build_request(
            "POST",
            address.copy_with(path=f"{address.path.rstrip('/')}/chat/completions"),
            headers={name: value for name, value in headers.items() if isinstance(value, str)},  # others are left out
            timeout=teacher.timeout,
        )
        self._prepared.headers.pop("Content-Length", None)

    @property
    def well(self) -> bool:
        """Whether it answered lately, or has rested long enough to be tried again."""
        return self.faults < UNWELL or time.monotonic() >= self._resting_until

    async def post(self, request: dict[str, Any]) -> httpx2.Response:
        """The endpoint's response, whatever its status."""
        content = json.dumps(request, ensure_ascii=False).encode()
        made = self._prepared
        return await self._http.send(
            httpx2.Request("POST", made.url, headers=made.headers, content=content, extensions=made.extensions)
        )

    def failed(self) -> None:
        """One more fault in a row."""
        self.faults += 1
        self._resting_until = time.monotonic() + REST
        if self.faults == UNWELL:
            logger.info("%s failed %d times in a row", self.name, UNWELL)


class Client:
    """Answers requests by the endpoints of a teacher, in rotation by weight, over connections that stay open."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        # aiohttp carries openai's requests here: with hundreds in flight httpx2's pool takes most of the time.
        # Its default of 100 connections would be a limit beside ours.
        self._http = openai.DefaultAioHttpClient(
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS),
            # A proxy of the environment leads to the world, and not to a server on this machine.
            trust_env=not all(urlsplit(place.base_url).hostname in HERE for place in teacher.endpoints),
        )
        weights = sum(endpoint.weight for endpoint in teacher.endpoints)
        # Twice its share, so that one can stand in for another that is slow; `at_once` bounds the sum.
        self.places = [
            _Place(endpoint, teacher, self._http, min(1.0, 2 * endpoint.weight / weights))
            for endpoint in teacher.endpoints
        ]
        self.health = Health()
        self._stopped = False

    def stop(self) -> None:
        """Begin no attempt any more; those under way end, as they may be paid for."""
        self._stopped = True

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def complete(self, request: dict[str, Any], lost: Lost, tokens: Callable[[], int] = lambda: 0) -> Reply:
        """The reply to a request of about `tokens()`, with the faults met on the way as `faults`.

        Raises Refused for what this request will never get, UserError for what no request will.
        """
        faults: list[str] = []
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(self._teacher.attempts),
                wait=wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT),
                retry=retry_if_exception_type(Passing),
                reraise=True,
            ):
                with attempt:
                    reply = await self._attempt(request, lost, tokens, faults)
                    return {**reply, **({"faults": faults} if faults else {})}
        except Passing as error:
            if not self.health.good:
                where = self.places[0].name
                raise UserError(f"{where} does not answer ({error}, {len(faults)} attempts); {KEPT}") from error
            raise Refused(f"{error}, {len(faults)} attempts", faults) from error
        except Refused as error:
            error.faults = faults
            raise
        raise AssertionError("tenacity ends by returning or raising")

    async def _attempt(
        self, request: dict[str, Any], lost: Lost, tokens: Callable[[], int], faults: list[str]
    ) -> Reply:
        """One attempt; being put off by 429 is none."""
        patience = time.monotonic() + PATIENCE
        place = self._next()
        try:
            while True:
                reply = await self._in_turn(place, request, tokens)
                if reply is not None:
                    place.faults = 0
                    self.health.note()
                    return reply
                if time.monotonic() > patience:
                    raise Passing("429 without end")
                place = self._next()
        except Passing as error:
            faults.append(str(error))
            await lost(error)
            place.failed()
            # While another endpoint answers, that this one does not is no outage.
            if not any(other.well for other in self.places if other is not place):
                self.health.note(str(error))
            raise
        except Rejected as error:
            if self.health.good:
                raise Refused(str(error)) from error
            raise UserError(str(error)) from error

    async def _in_turn(self, place: _Place, request: dict[str, Any], tokens: Callable[[], int]) -> Reply | None:
        # They are counted only where a limit of them is configured, or was learnt from a header.
        async with place.limiter.turn(tokens() if place.limiter.of_tokens else 0) as began:
            if self._stopped:
                raise UserError(f"interrupted; {KEPT}")
            return await self._send(place, request, began)

    def _next(self) -> _Place:
        """Smooth weighted round robin over the endpoints that are well, or over all."""
        places = [place for place in self.places if place.well] or self.places
        for place in places:
            place.credit += place.endpoint.weight
        chosen = max(places, key=lambda place: place.credit)
        chosen.credit -= sum(place.endpoint.weight for place in places)
        return chosen

    async def _send(self, place: _Place, request: dict[str, Any], began: float) -> Reply | None:
        """The reply of a place; None when it has to be asked again: it was busy, or taught us how to ask."""
        sent = place.dialect.word({**request, "model": place.endpoint.model or request["model"]})
        try:
            response = await place.post(sent)
        except (httpx2.HTTPError, aiohttp.ClientError) as error:
            # The transport calls every lost connection a timeout; what it was is further down.
            fault = "timeout" if _caused_by(error, TimeoutError) else "connection broken"
            raise Passing(fault, charged=not _caused_by(error, aiohttp.ClientConnectorError)) from error
        if not response.is_success:
            body = error_of(response)
            if response.status_code == 429 and NO_CREDIT not in str(body):
                self._throttled(place, began, seconds_of(response.headers.get("retry-after")))
                return None
            # What another request has learnt since this one was sent is not learnt twice.
            if response.status_code in (400, 422) and (
                sent != place.dialect.word(sent) or place.dialect.learn(sent, body)
            ):
                return None
            raise_for(response.status_code, body, place.name, place.endpoint.key_variable)
        place.limiter.succeeded(response.headers)
        reply = reply_of(response.content)
        if sent != request:  # worded otherwise than the record of the request says
            reply["sent"] = {name: value for name, value in sent.items() if name != "messages"}
        return reply

    def _throttled(self, place: _Place, began: float, retry_after: float | None) -> None:
        if retry_after and retry_after > PATIENCE:
            if len(self.places) > 1:
                raise Passing("429 for long")  # others stand in for it
            raise UserError(
                f"{place.name} wants to be asked again in {timedelta(seconds=int(retry_after))} only; {KEPT}"
            )
        place.limiter.throttled(began, retry_after)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    return error is not None and (isinstance(error, kind) or _caused_by(error.__cause__, kind))


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """What a response without success says, as an object with a message."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        body = body.get("error") or body
    return body if isinstance(body, dict) and body else {"message": str(body or response.text)[:300]}


def raise_for(status: int, error: dict[str, Any], where: str, key_variable: str | None) -> None:
    """Raise what a status other than success means: Passing, Refused, Rejected or UserError."""
    message, code = (without_key(f"{error.get(name)}", key_variable)[:300] for name in ("message", "code"))
    if status in (408, 409, 429) or status >= 500:
        if NO_CREDIT in f"{code} {error.get('type')}":
            raise UserError(f"{where}: the account has no credit left ({message}); {KEPT}")
        raise Passing(str(status))
    if status == 401:
        raise UserError(f"{where} refuses the key in {key_variable}: check the key; {KEPT}")
    if status in (400, 413, 422) and any(word in f"{code} {message}".lower() for word in REFUSED):
        raise Refused(f"{status} {code if error.get('code') else message[:80]}")
    complaint = f"{where} answered {status} ({message}); {KEPT}"
    raise Rejected(complaint) if status in (400, 413, 422) else UserError(complaint)


def reply_of(content: bytes) -> Reply:
    """The parts of a completion that are kept; raises Passing for a broken one."""
    usage = None
    try:
        completion = json.loads(content)
        usage = completion.get("usage")
        choice = completion["choices"][0]
        message, finish = choice["message"], choice["finish_reason"]
        text, refusal = message.get("content") or "", message.get("refusal")
        f"{text}{refusal}".encode()  # a lone surrogate, which JSON can hold and no file can, is a ValueError
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Passing("broken reply", charged=True, usage=usage) from error
    if "\ufffd" in text:
        raise Passing("broken reply", charged=True, usage=usage)
    return {
        "text": text,
        "refusal": refusal,
        "finish_reason": "stop" if finish in ENDED else finish,
        "usage": usage,
        "model": completion.get("model"),
    }
