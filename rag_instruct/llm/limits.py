"""Limits an endpoint's requests in flight, and its requests and tokens per minute.

The endpoint's headers and 429s can lower the limits of config.yaml.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from rag_instruct.logs import logger

BURST = 1.0  # seconds of unused allowance that may be spent at once
LOGGED = 60.0  # seconds from which the log mentions a wait
AFTER_ANSWER = 60.0  # seconds of the longest pause for which the headers of an answered request can ask
SLICE = 1.0  # seconds after which a wait looks whether it is still needed
RECENT = 50  # requests whose outcomes count in the share of 429s, the latest the most
OVERLOADED = 0.1  # share of 429s from which fewer requests go out; six in a row reach it
TEN_YEARS = 10 * 365 * 86400.0  # seconds; a longer wait is cut to it, and a larger number is a time since 1970
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Pace:
    """An allowance per minute that is spent evenly (generic cell rate algorithm)."""

    def __init__(self, per_minute: float | None) -> None:
        self.per_minute = per_minute
        self._next = 0.0

    def wait(self, amount: float) -> float:
        """Take `amount` of the allowance, and return the seconds to wait before using it."""
        if not self.per_minute:
            return 0.0
        now = time.monotonic()
        # Some gateways name a limit below the tokens of requests that they answer.
        self._next = max(self._next, now - BURST) + min(amount, self.per_minute) * 60 / self.per_minute
        return max(0.0, self._next - now)

    def learn(self, limit: str | None) -> None:
        """Adopt the provider's limit if it is lower than ours, or if we have none."""
        if limit and limit.isascii() and limit.isdigit() and int(limit):
            self.per_minute = min(self.per_minute or float("inf"), int(limit))


class Limiter:
    """Limits the requests in flight at one endpoint: at most `most`, fewer after many 429s, more after each success.

    Additive increase and multiplicative decrease (Chiu and Jain, 1989) let many jobs share an endpoint's limit,
    although they know nothing of each other. Rare 429s lower nothing, because some endpoints send them whatever their
    load is. If each halved the limit, one 429 in two hundred answers would leave about 18 requests in flight.
    """

    def __init__(
        self, name: str, most: int, requests_per_minute: float | None, tokens_per_minute: float | None
    ) -> None:
        self._name = name
        self._most = most
        self.limit = float(most)
        self.active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._requests = Pace(requests_per_minute)
        self._tokens = Pace(tokens_per_minute)
        self._paused_until = 0.0
        self._lowered = 0.0
        self._refused = 0.0  # share of 429s among recent requests
        self._warned = float("-inf")

    @property
    def of_tokens(self) -> bool:
        """Whether there is a limit on tokens per minute."""
        return bool(self._tokens.per_minute)

    @property
    def paused_for(self) -> float:
        """For how many seconds 429s and headers forbid any request; 0 if they do not."""
        return max(0.0, self._paused_until - time.monotonic())

    @property
    def free(self) -> bool:
        """Whether a request may start now."""
        return self.active < int(self.limit) and not self.paused_for

    @asynccontextmanager
    async def turn(self, tokens: int, check: Callable[[], None] = lambda: None) -> AsyncIterator[float]:
        """Wait until a request of about `tokens` may start, and yield the time of its start (`time.monotonic`).

        While a pause or the minute's allowance holds the request up, call `check` each second. An exception that it
        raises ends the wait.
        """
        while self.active >= int(self.limit):
            ready = asyncio.get_running_loop().create_future()
            self._waiting.append(ready)
            await ready
        self.active += 1
        try:
            due = time.monotonic() + max(self._requests.wait(1), self._tokens.wait(tokens))
            self._warn_of(due)
            while left := max(0.0, self.paused_for, due - time.monotonic()):
                await asyncio.sleep(min(left, SLICE))
                check()
            yield time.monotonic()
        finally:
            self.active -= 1
            self._wake()

    def _warn_of(self, due: float) -> None:
        """Log that a limit per minute makes a request wait for long: at most once in ten times `LOGGED` seconds."""
        if (wait := due - time.monotonic()) >= LOGGED and time.monotonic() > self._warned + LOGGED * 10:
            self._warned = time.monotonic()
            limits = {"requests": self._requests.per_minute, "tokens": self._tokens.per_minute}
            named = " and ".join(f"{limit:g} {what}" for what, limit in limits.items() if limit)
            waiting = timedelta(seconds=int(wait))
            logger.warning("%s: at %s a minute, requests wait for %s", self._name, named, waiting)

    def _wake(self) -> None:
        free = int(self.limit) - self.active
        while self._waiting and free > 0:
            ready = self._waiting.popleft()
            if not ready.done():
                ready.set_result(None)
                free -= 1

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """Raise the limit a little, and learn limits and pauses from the headers."""
        self._refused -= self._refused / RECENT
        if self.limit < self._most:
            self.limit = min(self._most, self.limit + 1 / self.limit)
            self._wake()
        self._requests.learn(headers.get("x-ratelimit-limit-requests"))
        self._tokens.learn(headers.get("x-ratelimit-limit-tokens"))
        for what in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{what}") == "0":
                reset = seconds_of(headers.get(f"x-ratelimit-reset-{what}"), clock_of(headers))
                self._pause(min(AFTER_ANSWER, reset or 1.0))

    def throttled(self, began: float, retry_after: float | None, otherwise: float = 1.0) -> None:
        """Pause as the endpoint asks, or else `otherwise` seconds. Halve the limit if there are many such answers.

        It is halved once for all requests in flight.
        """
        self._pause(retry_after or otherwise)
        if began < self._lowered:
            return
        self._refused += (1 - self._refused) / RECENT
        if self._refused < OVERLOADED:
            return
        self._lowered, self._refused = time.monotonic(), 0.0
        self.limit = max(1.0, self.limit / 2)
        logger.info("%s asked to wait; concurrency lowered to %d", self._name, self.limit)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if seconds >= LOGGED and until > max(self._paused_until, time.monotonic()) + LOGGED / 2:
            logger.warning("%s asked to retry after %s; waiting", self._name, timedelta(seconds=int(seconds)))
        self._paused_until = max(self._paused_until, until)


def clock_of(headers: Mapping[str, str]) -> float | None:
    """Return the server's time since 1970, by which its dates are meant; None if it does not say.

    Its clock and ours may differ by hours.
    """
    with suppress(ValueError, OverflowError, TypeError):
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    return None


def seconds_of(text: str | None, now: float | None = None) -> float | None:
    """Return the seconds from now that a header means; None if it is unreadable.

    Headers have seconds ("20", "1.5"), durations ("20ms", "6m0s"), dates in two forms, or seconds or milliseconds since
    1970.
    """
    if not text:
        return None
    now = time.time() if now is None else now
    for read in (parsedate_to_datetime, datetime.fromisoformat) if "T" in text or " " in text else ():
        with suppress(ValueError, OverflowError, TypeError):
            when = read(text)
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            return max(0.0, min(TEN_YEARS, when.timestamp() - now))
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        number = float(text)
        if number <= TEN_YEARS:
            return number
        since = number / 1000 if number > 100 * TEN_YEARS else number  # of milliseconds
        return max(0.0, min(TEN_YEARS, since - now))
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)", text)
    return min(TEN_YEARS, sum(float(number) * UNITS[unit] for number, unit in parts)) if parts else None
