"""Sends single requests to the endpoints of a model: retries, limits, rotation."""

import json
import time
from collections import Counter, deque
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from rag_instruct.errors import UserError
from rag_instruct.llm import replies
from rag_instruct.llm.adaptation import RequestAdaptation
from rag_instruct.llm.answers import KEPT
from rag_instruct.llm.budget import Renew
from rag_instruct.llm.endpoints import Endpoint, TeacherModel
from rag_instruct.llm.limits import Limiter, seconds_of
from rag_instruct.llm.recorder import Recorder
from rag_instruct.llm.replies import BadRequestError, PermanentRefusal, TransientError
from rag_instruct.llm.segments import Reply, Request, failed_reply
from rag_instruct.logs import logger

RECENT = 100  # attempts that the early stop considers
ENOUGH = 40  # attempts before the early stop may happen
UNWELL = 5  # faults in a row after which an endpoint rests, if there are others
REST = 30.0  # seconds that an endpoint rests
LONGEST_WAIT = 60.0  # seconds between two attempts, at most
PATIENCE = 3600.0  # seconds of 429s after which one attempt fails
HERE = ("127.0.0.1", "localhost", "::1")
MOST_CONNECTIONS = 10_000


class Health:
    """The last attempts of a job. When half of them have failed, the job stops before it spends more."""

    def __init__(self) -> None:
        self._recent: deque[str] = deque(maxlen=RECENT)  # the fault, or "" for a success

    @property
    def good(self) -> bool:
        """Whether more than half of the recent attempts succeeded. Then a failure is due to its request."""
        return "" in self._recent and sum(map(bool, self._recent)) < len(self._recent) / 2

    def note(self, fault: str = "") -> None:
        """Count an attempt, with its fault if it failed. Raise UserError when half of the recent attempts failed."""
        self._recent.append(fault)
        faults = Counter(filter(None, self._recent))
        if len(self._recent) >= ENOUGH and 2 * faults.total() >= len(self._recent):
            common = ", ".join(f"{count} x {fault}" for fault, count in faults.most_common(4))
            raise UserError(
                f"{faults.total()} of the last {len(self._recent)} attempts failed ({common}): stopped; {KEPT}"
            )


class _Place:
    """An endpoint with its connection, limiter and request adaptation."""

    def __init__(self, endpoint: Endpoint, model: TeacherModel, http: httpx2.AsyncClient, share: float) -> None:
        self.endpoint = endpoint
        self.name = f"{endpoint.model or model.model} at {endpoint.base_url}"
        most = max(1, round(model.concurrency * share))
        self.limiter = Limiter(self.name, most, model.requests_per_minute, model.tokens_per_minute)
        self.adaptation = RequestAdaptation(self.name)
        self.credit = 0.0  # for the weighted rotation in `_next`
        self.faults = 0  # in a row
        self._resting_until = 0.0
        self._http = http
        # Prepare openai's URL and headers once: preparing them for each request takes half of the request's time.
        client = openai.AsyncOpenAI(base_url=endpoint.base_url, api_key=endpoint.key(), http_client=http)
        headers = {**client.default_headers, **client.auth_headers, "Content-Type": "application/json"}
        address = httpx2.URL(str(client.base_url))
        self._prepared = http.build_request(
            "POST",
            address.copy_with(path=f"{address.path.rstrip('/')}/chat/completions"),
            # A value that is not a string means that openai's client does not send this header.
            headers={name: value for name, value in headers.items() if isinstance(value, str)},
            timeout=model.timeout,
        )
        self._prepared.headers.pop("Content-Length", None)

    @property
    def well(self) -> bool:
        """Whether the endpoint answered lately, or has rested long enough for another attempt."""
        return self.faults < UNWELL or time.monotonic() >= self._resting_until

    async def post(self, request: Request) -> httpx2.Response:
        """Send the request, and return the response, whatever its status."""
        content = json.dumps(request, ensure_ascii=False).encode()
        made = self._prepared
        return await self._http.send(
            httpx2.Request("POST", made.url, headers=made.headers, content=content, extensions=made.extensions)
        )

    def failed(self) -> None:
        """Count one more fault in a row."""
        self.faults += 1
        self._resting_until = time.monotonic() + REST
        if self.faults == UNWELL:
            logger.info("%s failed %d times in a row", self.name, UNWELL)


class _Asked(NamedTuple):
    """A request in progress, and the faults of its attempts."""

    key: str
    request: Request
    renew_reservation: Renew
    faults: list[str]


class OnlineClient:
    """An AnswerSource that sends requests to a model's endpoints in turn, by weight, over open connections."""

    def __init__(self, model: TeacherModel, recorder: Recorder) -> None:
        self._model, self._recorder = model, recorder
        # We send openai's requests over aiohttp, because httpx2's pool is slow with hundreds of requests in flight.
        # The default limit of 100 connections could be lower than our own limit.
        self._http = openai.DefaultAioHttpClient(
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS),
            # The environment's proxy cannot reach a server on this machine.
            trust_env=not all(urlsplit(place.base_url).hostname in HERE for place in model.endpoints),
        )
        weights = sum(endpoint.weight for endpoint in model.endpoints)
        # Each endpoint may take twice its share, to replace a slow one. `concurrency.at_once` limits all together.
        self._places = [
            _Place(endpoint, model, self._http, min(1.0, 2 * endpoint.weight / weights)) for endpoint in model.endpoints
        ]
        self._health = Health()
        self._stopped = False

    def stop(self) -> None:
        """Start no new attempt. Attempts in progress finish, because the provider may charge for them."""
        self._stopped = True

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def answer(self, key: str, request: Request) -> Reply:
        """Return the recorded reply, or a recorded failed reply if the endpoint will never answer this request.

        Raise UserError for a problem that stops all requests, such as a refused key or an outage.
        """
        async with self._recorder.budget.reserved(request) as renew:
            asked = _Asked(key, request, renew, [])
            try:
                reply = await self._tried(asked)
            except PermanentRefusal as error:
                reply = failed_reply(str(error))
            if asked.faults:
                reply["faults"] = asked.faults
            return await self._recorder.record(key, request, reply)

    async def _tried(self, asked: _Asked) -> Reply:
        try:
            async for attempt in AsyncRetrying(
                stop=stop_after_attempt(self._model.attempts),
                wait=wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT),
                retry=retry_if_exception_type(TransientError),
                reraise=True,
            ):
                with attempt:
                    return await self._attempt(asked)
        except TransientError as error:
            attempts = len(asked.faults)
            if not self._health.good:
                where = self._places[0].name
                raise UserError(f"{where} does not answer ({error}, {attempts} attempts); {KEPT}") from error
            raise PermanentRefusal(f"{error}, {attempts} attempts") from error
        raise AssertionError("tenacity ends by returning or raising")

    async def _attempt(self, asked: _Asked) -> Reply:
        """Return the reply to one attempt, which waits through 429s. It fails if they last for `PATIENCE` seconds."""
        patience = time.monotonic() + PATIENCE
        place = self._next()
        try:
            while True:
                reply = await self._in_turn(place, asked.request)
                if reply is not None:
                    place.faults = 0
                    self._health.note()
                    return reply
                if time.monotonic() > patience:
                    # The store keeps this text. It means that the attempt got only 429s for `PATIENCE` seconds.
                    raise TransientError("429 without end")
                place = self._next()
        except TransientError as error:
            await self._count_fault(place, asked, error)
            raise
        except BadRequestError as error:
            if self._health.good:
                raise PermanentRefusal(str(error)) from error
            raise UserError(str(error)) from error

    async def _count_fault(self, place: _Place, asked: _Asked, error: TransientError) -> None:
        asked.faults.append(str(error))
        if error.charged:
            await self._recorder.lose(asked.key, asked.request, error)
            await asked.renew_reservation()
        place.failed()
        # A fault counts as an outage only if no other endpoint is well.
        if not any(other.well for other in self._places if other is not place):
            self._health.note(str(error))

    async def _in_turn(self, place: _Place, request: Request) -> Reply | None:
        # Counting tokens takes time, so we do it only if config.yaml or a header limits them.
        tokens = self._recorder.budget.tokens(request) if place.limiter.of_tokens else 0
        async with place.limiter.turn(tokens) as began:
            if self._stopped:
                raise UserError(f"interrupted; {KEPT}")
            return await self._send(place, request, began)

    def _next(self) -> _Place:
        """Choose the next endpoint by smooth weighted round robin, among those that are well or else among all."""
        places = [place for place in self._places if place.well] or self._places
        for place in places:
            place.credit += place.endpoint.weight
        chosen = max(places, key=lambda place: place.credit)
        chosen.credit -= sum(place.endpoint.weight for place in places)
        return chosen

    async def _send(self, place: _Place, request: Request, began: float) -> Reply | None:
        """Return the endpoint's reply. Return None if the caller must send the request again.

        That happens after a 429, or after an error that says how to adapt the request.
        """
        sent = place.adaptation.adapt({**request, "model": place.endpoint.model or request["model"]})
        try:
            response = await place.post(sent)
        except (httpx2.HTTPError, aiohttp.ClientError) as error:
            # The transport calls every lost connection a timeout. The causes of the error tell what really happened.
            fault = "timeout" if _caused_by(error, TimeoutError) else "connection broken"
            raise TransientError(fault, charged=not _caused_by(error, aiohttp.ClientConnectorError)) from error
        if not response.is_success:
            body = replies.error_of(response)
            if response.status_code == 429 and replies.NO_CREDIT not in str(body):
                self._throttled(place, began, seconds_of(response.headers.get("retry-after")))
                return None
            if response.status_code in (400, 422, 500) and place.adaptation.learn(sent, body, response.status_code):
                return None
            place.adaptation.failed(request)
            replies.raise_for(response.status_code, body, place.name, place.endpoint.key_variable)
        place.limiter.succeeded(response.headers)
        reply = replies.reply_of(response.content)
        place.adaptation.succeeded(request, sent)
        if sent != request:
            reply["sent"] = {name: value for name, value in sent.items() if name != "messages"}
        return reply

    def _throttled(self, place: _Place, began: float, retry_after: float | None) -> None:
        if retry_after and retry_after > PATIENCE:
            if len(self._places) > 1:
                # The store keeps this text. This endpoint asks for a long wait, so other endpoints take its requests.
                raise TransientError("429 for long")
            raise UserError(f"{place.name} asked to retry after {timedelta(seconds=int(retry_after))}; {KEPT}")
        place.limiter.throttled(began, retry_after)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    return error is not None and (isinstance(error, kind) or _caused_by(error.__cause__, kind))
