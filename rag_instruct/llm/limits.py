"""How fast an endpoint may be asked: requests in flight, and requests and tokens a minute, learnt from its headers."""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime

from rag_instruct.logs import logger

BURST = 1.0  # seconds whose share of a minute's allowance may be used at once
LONG = 60.0  # seconds of a wait that the log mentions
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Pace:
    """An allowance a minute, spent evenly (the generic cell rate algorithm)."""

    def __init__(self, per_minute: float | None) -> None:
        self.per_minute = per_minute
        self._next = 0.0

    def wait(self, amount: float) -> float:
        """Take `amount` of the allowance; returns the seconds to wait before using it."""
        if not self.per_minute:
            return 0.0
        now = time.monotonic()
        self._next = max(self._next, now - BURST) + amount * 60 / self.per_minute
        return max(0.0, self._next - now)

    def learn(self, limit: str | None) -> None:
        """Take the provider's own limit where it is lower, or where none was set."""
        if limit and limit.isdigit() and int(limit):
            self.per_minute = min(self.per_minute or float("inf"), int(limit))


class Limiter:
    """The turns of one endpoint: at most `most` at a time, fewer after each 429, more again with each success.

    Additive increase and multiplicative decrease (Chiu and Jain, 1989) let many jobs share an
    endpoint's limit although they do not know of each other.
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

    @property
    def of_tokens(self) -> bool:
        """Whether tokens are limited."""
        return bool(self._tokens.per_minute)

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[float]:
        """Wait for a turn with a request of about `tokens`; yields the moment at which it began."""
        while self.active >= int(self.limit):
            ready = asyncio.get_running_loop().create_future()
            self._waiting.append(ready)
            await ready
        self.active += 1
        try:
            await asyncio.sleep(max(self._requests.wait(1), self._tokens.wait(tokens)))
            while (left := self._paused_until - time.monotonic()) > 0:
                await asyncio.sleep(left)
            yield time.monotonic()
        finally:
            self.active -= 1
            self._wake()

    def _wake(self) -> None:
        free = int(self.limit) - self.active
        while self._waiting and free > 0:
            ready = self._waiting.popleft()
            if not ready.done():
                ready.set_result(None)
                free -= 1

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """Raise the limit a little, and keep to what the headers allow."""
        if self.limit < self._most:
            self.limit = min(self._most, self.limit + 1 / self.limit)
            self._wake()
        self._requests.learn(headers.get("x-ratelimit-limit-requests"))
        self._tokens.learn(headers.get("x-ratelimit-limit-tokens"))
        for what in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{what}") == "0":
                self._pause(seconds_of(headers.get(f"x-ratelimit-reset-{what}")) or 1.0)

    def throttled(self, began: float, retry_after: float | None) -> None:
        """Halve the limit, unless the request began before the last halving: then its 429 says nothing new."""
        self._pause(retry_after or 1.0)
        if began < self._lowered:
            return
        self._lowered = time.monotonic()
        self.limit = max(1.0, self.limit / 2)
        logger.info("%s: 429 received; concurrency lowered to %d", self._name, self.limit)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if seconds >= LONG and until > self._paused_until + LONG:
            logger.warning("%s asked to retry after %s; waiting", self._name, timedelta(seconds=int(seconds)))
        self._paused_until = max(self._paused_until, until)


def seconds_of(text: str | None) -> float | None:
    """Seconds in a header: "20", "1.5", "20ms", "6m0s", or until a date; None if the header has none."""
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    return sum(float(number) * UNITS[unit] for number, unit in parts) if parts else None
