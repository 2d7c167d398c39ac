"""The budget of a data set: no request begins that could exceed it, over all jobs and runs."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import KEPT, AnswerStore, Reply, tokens_of
from rag_instruct.llm.endpoints import Teacher
from rag_instruct.llm.prices import FREE, Price, Prices
from rag_instruct.llm.reservations import Reservations
from rag_instruct.llm.tokens import Counter, counter, prompt_tokens

POLL = 0.5  # seconds between two looks at what other jobs have returned


@dataclass
class Purse:
    """Who buys: the data set, its caps in dollars and requests, and what tokens cost."""

    data_set: str
    stage: str
    prices: Prices
    dollars: float | None = None
    requests: int | None = None
    own_prices: dict[str, Price] = field(default_factory=dict)  # of teachers that say their price in config.yaml

    def price(self, model: str) -> Price | None:
        """Dollars for a million tokens of `model`, or None."""
        return self.own_prices.get(model) or self.prices.of(model)

    def spent(self, store: AnswerStore) -> tuple[float, int]:
        """Dollars and requests that the store says were paid for this data set, by whatever job."""
        dollars, requests = 0.0, 0
        for (data_set, model, batch), tokens in store.spent.items():
            if data_set == self.data_set:
                dollars += (self.price(model) or FREE).dollars(tokens, batch)
                requests += tokens["requests"]
        return dollars, requests


class Budget:
    """Lends out what a request may cost at most, and takes it back when its real price stands in the store."""

    def __init__(self, purse: Purse, teacher: Teacher, store: AnswerStore) -> None:
        self._purse, self._teacher, self._store = purse, teacher, store
        self._price = purse.price(teacher.model)
        self._lent_dollars = 0.0
        self._lent = 0
        self._turn, self._returned, self._stopped = asyncio.Lock(), asyncio.Event(), False
        self._reservations = Reservations(store.folder / ".lent", purse.data_set)
        if purse.dollars is not None and self._price is None and any(e.key_variable for e in teacher.endpoints):
            raise UserError(
                f"datasets.{purse.data_set}.budget is in dollars, and no price is known for {teacher.model}: give the "
                f"teacher a `price` in config.yaml, or add it to the price file"
            )

    @cached_property
    def _count(self) -> Counter:
        return counter(self._teacher.model, self._teacher.tokenizer)

    def tokens(self, request: dict[str, Any]) -> int:
        """About how many tokens the request takes from the limits of a minute."""
        return prompt_tokens(request, self._count) + room(request)

    def most_usage(self, request: dict[str, Any]) -> dict[str, Any]:
        """The usage that an attempt without a reply may be charged for at most."""
        usage = {"prompt_tokens": prompt_tokens(request, self._count), "completion_tokens": room(request)}
        return {**usage, "estimated": True}

    def completed(self, request: dict[str, Any], reply: Reply) -> Reply:
        """The reply, with an estimated usage where the endpoint gave none: a budget may not overlook it."""
        if reply.get("usage"):
            return reply
        usage = {
            "prompt_tokens": prompt_tokens(request, self._count),
            "completion_tokens": self._count(reply["text"]),
            "estimated": True,
        }
        return {**reply, "usage": usage}

    async def lend(self, request: dict[str, Any]) -> float:
        """Reserve the most that the request can cost, in dollars, or wait while others may return enough.

        Raises UserError when nothing is left even so.
        """
        if not self._capped:
            return 0.0
        most = self._most(request, self._teacher.batch)
        async with self._turn:  # thousands may wait: only the first looks at the store
            while not self._reserved(most):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._returned.wait(), POLL)
        return most

    def owe(self, requests: Collection[dict[str, Any]]) -> float:
        """Reserve what requests may cost that are in a batch already, whatever is left, in dollars."""
        if not self._capped:
            return 0.0
        most = sum(self._most(request, batch=True) for request in requests)
        with self._reservations.settled():
            self._change(most, len(requests))
        return most

    def _most(self, request: dict[str, Any], batch: bool) -> float:
        tokens = {
            "prompt": prompt_tokens(request, self._count) if self._purse.dollars is not None else 0,
            "completion": room(request),
        }
        return (self._price or FREE).dollars(tokens, batch)

    @property
    def _capped(self) -> bool:
        return self._purse.dollars is not None or self._purse.requests is not None

    def _change(self, dollars: float, requests: int) -> None:
        self._lent += requests
        self._lent_dollars += dollars
        self._reservations.write(self._lent_dollars, self._lent)

    def _reserved(self, most: float) -> bool:
        """Whether `most` was lent; False while what is lent, here or by other jobs, may come back."""
        self._returned.clear()
        with self._reservations.settled():
            elsewhere = self._reservations.of_others()
            if over := self._over(most, *elsewhere):
                if not (self._lent or elsewhere[1]):
                    raise UserError(over)
                if self._stopped:
                    raise UserError(f"interrupted; {KEPT}")
                return False
            self._change(most, 1)
            return True

    def take_back(self, most: float, requests: int = 1) -> None:
        """The request, or so many, have ended, their real price in the store, or are waited for no longer."""
        if not self._lent:
            return
        with self._reservations.settled():
            self._change(-most, -requests)
        self._returned.set()

    def stop(self) -> None:
        """Wait for other jobs no longer."""
        self._stopped = True

    def close(self) -> None:
        """Nothing is lent any more."""
        self._reservations.close()

    def _over(self, most: float, dollars_elsewhere: float, requests_elsewhere: int) -> str:
        purse = self._purse
        self._store.refresh()  # other jobs spend of the same budget
        dollars, requests = purse.spent(self._store)
        lent = self._lent_dollars + dollars_elsewhere
        if purse.dollars is not None and dollars + lent + most > purse.dollars:
            cap, state = f"{purse.dollars:g} dollars", f"{dollars:.4f} are spent, the next request may cost {most:.4f}"
        elif purse.requests is not None and requests + self._lent + requests_elsewhere >= purse.requests:
            cap, state = f"{purse.requests} requests", f"{requests} are answered or lost"
        else:
            return ""
        return (
            f"the budget of {purse.data_set}, {cap}, is used up: {state}. All that was bought is kept: raise "
            f"datasets.{purse.data_set}.budget in config.yaml and run again to go on"
        )


def room(request: dict[str, Any]) -> int:
    """Tokens that an answer may have at most, by whatever name."""
    return max(int(request.get(name) or 0) for name in ("max_tokens", "max_completion_tokens"))


def dollars_of(reply: Reply, price: Price | None) -> float:
    """What a reply cost."""
    return (price or FREE).dollars(tokens_of(reply), bool(reply.get("batch")))
