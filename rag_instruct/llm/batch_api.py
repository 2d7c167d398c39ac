"""Calls a provider's Batch API, and retries while the provider cannot be reached."""

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
PATIENCE = 3600.0  # seconds of retries before a call fails
ABSENT = (404, 405, 501)  # statuses of an endpoint that lacks the file, the batch or the whole API
ENDED = ("completed", "expired", "cancelled", "failed")


class Gone(UserError):
    """The provider does not have, or no longer has, the file or the batch."""


def interrupted() -> UserError:
    """Return the error of a job that was interrupted while it waited for a batch."""
    return UserError(f"interrupted; the batch keeps running, and {KEPT}")


class BatchApi:
    """The Batch API of one endpoint. Calls raise UserError if the endpoint does not answer, or after `stop`."""

    def __init__(self, model: TeacherModel, endpoint: Endpoint) -> None:
        self.model, self.key_variable = model.model, endpoint.key_variable
        self.name = f"{model.model} at {endpoint.base_url}"
        self._poll_seconds = model.poll_seconds
        self.openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=endpoint.key(), max_retries=0, timeout=model.timeout
        )
        self._stopped = False

    def stop(self) -> None:
        """Let all further calls raise UserError."""
        self._stopped = True

    def go_on(self) -> None:
        """Raise UserError if the job was interrupted."""
        if self._stopped:
            raise interrupted()

    async def close(self) -> None:
        """Close the connections."""
        await self.openai.close()

    def batches(self) -> AsyncIterator[Batch]:
        """Iterate over all batches of the account, the latest first. Use it inside `surely`, which retries."""
        return aiter(self.openai.batches.list(limit=100))

    async def file(self, name: str) -> bytes:
        """Return the content of a file."""
        content: bytes = (await self.surely(lambda: self.openai.files.content(name))).content
        return content

    async def bodies(self, batch: Batch) -> dict[str, Request]:
        """Return the requests of a batch, by key."""
        return {line["custom_id"]: line["body"] for line in json_lines(await self.file(batch.input_file_id))}

    async def ended(self, batch: Batch) -> Batch:
        """Wait until the batch has ended, successfully or not, and return its final state."""
        total = batch.request_counts.total if batch.request_counts else None
        with bar(batch.id, total=total) as counter:
            while batch.status not in ENDED:
                await asyncio.sleep(self._poll_seconds)
                batch = await self.surely(partial(self.openai.batches.retrieve, batch.id))
                if batch.request_counts:
                    counter.total = batch.request_counts.total
                    counter.update(batch.request_counts.completed + batch.request_counts.failed - counter.n)
        if batch.status != "completed":
            logger.warning("%s: %s %s, so some of its requests may have no answer", self.name, batch.id, batch.status)
        return batch

    async def surely(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of `call`, which is retried while the endpoint cannot be reached."""
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
        except TransientError as error:
            raise UserError(f"{self.name} does not answer ({error}); {KEPT}") from error
        except PermanentRefusal as error:
            raise UserError(f"{self.name} answered {error}; {KEPT}") from error
        except BadRequestError as error:  # the message has the endpoint's name and KEPT already
            raise UserError(str(error)) from error

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
    """Yield the JSON object of each line. A broken line is skipped, so its request has no answer."""
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
