"""Runs many pieces of work, a limited number at a time; sleeps so that a stop can end the wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from rag_instruct.logs import bar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def at_once(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], concurrency: int, what: str
) -> list[Result]:
    """Return the results of `work` in the order of `items`. At most `concurrency` items are in progress at a time.

    After an error, start no new item, but finish those in progress, because they may be paid for. Then raise the error.
    """
    waiting = list(enumerate(items))
    results: dict[int, Result] = {}
    errors: list[Exception] = []
    shared = iter(waiting)

    async def worker() -> None:
        for number, item in shared:
            try:
                results[number] = await work(item)
                counter.update()
            except Exception as error:  # even after a bug of ours, the other items in progress finish
                errors.append(error)
            if errors:
                return

    with bar(what, total=len(waiting)) as counter:
        await asyncio.gather(*(worker() for _ in range(min(concurrency, len(waiting)))))
    if errors:
        raise errors[0]
    return [results[number] for number, _ in waiting]


async def sleep(seconds: float, check: Callable[[], None]) -> None:
    """Sleep, and call `check` about once a second. An exception that it raises ends the sleep."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check()
        await asyncio.sleep(min(left, 1.0))
