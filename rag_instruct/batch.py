"""Answers by OpenAI's Batch API: within a day, for half the price, and found again after the job has died.

A batch carries its job's name in its metadata. So nothing has to be written down between the
moment a batch is opened and the moment its answers are kept: a new run of the job asks the
endpoint which of its batches there are, and takes their answers in before it asks for more.
"""

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import openai
from openai.types import Batch
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, stop_after_delay, wait_random_exponential

from rag_instruct.answers import Reply
from rag_instruct.cli import bar, logger
from rag_instruct.client import KEPT, Passing, Refused, Rejected, raise_for, reply_of
from rag_instruct.dialect import Dialect
from rag_instruct.endpoints import Teacher
from rag_instruct.errors import UserError
from rag_instruct.files import digest

MOST_LINES = 50_000  # the API's bounds of a batch
MOST_BYTES = 190_000_000
QUIET = 1.0  # seconds without a new request after which a batch is closed and sent
ROUNDS = 4  # batches that a request may be part of
LOOKED_BACK = 30 * 86400  # seconds: results are kept no longer
PATIENCE = 3600.0  # seconds that the endpoint may be out of reach
JOB = "rag_instruct_job"  # the metadata's key

Record = Callable[[str, dict[str, Any], Reply], Awaitable[Reply]]


class _Asked(NamedTuple):
    request: dict[str, Any]
    answered: "asyncio.Future[Reply]"


class BatchClient:
    """Collects requests until no more come, sends them as one batch, and answers them when it has ended."""

    def __init__(self, teacher: Teacher, record: Record, job: str, taken: Path) -> None:
        endpoint = teacher.endpoints[0]
        self._teacher, self._record, self._job = teacher, record, digest(teacher.model, job)[:32]
        self._taken = taken  # a folder with an empty file for each batch whose answers are all kept
        self._name = f"{teacher.model} at {endpoint.base_url}"
        self._key_variable = endpoint.key_variable
        self._dialect = Dialect(self._name)
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=endpoint.key(), max_retries=0, timeout=teacher.timeout
        )
        self._asked: dict[str, _Asked] = {}
        self._rounds: dict[str, int] = {}
        self._last = 0.0
        self._sender: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Wait no longer. A batch that runs goes on, and the next run takes its answers."""
        self._fail(UserError(f"interrupted; the batch goes on, and {KEPT}"))
        if self._sender:
            self._sender.cancel()

    async def close(self) -> None:
        """Close the connections."""
        self.stop()
        await self._openai.close()

    async def complete(self, key: str, request: dict[str, Any]) -> Reply:
        """The reply, when its batch has ended; raises Refused and UserError as Client.complete does."""
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[key] = _Asked(request, answered)
        self._last = time.monotonic()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return await answered

    async def resume(self) -> None:
        """Take in the answers of the batches that earlier runs of this job have opened."""
        for batch in await self._surely(self._of_this_job):
            logger.info("%s: %s of an earlier run is %s", self._name, batch.id, batch.status)
            # What was sent is the record of what was asked; whoever runs may ask for something else by now.
            lines = _lines(await self._file(batch.input_file_id))
            try:
                await self._take(await self._ended(batch), {line["custom_id"]: line["body"] for line in lines})
            except UserError as error:
                logger.warning("%s: nothing was answered in %s: %s", self._name, batch.id, error)

    async def _of_this_job(self) -> list[Batch]:
        earliest = time.time() - LOOKED_BACK
        ours: list[Batch] = []
        async for batch in self._openai.batches.list(limit=100):
            if batch.created_at < earliest:
                break
            if (batch.metadata or {}).get(JOB) == self._job and not (self._taken / batch.id).exists():
                ours.append(batch)
        return ours

    async def _send(self) -> None:
        try:
            while self._asked:
                if (left := self._last + QUIET - time.monotonic()) > 0 and len(self._asked) < MOST_LINES:
                    await asyncio.sleep(left)
                    continue
                await self._one_batch()
        except Exception as error:
            # Whoever waits learns of it; a fault that is none of ours is shown as such.
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        asked, self._asked = self._asked, {}
        for one in asked.values():
            if not one.answered.done():
                one.answered.set_exception(error)

    async def _one_batch(self) -> None:
        content = io.BytesIO()
        bodies: dict[str, dict[str, Any]] = {}
        for key in sorted(self._asked)[:MOST_LINES]:
            body = self._dialect.word(self._asked[key].request)
            line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            content.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            bodies[key] = body
            if content.tell() > MOST_BYTES:
                break
        batch = await self._open(content.getvalue())
        logger.info("%s: %d requests in %s, results within a day", self._name, len(bodies), batch.id)
        for key in bodies:
            self._rounds[key] = self._rounds.get(key, 0) + 1
        batch = await self._ended(batch)
        if batch.status == "failed":
            errors = (batch.errors.data if batch.errors else None) or []
            said = "; ".join(f"line {error.line}: {error.message}" for error in errors[:3])
            raise UserError(f"{self._name}: {batch.id} was not accepted ({said}); {KEPT}")
        await self._take(batch, bodies)
        for key in bodies:
            if key in self._asked and self._rounds[key] >= ROUNDS:
                one = self._asked.pop(key)
                one.answered.set_exception(Refused(f"no answer in {ROUNDS} batches"))

    async def _open(self, content: bytes) -> Batch:
        """Upload and start a batch. When it is not sure that it started, look for it before starting it again."""
        file = await self._surely(
            lambda: self._openai.files.create(file=("requests.jsonl", io.BytesIO(content)), purpose="batch")
        )

        async def started() -> Batch:
            async for batch in self._openai.batches.list(limit=100):
                if batch.input_file_id == file.id:
                    return batch
            return await self._openai.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={JOB: self._job},
            )

        batch: Batch = await self._surely(started)
        return batch

    async def _ended(self, batch: Batch) -> Batch:
        """The batch when it has ended, well or not."""
        total = batch.request_counts.total if batch.request_counts else None
        with bar(batch.id, total=total) as counter:
            while batch.status not in ("completed", "expired", "cancelled", "failed"):
                await asyncio.sleep(self._teacher.poll_seconds)
                batch = await self._surely(partial(self._openai.batches.retrieve, batch.id))
                if batch.request_counts:
                    counter.total = batch.request_counts.total
                    counter.update(batch.request_counts.completed + batch.request_counts.failed - counter.n)
        if batch.status != "completed":
            logger.warning("%s: %s %s: what it has not answered is asked again", self._name, batch.id, batch.status)
        return batch

    async def _take(self, batch: Batch, bodies: dict[str, dict[str, Any]]) -> None:
        """Keep what the batch answered. What it lacks, or has in an unreadable line, stays asked.

        Raises UserError when all of it was rejected: that is no request's own fault.
        """
        outcomes, rejected = await self._outcomes(batch, bodies)
        if outcomes:
            outcomes |= {key: _failed(error) for key, error in rejected.items()}
        await asyncio.gather(*(self._keep(key, bodies[key], reply) for key, reply in outcomes.items()))
        self._taken.mkdir(parents=True, exist_ok=True)
        (self._taken / batch.id).touch()
        if rejected and not outcomes:
            raise UserError(str(next(iter(rejected.values()))))
        if lacking := len(bodies) - len(outcomes):
            logger.warning("%s: %s has no answer to %d of %d requests", self._name, batch.id, lacking, len(bodies))

    async def _outcomes(
        self, batch: Batch, bodies: dict[str, dict[str, Any]]
    ) -> tuple[dict[str, Reply], dict[str, Rejected]]:
        """What a batch's files say of each request; of several answers the first counts."""
        outcomes: dict[str, Reply] = {}
        rejected: dict[str, Rejected] = {}
        for name in filter(None, (batch.output_file_id, batch.error_file_id)):
            for line in _lines(await self._file(name)):
                key = line.get("custom_id")
                if key not in bodies or key in outcomes:
                    continue
                try:
                    if reply := self._reply(line, bodies[key]):
                        outcomes[key] = reply
                except Rejected as error:
                    rejected[key] = error
        return outcomes, rejected

    async def _keep(self, key: str, body: dict[str, Any], reply: Reply) -> None:
        one = self._asked.pop(key, None)
        reply = await self._record(key, one.request if one else body, reply)
        if one:
            one.answered.set_result(reply)

    def _reply(self, line: dict[str, Any], body: dict[str, Any]) -> Reply | None:
        """The reply in a line of results; None when it is worth asking again."""
        response = line.get("response") or {}
        status, content = response.get("status_code"), response.get("body") or {}
        try:
            if status == 200:
                return {**reply_of(json.dumps(content).encode()), "batch": True}
            error = content.get("error") or line.get("error") or {}
            if status is None or (status in (400, 422) and self._learnt(body, error)):
                return None
            raise_for(status, error, self._name, self._key_variable)
            return None
        except Passing:
            return None
        except Refused as error:
            return _failed(error)

    def _learnt(self, body: dict[str, Any], error: dict[str, Any]) -> bool:
        return body != self._dialect.word(body) or self._dialect.learn(body, error)

    async def _file(self, name: str) -> bytes:
        content: bytes = (await self._surely(lambda: self._openai.files.content(name))).content
        return content

    async def _surely(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `call`, which is tried again while the endpoint is out of reach."""
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Passing),
                wait=wait_random_exponential(multiplier=0.5, max=60),
                stop=stop_after_delay(PATIENCE),
                before_sleep=before_sleep_log(logger, 20),
                reraise=True,
            ):
                with attempt:
                    return await self._once(call)
        except (Passing, Refused, Rejected) as error:
            raise UserError(f"{self._name} does not answer ({error}); {KEPT}") from error

    async def _once(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await call()
        except openai.APIStatusError as error:
            body = error.body if isinstance(error.body, dict) else {"message": error.message}
            raise_for(error.status_code, body, self._name, self._key_variable)
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise Passing("connection broken") from error


def _failed(error: Exception) -> Reply:
    return {"text": "", "finish_reason": "failed", "failure": str(error)}


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file's lines; a broken line is passed over, and its request stays unanswered."""
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
