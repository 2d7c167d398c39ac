"""The teacher: any OpenAI-compatible endpoint, asked only for what the store does not hold."""

import argparse
import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import openai

from rag_instruct.answers import AnswerStore, Reply, exclusive, request_key
from rag_instruct.cli import bar
from rag_instruct.config import REPLAY, missing_key
from rag_instruct.errors import UserError
from rag_instruct.server import local_server

Item = TypeVar("Item")
Result = TypeVar("Result")

TIMEOUT = 120.0  # seconds of one request
RETRIES = 6  # by the client itself: connection faults, 408, 409, 429 and 5xx, with backoff and Retry-After


@dataclass(frozen=True)
class Endpoint:
    """Where a model is reached. The key stays in the environment; only its variable's name is known."""

    model: str
    base_url: str
    key_variable: str | None = None
    sampling: dict[str, Any] = field(default_factory=dict)


class Teacher:
    """Asks an endpoint, and keeps each answer the moment it arrives."""

    def __init__(self, endpoint: Endpoint, store: AnswerStore) -> None:
        if missing_key(endpoint.key_variable):
            raise UserError(
                f"the environment variable {endpoint.key_variable} is not set, {endpoint.model} needs it: "
                f"export {endpoint.key_variable}=..., or choose another teacher in config.yaml"
            )
        self._endpoint = endpoint
        self._store = store
        self._waiting: dict[str, asyncio.Task[Reply]] = {}
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=os.environ.get(endpoint.key_variable or "", "") or "no key",
            max_retries=RETRIES,
            timeout=TIMEOUT,
        )
        self.replayed = 0

    @property
    def bought(self) -> int:
        """Answers that the endpoint gave, rather than the store."""
        return self._store.added

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        self._store.close()

    async def ask(self, body: dict[str, Any], sample: int = 0) -> tuple[str, Reply]:
        """The request's key and its reply, from the store or else from the endpoint."""
        request = {"model": self._endpoint.model, **body, **self._endpoint.sampling}
        key = request_key(request, sample)
        if stored := self._store.get(key):
            self.replayed += 1
            return key, stored
        # Two candidates may ask the same at once: one request serves both.
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._buy(key, request))
        return key, await self._waiting[key]

    async def _buy(self, key: str, request: dict[str, Any]) -> Reply:
        if os.environ.get(REPLAY):
            raise UserError(
                f"{REPLAY} is set and the store has no answer to request {key[:12]}: unset it to buy the answer"
            )
        try:
            completion = await self._client.chat.completions.create(**request)
        except openai.OpenAIError as error:
            raise UserError(_explain(error, self._endpoint)) from error
        if not completion.choices:
            raise UserError(f"{self._endpoint.base_url} answered without choices: it is no chat completion endpoint")
        choice = completion.choices[0]
        reply = {
            "text": choice.message.content or "",
            "refusal": choice.message.refusal,
            "finish_reason": choice.finish_reason,
            "usage": completion.usage.model_dump(exclude_none=True) if completion.usage else None,
            "model": completion.model,
        }
        self._store.put(key, request, reply)
        return reply


def with_teacher(arguments: argparse.Namespace, output: Path, work: Callable[["Teacher"], Awaitable[Result]]) -> Result:
    """The result of `work` with the teacher that a script's arguments describe, its server included.

    `output` is the file that the result is for: one job at a time buys for it.
    """

    async def session(base_url: str) -> Result:
        endpoint = Endpoint(arguments.model, base_url, arguments.key_variable, json.loads(arguments.sampling))
        async with Teacher(endpoint, AnswerStore(arguments.answers)) as teacher:
            return await work(teacher)

    server = local_server(arguments.server) if arguments.server else nullcontext(arguments.base_url)
    with exclusive(arguments.answers, output), server as base_url:
        return asyncio.run(session(base_url))


async def at_once(
    items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], concurrency: int, what: str
) -> list[Result]:
    """The results of `work` in the order of `items`, `concurrency` of them under way at a time.

    After a UserError nothing new is begun; what is under way ends, as it may be paid for.
    """
    waiting = list(enumerate(items))
    results: dict[int, Result] = {}
    errors: list[UserError] = []
    shared = iter(waiting)

    async def worker() -> None:
        for number, item in shared:
            try:
                results[number] = await work(item)
                counter.update()
            except UserError as error:
                errors.append(error)
            if errors:
                return

    with bar(what, total=len(waiting)) as counter:
        await asyncio.gather(*(worker() for _ in range(min(concurrency, len(waiting)))))
    if errors:
        raise errors[0]
    return [results[number] for number, _ in waiting]


def _explain(error: openai.OpenAIError, endpoint: Endpoint) -> str:
    where = f"{endpoint.model} at {endpoint.base_url}"
    kept = "what was bought is kept: run again when it is mended"
    if isinstance(error, openai.AuthenticationError):
        return f"{where} refuses the key in {endpoint.key_variable}: check the key; {kept}"
    if isinstance(error, openai.APIStatusError):
        return f"{where} answered {error.status_code} ({error.message:.300}); {kept}"
    return f"{where} cannot be reached or did not answer in time ({error or type(error).__name__}); {kept}"
