"""Many pieces of work at once, a bounded number of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from rag_instruct.logs import bar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def at_once(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], concurrency: int, what: str
) -> list[Result]:
    """The results of `work` in the order of `items`, `concurrency` of them under way at a time.

    After an error nothing new is begun; what is under way ends, as it may be paid for.
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
            except Exception as error:  # a fault of ours loses no answer of others
                errors.append(error)
            if errors:
                return

    with bar(what, total=len(waiting)) as counter:
        await asyncio.gather(*(worker() for _ in range(min(concurrency, len(waiting)))))
    if errors:
        raise errors[0]
    return [results[number] for number, _ in waiting]
