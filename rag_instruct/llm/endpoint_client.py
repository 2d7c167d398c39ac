"""Sends requests to one endpoint within its limits, and notes what it supports and whether it answers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import httpx2
import openai

from rag_instruct.errors import UserError
from rag_instruct.llm import door
from rag_instruct.llm.adaptation import RequestAdaptation
from rag_instruct.llm.answers import KEPT
from rag_instruct.llm.door import Account, Answer, Outcome, Refusal, Throttled, Transient, Unknown
from rag_instruct.llm.endpoints import Endpoint, TeacherModel, bytes_without_key, outcome_without_key, without_key
from rag_instruct.llm.limits import Limiter, clock_of, seconds_of
from rag_instruct.llm.segments import Request, wants_vectors
from rag_instruct.logs import logger

UNWELL = 5  # faults in a row after which an endpoint is down
REST = 30.0  # seconds that an endpoint rests, if there are others
CONNECT = 20.0  # seconds to connect, at most
ASLEEP = 1.0  # seconds by which a timer is late if this process was stopped, as on a laptop that sleeps
WAKING = 2.0  # seconds in which a process that was stopped reads what has come
LONGEST_THROTTLE = 3600.0  # seconds of 429s without an answer, after which the job stops
LONGEST_PAUSE = 60.0  # seconds between two attempts after 429s without Retry-After, at most
NEVER = float("-inf")


class EndpointClient:
    """The connection to one endpoint, its limits, the parameters it supports, and how it has answered so far.

    `share` is the part of the model's requests that the endpoint gets.
    """

    def __init__(self, endpoint: Endpoint, model: TeacherModel, http: httpx2.AsyncClient, share: float) -> None:
        self.key_variable, self.weight = endpoint.key_variable, endpoint.weight
        self._model = endpoint.model  # the model's name at this endpoint, if different
        self.name = f"{endpoint.model or model.model} at {endpoint.base_url}"
        # It may have twice its share in flight, to replace a slow one. `concurrency.at_once` limits all together.
        most = max(1, round(model.concurrency * min(1.0, 2 * share)))
        requests, tokens = (limit and limit * share for limit in (model.requests_per_minute, model.tokens_per_minute))
        self.limiter = Limiter(self.name, most, requests, tokens)
        self.credit = 0.0  # for the weighted rotation
        self.faults = 0  # in a row
        self.answered = NEVER  # when the latest answered attempt was sent
        self.refused = 0  # refusals in known words since the latest answer
        self.confirming = asyncio.Lock()  # one control question at a time
        self._adaptation = RequestAdaptation(self.name)
        self._throttles = 0  # 429s since the last answer
        self._throttled_since = 0.0  # when the first of them came
        self._resting_until = 0.0
        self._longest = model.timeout
        self._http = http
        # Prepare openai's URL and headers once: preparing them for each request takes half of the request's time.
        client = openai.AsyncOpenAI(base_url=endpoint.base_url, api_key=endpoint.key(), http_client=http)
        headers = {**client.default_headers, **client.auth_headers, "Content-Type": "application/json"}
        for name, value in headers.items():
            if isinstance(value, str) and not value.isprintable():
                raise UserError(f"the header {name} has a line break: correct the environment variable that sets it")
        address = httpx2.URL(str(client.base_url))
        self._prepared = http.build_request(
            "POST",
            address.copy_with(path=f"{address.path.rstrip('/')}/chat/completions"),
            # A value that is not a string means that openai's client does not send this header.
            headers={name: value for name, value in headers.items() if isinstance(value, str)},
            # The transport restarts its timer with each byte that comes, so `_timeout` limits the rest.
            timeout=httpx2.Timeout(None, connect=min(CONNECT, model.timeout)),
        )
        self._prepared.headers.pop("Content-Length", None)
        self._embeddings = address.copy_with(path=f"{address.path.rstrip('/')}/embeddings")

    @property
    def down(self) -> bool:
        """Whether the latest attempts all failed."""
        return self.faults >= UNWELL

    @property
    def rested(self) -> bool:
        """Whether the endpoint is not down, or has rested long enough for one attempt."""
        return not self.down or (time.monotonic() >= self._resting_until and not self.limiter.active)

    async def ask(self, request: Request, tokens: int, check: Callable[[], None]) -> Outcome:
        """Send the request when the limits allow it, and return what comes.

        `check` is called while the request waits for the limits. An exception that it raises ends the wait.
        """
        async with self.limiter.turn(tokens, check) as began:
            check()
            while True:
                sent = self._adaptation.adapt({**request, "model": self._model or request["model"]})
                response = await self._post(sent)
                if not isinstance(response, httpx2.Response):
                    return response
                status, came = response.status_code, door.unpacked(response.content)
                content = bytes_without_key(came, self.key_variable, response.is_success)
                outcome = _in_context(door.outcome_of(status, content, sent), response)
                outcome = outcome_without_key(outcome, self.key_variable)
                if status in (400, 422, 500) and self._learns(sent, content, status, outcome):
                    check()
                    continue
                self._note(outcome, began, response)
                if not isinstance(outcome, Answer):
                    self._adaptation.failed(request)
                    return outcome
                self._adaptation.succeeded(request, sent)
                if sent != request:
                    texts = ("messages", "input")
                    outcome.reply["sent"] = {name: value for name, value in sent.items() if name not in texts}
                return outcome

    async def _post(self, request: Request) -> httpx2.Response | Transient | Account:
        """Send the request, and return the response, whatever its status."""
        content = json.dumps(request, ensure_ascii=False).encode("utf-8", "replace")
        made = self._prepared
        address = self._embeddings if wants_vectors(request) else made.url
        try:
            async with _timeout(self._longest):
                return await self._http.send(
                    httpx2.Request("POST", address, headers=made.headers, content=content, extensions=made.extensions)
                )
        except TimeoutError:
            return Transient("timeout", charged=True)
        except httpx2.TooManyRedirects:
            return Account("3xx (redirects without end)", 300)
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:  # of a redirect
            address_said = without_key(door.clean(str(error)), self.key_variable)
            return Account(f"3xx (redirects to no address: {address_said})", 300)
        except (httpx2.HTTPError, aiohttp.ClientError) as error:
            # The transport calls every lost connection a timeout. The causes of the error tell what really happened.
            unconnected = _cause(error, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
            fault = "timeout" if _cause(error, TimeoutError) else "connection broken"
            said = unconnected or _cause(error, aiohttp.ClientResponseError, aiohttp.ClientPayloadError) or ""
            return Transient(fault, door.clean(str(said)), charged=not unconnected)

    def _learns(self, sent: Request, content: bytes, status: int, outcome: Outcome) -> bool:
        if not door.may_be_of_parameters(outcome):
            return False
        return self._adaptation.learn(sent, door.error_in(door.parsed(content)), status, isinstance(outcome, Unknown))

    def _note(self, outcome: Outcome, began: float, response: httpx2.Response) -> None:
        match outcome:
            case Answer():
                self.faults = self._throttles = 0
                self.refused = 0
                self.answered = max(self.answered, began)
                self.limiter.succeeded(response.headers)
            case Refusal() | Unknown() | Account():
                self.faults = 0
            case Throttled(wait=told, sure=sure):
                told = told if sure or told is None else min(told, LONGEST_PAUSE)
                retry_after = _retry_after(response.headers) or told or _reset(response.headers)
                if not self._throttles:
                    self._throttled_since = time.monotonic()
                self._throttles += 1
                self.limiter.throttled(began, retry_after, min(LONGEST_PAUSE, 0.5 * 2 ** min(self._throttles, 10)))

    def note_fault(self) -> None:
        """Count one more fault in a row."""
        self.faults += 1
        self._resting_until = time.monotonic() + REST
        if self.faults == UNWELL:
            logger.info("%s failed %d times in a row", self.name, UNWELL)

    def patience_error(self, said: str) -> UserError | None:
        """Return the error of an endpoint that asks for too long a wait, or has answered only 429 for too long."""
        if (left := self.limiter.paused_for) > LONGEST_THROTTLE:
            return UserError(f"{self.name} asked to retry after {timedelta(seconds=round(left))}; said {said}; {KEPT}")
        if self._throttles and time.monotonic() - self._throttled_since > LONGEST_THROTTLE:
            waited = timedelta(seconds=int(LONGEST_THROTTLE))
            return UserError(f"{self.name} has only asked to wait for {waited} ({said}); {KEPT}")
        return None


@asynccontextmanager
async def _timeout(seconds: float) -> AsyncIterator[None]:
    """Raise TimeoutError after these seconds. A process that was stopped meanwhile first reads what has come."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds

    def is_up() -> None:
        limit.reschedule(loop.time() + (WAKING if loop.time() - due > ASLEEP else 0.0))

    async with asyncio.timeout(None) as limit:
        timer = loop.call_at(due, is_up)
        try:
            yield
        finally:
            timer.cancel()


def by_weight(endpoints: list[EndpointClient]) -> EndpointClient:
    """Choose an endpoint by smooth weighted round robin.

    Each endpoint's weight is added to its credit. We choose the highest credit, and subtract the sum of all weights.
    """
    for endpoint in endpoints:
        endpoint.credit += endpoint.weight
    chosen = max(endpoints, key=lambda endpoint: endpoint.credit)
    chosen.credit -= sum(endpoint.weight for endpoint in endpoints)
    return chosen


def _in_context(outcome: Outcome, response: httpx2.Response) -> Outcome:
    """Return the outcome, corrected by the response's headers and redirects.

    An overload with Retry-After asks to wait. If a redirect led to something that is no answer, the address is wrong.
    """
    overloaded = isinstance(outcome, Transient) and response.status_code in (503, 529)
    if overloaded and _retry_after(response.headers):
        return Throttled(str(outcome))
    page = isinstance(outcome, Transient) and outcome.fault == door.BROKEN and not outcome.charged
    if response.history and (page or isinstance(outcome, Account | Unknown)):
        said = outcome.said if isinstance(outcome, Transient | Account | Unknown) else ""
        status = response.history[0].status_code
        return Account(f"{status} (redirects to {response.url}: {said})", status)
    return outcome


def _retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = headers.get("retry-after-ms", "")  # OpenAI, Azure
    return seconds_of(headers.get("retry-after"), clock_of(headers)) or seconds_of(f"{milliseconds}ms")


def _reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a limit ends; None if unknown. It may be another limit than the one that was met."""
    told = seconds_of(headers.get("x-ratelimit-reset"), clock_of(headers))  # OpenRouter: milliseconds since 1970
    return min(told, LONGEST_PAUSE) if told else None


def _cause(error: BaseException | None, *kinds: type[BaseException]) -> BaseException | None:
    """Return the error, or the first of its causes, that is of these kinds."""
    return error if error is None or isinstance(error, kinds) else _cause(error.__cause__, *kinds)
