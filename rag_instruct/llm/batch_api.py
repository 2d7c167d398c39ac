"""A provider's Batch API: its files and batches, asked again while it is out of reach."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final

import httpx2
import openai
from openai.types import Batch
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, stop_after_delay, wait_random_exponential

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import KEPT
from rag_instruct.llm.endpoints import Endpoint, TeacherModel
from rag_instruct.llm.replies import BadRequestError, PermanentRefusal, TransientError, raise_for
from rag_instruct.llm.segments import Request
from rag_instruct.logs import bar, logger

CHAT: Final = "/v1/chat/completions"
PATIENCE = 3600.0  # seconds that the endpoint may be out of reach
ABSENT = (404, 405, 501)  # how an endpoint says that it has no such thing
ENDED = ("completed", "expired", "cancelled", "failed")


class Gone(UserError):
    """The provider does not have the file or the batch, or not any more."""


def interrupted() -> UserError:
    """The error of a job that was told to end while it waited for a batch."""
    return UserError(f"interrupted; the batch keeps running, and {KEPT}")


class BatchApi:
    """The Batch API of one endpoint. Its calls raise UserError when the endpoint does not answer, and after `stop`."""

    def __init__(self, model: TeacherModel, endpoint: Endpoint) -> None:
        self.model, self.key_variable = model.model, endpoint.key_variable
        self.name = f"{model.model} at {endpoint.base_url}"
        self._poll_seconds = model.poll_seconds
        self.openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=endpoint.key(), max_retries=0, timeout=model.timeout
        )
        self._stopped = False

    def stop(self) -> None:
        """Make no call any more."""
        self._stopped = True

    def go_on(self) -> None:
        """Raise UserError if the job was told to end."""
        if self._stopped:
            raise interrupted()

    async def close(self) -> None:
        """Close the connections."""
        await self.openai.close()

    def batches(self) -> AsyncIterator[Batch]:
        """All batches of the account, the latest first; to be called `surely`."""
        return aiter(self.openai.batches.list(limit=100))

    async def file(self, name: str) -> bytes:
        """The content of a file."""
        content: bytes = (await self.surely(lambda: self.openai.files.content(name))).content
        return content

    async def bodies(self, batch: Batch) -> dict[str, Request]:
        """The requests of a batch by their keys."""
        return {line["custom_id"]: line["body"] for line in json_lines(await self.file(batch.input_file_id))}

    async def ended(self, batch: Batch) -> Batch:
        """The batch when it has ended, successfully or not."""
        total = batch.request_counts.total if batch.request_counts else None
        with bar(batch.id, total=total) as counter:
            while batch.status not in ENDED:
                await asyncio.sleep(self._poll_seconds)
                batch = await self.surely(partial(self.openai.batches.retrieve, batch.id))
                if batch.request_counts:
                    counter.total = batch.request_counts.total
                    counter.update(batch.request_counts.completed + batch.request_counts.failed - counter.n)
        if batch.status != "completed":
            logger.warning(
                "%s: %s %s: the requests that it did not answer are asked again", self.name, batch.id, batch.status
            )
        return batch

    async def surely(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `call`, which is tried again while the endpoint is out of reach."""
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(TransientError),
                wait=wait_random_exponential(multiplier=0.5, max=60),
                stop=stop_after_delay(PATIENCE),
                before_sleep=before_sleep_log(logger, 20),
                reraise=True,
            ):
                with attempt:
                    return await self._once(call)
        except (TransientError, PermanentRefusal, BadRequestError) as error:
            raise UserError(f"{self.name} does not answer ({error}); {KEPT}") from error

    async def _once(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self.go_on()
        try:
            return await call()
        except openai.APIStatusError as error:
            body = error.body if isinstance(error.body, dict) else {"message": error.message}
            if error.status_code in ABSENT:
                raise Gone(f"{self.name} has no {error.request.url.path} ({error.status_code})") from error
            raise_for(error.status_code, body, self.name, self.key_variable)
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            raise TransientError("connection broken") from error


def json_lines(content: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file's lines. A broken line is skipped, so that its request stays unanswered."""
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
