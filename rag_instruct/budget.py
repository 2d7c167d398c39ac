"""The budget of a data set: no request begins that could exceed it, over all jobs and runs."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rag_instruct.answers import AnswerStore, Reply, tokens_of
from rag_instruct.endpoints import Teacher
from rag_instruct.errors import UserError
from rag_instruct.prices import FREE, Price, Prices
from rag_instruct.tokens import Counter, counter, prompt_tokens


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
        self._returned = asyncio.Condition()
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
        return prompt_tokens(request, self._count) + int(request.get("max_tokens") or 0)

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
        if self._purse.dollars is None and self._purse.requests is None:
            return 0.0
        tokens = {
            "prompt": prompt_tokens(request, self._count) if self._purse.dollars is not None else 0,
            "completion": int(request.get("max_tokens") or 0),
        }
        most = (self._price or FREE).dollars(tokens, self._teacher.batch)
        async with self._returned:
            while over := self._over(most):
                if not self._lent:
                    raise UserError(over)
                await self._returned.wait()
            self._lent += 1
            self._lent_dollars += most
            # One by one as far as it reaches: thousands may wait, and each looks at the store.
            self._returned.notify(1)
        return most

    async def take_back(self, most: float) -> None:
        """The request has ended, and its real price is in the store."""
        if not self._lent:
            return
        async with self._returned:
            self._lent -= 1
            self._lent_dollars -= most
            if self._lent:
                self._returned.notify(1)
            else:
                self._returned.notify_all()  # nothing will be returned any more: they give up

    def _over(self, most: float) -> str:
        purse = self._purse
        self._store.refresh()  # other jobs spend of the same budget
        dollars, requests = purse.spent(self._store)
        if purse.dollars is not None and dollars + self._lent_dollars + most > purse.dollars:
            cap, state = f"{purse.dollars:g} dollars", f"{dollars:.4f} are spent, the next request may cost {most:.4f}"
        elif purse.requests is not None and requests + self._lent >= purse.requests:
            cap, state = f"{purse.requests} requests", f"{requests} are answered"
        else:
            return ""
        return (
            f"the budget of {purse.data_set}, {cap}, is used up: {state}. All that was bought is kept: raise "
            f"datasets.{purse.data_set}.budget in config.yaml and run again to go on"
        )


def dollars_of(reply: Reply, price: Price | None) -> float:
    """What a reply cost."""
    return (price or FREE).dollars(tokens_of(reply), bool(reply.get("batch")))
