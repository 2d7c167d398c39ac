"""A teacher for tests: an endpoint asked many questions over one store."""

import asyncio

from rag_instruct.llm import endpoints
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prices import Price, Prices
from rag_instruct.llm.session import open_session

PRICES = Prices(date="2026-01-01", models={"m": Price(input=2.0, output=10.0, cached_input=1.0)})


def body(number, form=None):
    request = {"messages": [{"role": "user", "content": f"question {number}"}], "max_tokens": 9}
    return {**request, "response_format": form} if form else request


def teacher(url, folder, variable=None, caps=None, model="m", **settings):
    """A session; to be opened inside a running loop."""
    places = tuple(url) if isinstance(url, list) else (endpoints.Endpoint(url, variable),)
    described = endpoints.TeacherModel(model, places, **{"sampling": {"temperature": 0}, **settings})
    return open_session(described, AnswerStore(folder), BudgetAccount("set", "synthesis", PRICES, **(caps or {})))


def ask_all(url, folder, numbers, concurrency=4, form=None, **settings):
    """[(key, reply)], and how many were bought and replayed."""

    async def session():
        async with teacher(url, folder, concurrency=concurrency, **settings) as asked:

            async def ask(number):
                return await asked.ask(body(number, form))

            return await at_once(numbers, ask, asked.model.in_flight, "test"), asked.bought, asked.replayed

    return asyncio.run(session())
