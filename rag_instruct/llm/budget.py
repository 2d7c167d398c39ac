"""Keeps a data set within its budget: over all jobs and runs, no request starts that could exceed it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import KEPT, AnswerStore
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.prices import FREE, Price, Prices
from rag_instruct.llm.reservations import Reservations
from rag_instruct.llm.segments import Reply, Request, Usage
from rag_instruct.llm.tokens import TokenCounter, counter, prompt_tokens

Renew = Callable[[], Awaitable[None]]

POLL = 0.5  # seconds between two checks of whether other jobs have released something


@dataclass
class BudgetAccount:
    """The data set and stage that pay, the data set's caps in dollars and requests, and the prices of tokens."""

    data_set: str
    stage: str
    prices: Prices
    dollars: float | None = None
    requests: int | None = None
    own_prices: dict[str, Price] = field(default_factory=dict)  # model: its `price` in config.yaml

    def price(self, model: str) -> Price | None:
        """Return dollars for a million tokens of `model`, or None if no price is known."""
        return self.own_prices.get(model) or self.prices.of(model)

    def cost(self, model: str, tokens: Mapping[str, int], batch: bool) -> float:
        """Return dollars for prompt, cached and completion tokens of `model`. A model without a known price is free."""
        return (self.price(model) or FREE).dollars(tokens, batch)

    def spent(self, store: AnswerStore) -> tuple[float, int]:
        """Return the dollars and requests that all jobs have paid for this data set, as the store records them."""
        paid = {of: tokens for of, tokens in store.spent.items() if of[0] == self.data_set}
        dollars = sum((self.cost(model, tokens, batch) for (_, model, batch), tokens in paid.items()), 0.0)
        return dollars, sum(tokens["requests"] for tokens in paid.values())


class Budget:
    """Reserves the most that a request may cost, until the store has the request's real price."""

    def __init__(self, account: BudgetAccount, model: TeacherModel, store: AnswerStore) -> None:
        self._account, self._model, self._store = account, model, store
        self._dollars, self._requests = 0.0, 0  # reserved by this job
        self._turn, self._released, self._stopped = asyncio.Lock(), asyncio.Event(), False
        self._reservations = Reservations(store.folder / ".lent", account.data_set)
        unpriced = account.dollars is not None and account.price(model.model) is None
        if unpriced and any(endpoint.key_variable for endpoint in model.endpoints):
            raise UserError(
                f"datasets.{account.data_set}.budget is in dollars, and no price is known for {model.model}: give the "
                f"teacher a `price` in config.yaml, or add the model to the price file"
            )

    @cached_property
    def _count(self) -> TokenCounter:
        return counter(self._model.model, self._model.tokenizer)

    def tokens(self, request: Request) -> int:
        """Estimate how many tokens of the endpoint's limit per minute the request uses."""
        return prompt_tokens(request, self._count) + room(request)

    def most_usage(self, request: Request) -> Usage:
        """Return the most tokens that the provider may charge for an attempt without a reply, as a usage."""
        return self._usage(request, room(request))

    def completed(self, request: Request, reply: Reply) -> Reply:
        """Return the reply with its usage, which the budget counts. Estimate the usage if the endpoint sent none."""
        return reply if reply.get("usage") else {**reply, "usage": self._usage(request, self._count(reply["text"]))}

    def _usage(self, request: Request, completion: int) -> Usage:
        prompt = prompt_tokens(request, self._count)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "estimated": True}

    @asynccontextmanager
    async def reserved(self, request: Request) -> AsyncIterator[Renew]:
        """Reserve the most that the request can cost, for the block.

        Yield `renew`, to be called after an attempt that may have been charged. The store has the price of that
        attempt, so `renew` replaces its reservation by one for the next attempt.
        """
        held = [await self.reserve(request)]

        async def renew() -> None:
            self.release(held.pop())
            held.append(await self.reserve(request))

        try:
            yield renew
        finally:
            for most in held:
                self.release(most)

    async def reserve(self, request: Request) -> float:
        """Reserve the most that the request can cost, and return it in dollars.

        Wait while reservations of other requests may still be released. Raise UserError when the budget is used up
        and no job has a reservation left.
        """
        if not self._capped:
            return 0.0
        most = self._most(request, self._model.batch)
        async with self._turn:  # of thousands that wait, only the first looks into the store
            while not self._try_reserve(most):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), POLL)
        return most

    def reserve_existing(self, requests: Collection[Request]) -> float:
        """Reserve what the requests of a running batch may cost, even above the budget. Return the dollars.

        The batch is already bought. The reservation keeps new requests from spending its dollars a second time.
        """
        if not self._capped:
            return 0.0
        most = sum(self._most(request, batch=True) for request in requests)
        with self._reservations.settled():
            self._change(most, len(requests))
        return most

    def release(self, most: float, requests: int = 1) -> None:
        """Release a reservation: the store has the real price, or this job no longer waits for the requests."""
        if not self._requests:
            return
        with self._reservations.settled():
            self._change(-most, -requests)
        self._released.set()

    def stop(self) -> None:
        """Stop waiting for other jobs."""
        self._stopped = True

    def close(self) -> None:
        """Release all reservations of this job."""
        self._reservations.close()

    def _most(self, request: Request, batch: bool) -> float:
        prompt = prompt_tokens(request, self._count) if self._account.dollars is not None else 0
        return self._account.cost(self._model.model, {"prompt": prompt, "completion": room(request)}, batch)

    @property
    def _capped(self) -> bool:
        return self._account.dollars is not None or self._account.requests is not None

    def _change(self, dollars: float, requests: int) -> None:
        self._requests += requests
        self._dollars += dollars
        self._reservations.write(self._dollars, self._requests)

    def _try_reserve(self, most: float) -> bool:
        """Reserve `most`. Return False if that exceeds the budget now, but a reservation may still be released."""
        self._released.clear()
        with self._reservations.settled():
            elsewhere = self._reservations.of_others()
            if over := self._over(most, *elsewhere):
                if not (self._requests or elsewhere[1]):
                    raise UserError(over)
                if self._stopped:
                    raise UserError(f"interrupted; {KEPT}")
                return False
            self._change(most, 1)
            return True

    def _over(self, most: float, dollars_elsewhere: float, requests_elsewhere: int) -> str:
        account = self._account
        self._store.refresh()  # other jobs spend from the same budget
        dollars, requests = account.spent(self._store)
        reserved = self._dollars + dollars_elsewhere
        if account.dollars is not None and dollars + reserved + most > account.dollars:
            cap = f"{account.dollars:g} dollars"
            state = f"{dollars:.4f} are spent, and the next request may cost {most:.4f}"
        elif account.requests is not None and requests + self._requests + requests_elsewhere >= account.requests:
            cap, state = f"{account.requests} requests", f"{requests} are answered or lost"
        else:
            return ""
        return (
            f"the budget of {account.data_set}, {cap}, is used up: {state}. All bought answers are kept: raise "
            f"datasets.{account.data_set}.budget in config.yaml and run again"
        )


def room(request: Request) -> int:
    """Return the most tokens that an answer may have, whichever of the two parameters sets the limit."""
    return max(int(request.get(name) or 0) for name in ("max_tokens", "max_completion_tokens"))
