"""Keeps a data set within its budget: over all jobs and runs, no request starts that could exceed it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import ceil

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import KEPT, AnswerStore
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.learned import SLACK, Learned, answer_token_limit, message_bytes, request_bytes
from rag_instruct.llm.prices import ADD_PRICE, FREE, Price, Prices
from rag_instruct.llm.reservations import Reservations
from rag_instruct.llm.segments import Reply, Request, texts_in, wants_vectors
from rag_instruct.llm.tokens import TokenCounter, counter, prompt_tokens
from rag_instruct.llm.usage import Usage, plausible, tokens_in

Renew = Callable[[], Awaitable[None]]

BYTES_A_TOKEN = 5  # bytes of text; few tokens have more
POLL = 0.5  # seconds between two checks of whether other jobs have released something


@dataclass
class BudgetAccount:
    """The data set and stage that pay, the data set's caps in dollars and requests, and the prices of tokens."""

    data_set: str
    stage: str
    prices: Prices
    dollars: float | None = None
    requests: int | None = None
    own_prices: dict[tuple[str, str], Price | None] = field(default_factory=dict)  # teacher and model: its `price`

    def price(self, model: str, teacher: str = "") -> Price | None:
        """Return dollars for a million tokens of `model`, or None if no price is known.

        Two teachers of one model may have different prices. If the teacher is not known, the higher price counts.
        """
        if (teacher, model) in self.own_prices:
            return self.own_prices[teacher, model] or self.prices.of(model)
        own = [price or self.prices.of(model) for (_, named), price in self.own_prices.items() if named == model]
        known = [price for price in own if price]
        return max(known, key=lambda price: price.input + price.output, default=self.prices.of(model))

    def cost(self, model: str, tokens: Mapping[str, int], batch: bool, teacher: str = "") -> float:
        """Return dollars for prompt, cached and completion tokens of `model`. A model without a known price is free."""
        return (self.price(model, teacher) or FREE).dollars(tokens, batch)

    def spent(self, store: AnswerStore) -> tuple[float, int]:
        """Return the dollars and requests that all jobs have paid for this data set, as the store records them."""
        paid = {of: tokens for of, tokens in store.spent.items() if of.data_set == self.data_set}
        dollars = sum((self.cost(of.model, tokens, of.batch, of.teacher) for of, tokens in paid.items()), 0.0)
        return dollars, sum(tokens["requests"] for tokens in paid.values())


class UsedUp(UserError):
    """The budget has no room for a request."""


class Unbounded(UserError):
    """An answer was longer than its request allows. The answer is stored."""


class Budget:
    """Reserves the most that a request may cost, until the store has the request's real price."""

    def __init__(self, account: BudgetAccount, model: TeacherModel, store: AnswerStore) -> None:
        self._account, self._model, self._store = account, model, store
        self._turn, self._released, self._stopped = asyncio.Lock(), asyncio.Event(), False
        self._reservations = Reservations(store.folder / ".lent", account.data_set)
        self._of_others: dict[str, Reservations] = {}  # by data set: for batches that it opened, and that we adopted
        self._learned = Learned()
        unpriced = account.price(model.model, model.name) is None
        if account.dollars is not None and unpriced and any(endpoint.key_variable for endpoint in model.endpoints):
            raise UserError(
                f"datasets.{account.data_set}.budget is in dollars, and no price is known for {model.model}: "
                f"{ADD_PRICE}"
            )
        for record in store.sample(model.model):
            if not (record["reply"].get("usage") or {}).get("estimated"):
                self._learned.note(record["request"], record["reply"].get("usage"))

    @cached_property
    def _count(self) -> TokenCounter:
        return counter(self._model.model, self._model.tokenizer)

    def tokens(self, request: Request) -> int:
        """Estimate how many tokens of the endpoint's limit per minute the request uses."""
        return prompt_tokens(request, self._count) + answer_token_limit(request)

    def charged_usage(self, request: Request, usage: Usage | None) -> Usage:
        """Return the usage of an attempt without a reply: as the provider reports it, or else the most it can be."""
        told, usage = usage, plausible(usage, message_bytes(request), 0) or None
        if usage and usage.get("prompt_tokens") and (usage.get("completion_tokens") or wants_vectors(request)):
            return usage
        most = self._learned.most_prompt(request), self._learned.most_answer(request)
        return _estimated(request, usage, told, *most)

    def completed(self, request: Request, reply: Reply) -> Reply:
        """Return the reply with its usage. Estimate tokens that the endpoint did not report, or cannot have counted."""
        text = "" if wants_vectors(request) else reply["text"]  # vectors are not counted as tokens
        usage = plausible(reply.get("usage"), message_bytes(request), len(text.encode()))
        if usage.get("prompt_tokens") and (usage.get("completion_tokens") or not text):
            return reply
        per_byte = self._learned.tokens_per_byte
        prompt = self._learned.most_prompt(request) if per_byte is None else ceil(request_bytes(request) * per_byte)
        answer = ceil(len(text.encode()) * (1.0 if per_byte is None else min(1.0, per_byte)))
        return {**reply, "usage": _estimated(request, usage, reply.get("usage"), prompt, answer)}

    def learn(self, request: Request, reply: Reply) -> None:
        """Learn from a stored reply how many tokens to reserve.

        Raise Unbounded if the answer is longer than what was reserved for it, and the budget is in dollars: then no
        reservation bounds what the next answers cost.
        """
        usage = reply.get("usage")
        if not usage or usage.get("estimated") or (self._account.dollars is None and self._learned.tokens_per_byte):
            return
        most, tokens = self._learned.most_answer(request), tokens_in(usage)["completion"]
        self._learned.note(request, usage)
        if self._account.dollars is not None and tokens > most + SLACK and self._is_priced:
            raise Unbounded(
                f"{self._model.model} was charged for an answer of {tokens} tokens, but the request allows {most}: the "
                f"endpoint ignores `max_tokens`, so a budget in dollars cannot be kept. If the model thinks, raise "
                f"the teacher's `reasoning_tokens`. All bought answers are kept, and the next run reserves as much "
                f"for each answer"
            )

    @property
    def _is_priced(self) -> bool:
        price = self._account.price(self._model.model, self._model.name)
        return price is not None and price.output > 0

    @asynccontextmanager
    async def reserved(self, request: Request) -> AsyncIterator[Renew]:
        """Reserve the most that the request can cost, for the block.

        Yield `renew`, to be called after an attempt that may have been charged. The store has the price of that
        attempt, so `renew` replaces its reservation by one for the next attempt.
        """
        held, count = [await self.reserve(request)], texts_in(request)

        async def renew() -> None:
            self._release(self._reservations, held.pop(), count)
            held.append(await self.reserve(request))

        try:
            yield renew
        finally:
            for most in held:
                self._release(self._reservations, most, count)

    async def reserve(self, request: Request) -> float:
        """Reserve the most that the request can cost, and return it in dollars.

        Wait while reservations of other requests may still be released. Raise UserError when the budget is used up
        and no job has a reservation left.
        """
        if not self._capped:
            return 0.0
        most = self._most(request, self._model.batch)
        unbounded = not wants_vectors(request) and not answer_token_limit(request)
        if self._account.dollars is not None and self._is_priced and unbounded:
            raise UserError(
                f"a request to {self._model.model} has no `max_tokens`, so nothing bounds what its answer costs: leave "
                f"`max_tokens` out of the teacher's `sampling`, or set a number"
            )
        async with self._turn:  # of thousands that wait, only the first looks into the store
            while not self._try_reserve(most, texts_in(request)):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), POLL)
        return most

    def check_spent(self) -> None:
        """Raise UserError if more than the budget is spent already."""
        dollars, requests = self._account.spent(self._store)
        caps = {"dollars": (self._account.dollars, dollars), "requests": (self._account.requests, requests)}
        for unit, (cap, spent) in caps.items():
            if cap is not None and spent > cap:
                raise UserError(self._used_up(f"{cap:g} {unit}", f"{spent:g} are spent"))

    def reserve_existing(self, requests: Collection[Request], data_set: str) -> Callable[[], None]:
        """Reserve what the requests of a running batch may cost, even above the budget. Return the release.

        The batch is already bought, and `data_set` pays for its answers. The reservation keeps new requests of that
        data set from spending its dollars a second time.
        """
        most = sum(self._most(request, batch=True) for request in requests)  # the payer may have a cap in dollars
        reservations = self._reservations
        if data_set != self._account.data_set:
            folder = self._store.folder / ".lent"
            reservations = self._of_others.setdefault(data_set, Reservations(folder, data_set))
        elif not self._capped:
            return lambda: None
        with reservations.settled():
            reservations.change(most, len(requests))
        return partial(self._release, reservations, most, len(requests))

    def _release(self, reservations: Reservations, most: float, requests: int) -> None:
        """Release a reservation: the store has the real price, or this job no longer waits for the requests."""
        if not reservations.requests:  # without a cap, nothing was reserved
            return
        with reservations.settled():
            reservations.change(-most, -requests)
        self._released.set()

    def stop(self) -> None:
        """Stop waiting for other jobs."""
        self._stopped = True

    def close(self) -> None:
        """Release all reservations of this job."""
        for reservations in (self._reservations, *self._of_others.values()):
            reservations.close()

    def _most(self, request: Request, batch: bool) -> float:
        tokens = {"prompt": self._learned.most_prompt(request), "completion": self._learned.most_answer(request)}
        return self._account.cost(self._model.model, tokens, batch, self._model.name)

    @property
    def _capped(self) -> bool:
        return self._account.dollars is not None or self._account.requests is not None

    def _try_reserve(self, most: float, requests: int) -> bool:
        """Reserve `most` dollars and `requests`.

        Return False if that exceeds the budget now, but a reservation may still be released.
        """
        self._released.clear()
        with self._reservations.settled():
            elsewhere = self._reservations.of_others()
            if over := self._over(most, requests, *elsewhere):
                if not (self._reservations.requests or elsewhere[1]):
                    raise UsedUp(over)
                if self._stopped:
                    raise UserError(f"interrupted; {KEPT}")
                return False
            self._reservations.change(most, requests)
            return True

    def _over(self, most: float, count: int, dollars_elsewhere: float, requests_elsewhere: int) -> str:
        account = self._account
        self._store.refresh()  # other jobs spend from the same budget
        dollars, requests = account.spent(self._store)
        own = self._reservations
        reserved = own.dollars + dollars_elsewhere
        if account.dollars is not None and dollars + reserved + most > account.dollars:
            cap = f"{account.dollars:g} dollars"
            state = f"{dollars:.4f} are spent, and the next request may cost {most:.4f}"
        elif account.requests is not None and requests + own.requests + requests_elsewhere + count > account.requests:
            cap, state = f"{account.requests} requests", f"{requests} are answered or lost"
        else:
            return ""
        return self._used_up(cap, state)

    def _used_up(self, cap: str, state: str) -> str:
        name = self._account.data_set
        return (
            f"the budget of {name}, {cap}, is used up: {state}. All bought answers are kept: raise "
            f"datasets.{name}.budget in config.yaml and run again"
        )


def _estimated(request: Request, usage: Usage | None, told: Usage | None, prompt: int, completion: int) -> Usage:
    """Return the usage with `prompt` and `completion` tokens where it has no counts of its own.

    No count is lower than what the endpoint `told`: one of its counts cannot be true, but the other may be. If it has
    only a total, the prompt gets at most a token for 5 bytes of its messages, and the answer gets the rest.
    """
    known = dict(usage or {})
    if total := known.pop("total_tokens", 0):
        prompt = total if wants_vectors(request) else min(total, message_bytes(request) // BYTES_A_TOKEN)
        completion = total - prompt
    return {
        **known,
        "prompt_tokens": known.get("prompt_tokens") or max(prompt, tokens_in(told)["prompt"]),
        "completion_tokens": known.get("completion_tokens") or max(completion, tokens_in(told)["completion"]),
        "estimated": True,
    }
