"""Buys vectors of texts: each text is a request of its own in the store, and many go to the endpoint as one."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple

from rag_instruct.llm.answers import ROOM, AnswerStore, request_key
from rag_instruct.llm.client import Asked, OnlineClient
from rag_instruct.llm.door import Transient
from rag_instruct.llm.endpoint_client import EndpointClient
from rag_instruct.llm.endpoints import TeacherModel
from rag_instruct.llm.learned import request_bytes
from rag_instruct.llm.recorder import Recorder
from rag_instruct.llm.segments import Reply, Request, failed_reply, texts_in, tokens_of
from rag_instruct.llm.vectors import shares
from rag_instruct.logs import logger

GATHERED = 0.01  # seconds in which requests are gathered before they are sent
STORED = 20_000  # bytes of a stored vector with its text, about: 3072 numbers have 16 KB
MOST_BYTES = 250_000  # of the texts of a request: OpenAI takes 300,000 tokens, and no text has more tokens than bytes


class _Text(NamedTuple):
    """A text whose vector is to be bought."""

    key: str
    request: Request
    bought: asyncio.Future[Reply]


class VectorClient(OnlineClient):
    """An AnswerSource for requests whose `input` is one text. Texts that wait at the same time are sent together.

    If the endpoint refuses a request of several texts, its halves are sent. If it takes both, the size was to blame,
    and no later request is so large.
    """

    def __init__(self, model: TeacherModel, recorder: Recorder, store: AnswerStore) -> None:
        super().__init__(model, recorder, store)
        store.room = max(ROOM, STORED * model.concurrency * model.texts_a_request)
        self._most = model.texts_a_request
        self._waiting: list[_Text] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, key: str, request: Request) -> Reply:
        """Return the recorded reply, whose text is the vector as base64. See OnlineClient.answer."""
        text = _Text(key, request, asyncio.get_running_loop().create_future())
        if not self._waiting:
            self._start(self._send_gathered())
        self._waiting.append(text)
        return await text.bought

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_gathered(self) -> None:
        await asyncio.sleep(GATHERED)
        gathered, self._waiting = self._waiting, []
        for texts in _groups(gathered, self._most):
            self._start(self._settle(texts))

    async def _settle(self, texts: Sequence[_Text]) -> None:
        """Buy the vectors of texts. Callers whose text gets no vector receive the error."""
        try:
            await self._buy(texts)
        except Exception as error:  # every waiting caller gets it, whatever its type
            for text in texts:
                if not text.bought.done():
                    text.bought.set_exception(error)

    async def _buy(self, texts: Sequence[_Text]) -> bool:
        """Buy and record the vectors of texts. Return whether one request brought them all."""
        half = (len(texts) + 1) // 2
        if len(texts) > self._most:  # lowered since these texts were gathered
            await self._buy_both(texts[:half], texts[half:])
            return False
        request = {**texts[0].request, "input": [text.request["input"] for text in texts], "encoding_format": "base64"}
        async with self._recorder.reserved(request) as renew:
            asked = Asked(request_key(request), request, renew)
            with self._stopping():
                reply = await self._tried(asked)
            if len(texts) == 1 or "failure" not in reply:
                await self._record(texts, reply, asked.faults)
                return "failure" not in reply
        if await self._buy_both(texts[:half], texts[half:]) and half < self._most:
            logger.info("%s takes at most %d texts a request here", self._model.model, half)
            self._most = half
        return False

    async def _buy_both(self, first: Sequence[_Text], second: Sequence[_Text]) -> bool:
        """Buy the vectors of two groups. Return whether one request was enough for each."""
        return all([await self._buy(first), await self._buy(second)])

    async def _record(self, texts: Sequence[_Text], reply: Reply, faults: list[str]) -> None:
        vectors = reply["text"].split("\n")
        tokens = shares(tokens_of(reply)["prompt"], [request_bytes(text.request) for text in texts])
        parts = [Reply({**reply, "text": vector}) for vector in vectors]
        if faults:  # the ledger counts them
            parts[0]["faults"] = faults
        if reply.get("usage"):
            for part, share in zip(parts, tokens, strict=True):
                part["usage"] = {"prompt_tokens": share, "completion_tokens": 0}
        # All at once, so that one write holds them. Texts for which nobody waits any more are paid for, too.
        works = [self._recorder.record(text.key, text.request, part) for text, part in zip(texts, parts, strict=True)]
        for text, kept in zip(texts, await asyncio.gather(*works, return_exceptions=True), strict=True):
            if text.bought.done():
                continue
            if isinstance(kept, BaseException):
                text.bought.set_exception(kept)
            else:
                text.bought.set_result(kept)

    async def _after_fault(self, endpoint: EndpointClient, asked: Asked, outcome: Transient) -> Reply | None:
        reply = await super()._after_fault(endpoint, asked, outcome)
        if reply is None and outcome.fault == "timeout" and texts_in(asked.request) > 1:
            return failed_reply(str(outcome))  # fewer texts take less time
        return reply

    async def _after_unknown(self, endpoint: EndpointClient, asked: Asked, said: str) -> Reply | None:
        if texts_in(asked.request) > 1:
            return failed_reply(said)
        return await super()._after_unknown(endpoint, asked, said)


def _groups(texts: Sequence[_Text], most: int) -> list[list[_Text]]:
    groups: list[list[_Text]] = []
    room = 0
    for text in texts:
        needed = request_bytes(text.request)
        if not groups or len(groups[-1]) == most or needed > room:
            groups.append([])
            room = MOST_BYTES
        groups[-1].append(text)
        room -= needed
    return groups
