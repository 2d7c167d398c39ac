"""Calls a provider's Batch API, and retries while the provider cannot be reached."""

import asyncio
import io
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import httpx2
import openai
from openai.types import Batch, FileObject
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from rag_instruct.errors import UserError
from rag_instruct.llm import door
from rag_instruct.llm.answers import CORRECT, KEPT
from rag_instruct.llm.concurrency import sleep
from rag_instruct.llm.connecting import http_client
from rag_instruct.llm.door import Account, Throttled, Transient
from rag_instruct.llm.endpoints import Endpoint, TeacherModel, account_error, bytes_without_key, without_key
from rag_instruct.llm.segments import Request
from rag_instruct.logs import bar, logger

Result = TypeVar("Result")

CHAT: Final = "/v1/chat/completions"
RETRY_SECONDS = 3600.0  # seconds of retries before a call fails
LATE = 600.0  # seconds for which we wait for the files of a batch that has ended
LONGEST_RUN = 4 * 86400.0  # seconds from its opening until a batch must have ended
LOST_AFTER = 2 * 86400.0  # seconds from its opening until an ended batch without files counts as lost
LONGEST_LOOK = 10.0  # seconds between two looks at a file, at most
BETWEEN = " \t[],\0\ufeff"  # characters around the objects of a file
FURTHER = re.compile(rf"[{re.escape(BETWEEN)}]*")
LARGEST_ERROR = 100_000  # bytes; what is larger is a file of lines
ABSENT = (404, 405, 501)  # statuses of an endpoint that lacks the file, the batch or the whole API
REPEATED = (408, 429)  # statuses below 500 after which a refused cancellation is tried again
ENDED = ("completed", "expired", "cancelled", "failed")
# Other servers' names of a batch's states, in small letters.
STATES = {
    **dict.fromkeys(("succeeded", "success", "complete", "ended", "done", "finished"), "completed"),
    **dict.fromkeys(("error", "errored"), "failed"),
    "canceled": "cancelled",
    **dict.fromkeys(("timeout", "timeout_exceeded"), "expired"),
}
RUNNING = ("validating", "in_progress", "finalizing", "cancelling")
UNREADY = ("pending", "uploading", "processing", "running")  # states of a file that cannot be used yet


class Gone(UserError):
    """The provider does not have, or no longer has, the file or the batch."""


class Unreachable(Exception):
    """A call failed, and another one may succeed."""


def interrupted() -> UserError:
    """Return the error of a job that was interrupted while it waited for a batch."""
    return UserError(f"interrupted; the batch keeps running, and {KEPT}")


class BatchApi:
    """The Batch API of one endpoint. Calls raise UserError if the endpoint does not answer, or after `stop`."""

    def __init__(self, model: TeacherModel, endpoint: Endpoint) -> None:
        self.model, self.key_variable = model.model, endpoint.key_variable
        self.model_here = endpoint.model or model.model  # the model's name at this endpoint
        self.name = f"{model.model} at {endpoint.base_url}"
        self._poll_seconds = model.poll_seconds
        self.openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key(),
            max_retries=0,
            timeout=model.timeout,
            http_client=http_client([endpoint.base_url], fast=False),
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

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield all batches of the account, the latest first. Use it inside `surely`, which retries."""
        seen: set[str] = set()
        async for batch in self.openai.batches.list(limit=100):
            if batch.id in seen:  # a server that sends the same page again and again
                return
            seen.add(batch.id)
            yield normal_batch(batch)

    async def others_run(self, own: str) -> bool:
        """Return whether the account has another batch than `own` that has not ended."""

        async def running() -> bool:
            async for batch in self.batches():
                if time.time() - batch.created_at > LONGEST_RUN:
                    return False
                if batch.id != own and batch.status not in ENDED:
                    return True
            return False

        return await self.surely(running)

    async def pause(self) -> None:
        """Wait until it is time for the next look."""
        await asyncio.sleep(self._poll_seconds)

    async def results(self, name: str) -> bytes | None:
        """Return the content of a file of results. Return None if the provider still lacks it after `LATE` seconds."""
        late_until = time.monotonic() + LATE
        while True:
            try:
                content = await self.surely(partial(self._content, name))
                if not _is_error(content):
                    return content
                quoted = door.quoted(bytes_without_key(content, self.key_variable))
                said = f"{self.name}: {name} has no results, but {quoted}"
            except Gone as error:
                said = str(error)
            if time.monotonic() > late_until:
                logger.warning("%s: its requests count as lost, and may be charged", said)
                return None
            await asyncio.sleep(self._poll_seconds)

    async def bodies(self, batch: Batch) -> dict[str, Request]:
        """Return the requests of a batch, by key."""
        lines = json_lines(await self.surely(partial(self._lines, batch.input_file_id)))
        return {line["custom_id"]: {**line["body"], "model": self.model} for line in lines if line}

    async def _content(self, name: str) -> bytes:
        return door.unpacked((await self.openai.files.content(name)).content)

    async def _lines(self, name: str) -> bytes:
        """Return the content of a file of lines. Raise ValueError if something else comes, such as a login's page."""
        content = await self._content(name)
        if _is_error(content):
            raise ValueError(door.quoted(bytes_without_key(content, self.key_variable)))
        return content

    async def ended(self, batch: Batch) -> Batch:
        """Wait until the batch has ended, successfully or not, and return its final state."""
        total = batch.request_counts.total if batch.request_counts else None
        opened = batch.created_at
        with bar(batch.id, total=total) as counter:
            late_until = time.monotonic() + LATE
            while batch.status not in ENDED or (_lacks_files(batch) and time.monotonic() < late_until):
                if batch.status not in ENDED:
                    late_until = time.monotonic() + LATE
                    self._check_age(batch, opened)
                await asyncio.sleep(self._poll_seconds)
                try:
                    batch = await self.surely(partial(self._retrieved, batch.id))
                except Gone:  # a server that knows the batch may not have told the others yet
                    if time.time() - opened > LATE:
                        raise
                    continue
                if batch.request_counts:
                    counter.total = batch.request_counts.total
                    counter.update(batch.request_counts.completed + batch.request_counts.failed - counter.n)
        self._check_files(batch, opened)
        if batch.status != "completed":
            logger.warning("%s: %s %s, so some of its requests may have no answer", self.name, batch.id, batch.status)
        return batch

    async def _retrieved(self, name: str) -> Batch:
        return normal_batch(await self.openai.batches.retrieve(name))

    async def uploaded(self, content: bytes) -> str:
        """Return the id of a new input file, which can be used for a batch. Azure first looks through it."""
        create = self.openai.files.create
        file = await self.surely(
            lambda: _with_id(create(file=("requests.jsonl", io.BytesIO(content)), purpose="batch"))
        )
        late_until = time.monotonic() + LATE
        with suppress(Gone):  # the endpoint has no states of files
            while str(getattr(file, "status", "")).lower() in UNREADY and time.monotonic() < late_until:
                await asyncio.sleep(min(self._poll_seconds, LONGEST_LOOK))
                file = await self.surely(partial(self._file_state, file.id))
        return file.id

    async def _file_state(self, name: str) -> FileObject:
        return await _with_id(self.openai.files.retrieve(name))

    def _check_age(self, batch: Batch, opened: int) -> None:
        if time.time() - opened > LONGEST_RUN:
            days = int(LONGEST_RUN // 86400)
            raise UserError(
                f"{self.name}: {batch.id} has not ended for {days} days ({batch.status}): cancel it at the provider; "
                f"{CORRECT}"
            )

    def _check_files(self, batch: Batch, opened: int) -> None:
        if not _lacks_files(batch):
            return
        said = f"{self.name}: {batch.id} has ended, but names no file with its results"
        if time.time() - opened < LOST_AFTER:
            days = int(LOST_AFTER // 86400)
            raise UserError(f"{said}. {days} days after its start, they count as lost and are bought again; {KEPT}")
        logger.warning("%s: its requests count as lost, and may be charged", said)

    async def cancel(self, batch: Batch) -> Batch:
        """Cancel a running batch, and return its state. It may still answer some requests.

        If the endpoint refuses to cancel it, because it ends just now or for another reason, return it as it is.
        """

        async def cancelled() -> Batch:
            try:
                return normal_batch(await self.openai.batches.cancel(batch.id))
            except openai.APIStatusError as error:
                if error.status_code in REPEATED or (error.status_code >= 500 and error.status_code not in ABSENT):
                    raise
                logger.info("%s: %s was not cancelled (%d); waiting for it", self.name, batch.id, error.status_code)
                return batch

        return await self.surely(cancelled)

    async def surely(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of `call`, which is retried while the endpoint cannot be reached."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Unreachable),
            wait=wait_random_exponential(multiplier=0.5, max=60),
            stop=stop_after_delay(RETRY_SECONDS),
            sleep=lambda seconds: sleep(seconds, self.go_on),
            before_sleep=self._say_again,
            reraise=True,
        )
        try:
            return await retrying(self._once, call)
        except Unreachable as error:
            raise UserError(f"{self.name} does not answer ({error}); {KEPT}") from error

    def _say_again(self, state: RetryCallState) -> None:
        error, action = state.outcome and state.outcome.exception(), state.next_action
        logger.info("%s: %s; trying again in %d s", self.name, error, action.sleep if action else 0)

    async def _once(self, call: Callable[[], Awaitable[Result]]) -> Result:
        self.go_on()
        try:
            return await call()
        except openai.APIStatusError as error:
            if error.status_code in ABSENT:
                raise Gone(f"{self.name} has no {error.request.url.path} ({error.status_code})") from error
            raise self._error(error) from error
        except (openai.APIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            said = door.clean(str(error.__cause__ or ""))
            raise Unreachable(f"connection broken ({said})" if said else "connection broken") from error
        except (ValueError, AttributeError, TypeError) as error:  # a page, say, where openai's client expects an object
            said = door.clean(without_key(str(error), self.key_variable))
            raise Unreachable(f"broken reply ({said})") from error

    def _error(self, error: openai.APIStatusError) -> Exception:
        body = door.error_in(error.body) or {"message": error.message}
        outcome = door.refused(error.status_code, body)
        said = without_key(str(outcome if isinstance(outcome, Transient) else outcome[0]), self.key_variable)
        match outcome:
            case Account(status=status):
                return account_error(self.name, self.key_variable, Account(said, status))
            case Throttled() | Transient():
                return Unreachable(said)
        return UserError(f"{self.name} answered {said}; {CORRECT}")


async def _with_id(call: Awaitable[FileObject]) -> FileObject:
    """Return the file that `call` returns. Raise ValueError if it is none, such as an error with status 200."""
    made = await call
    if not isinstance(getattr(made, "id", None), str):
        raise ValueError(str(made))
    return made


def normal_batch(batch: Batch) -> Batch:
    """Return the batch with its state in OpenAI's words, a time of its opening, and whole counts or none.

    Raise ValueError if it is no batch, such as an error with status 200.
    """
    if not isinstance(getattr(batch, "id", None), str):
        raise ValueError(str(batch))
    state = re.sub("^(batch|job)_state_", "", str(batch.status or "").lower())
    state = STATES.get(state, state)
    if state not in (*ENDED, *RUNNING):  # the times tell whether it has ended
        ended = next((name for name in ENDED if _is_past(getattr(batch, f"{name}_at", None))), "")
        state = ended or ("completed" if not state and batch.output_file_id else state)
    counts = batch.request_counts
    if counts and not all(isinstance(number, int) for number in (counts.total, counts.completed, counts.failed)):
        counts = None
    opened = int(batch.created_at if isinstance(batch.created_at, int | float) else time.time())
    opened = opened // 1000 if opened > 10**11 else opened  # in milliseconds
    return batch.model_copy(update={"status": state, "created_at": opened, "request_counts": counts})


def _is_past(when: Any) -> bool:
    """Return whether a time of a batch is past. Servers set `expired_at` also to the time when a batch will expire."""
    seconds = when / 1000 if isinstance(when, int | float) and when > 10**11 else when
    return bool(seconds) and not (isinstance(seconds, int | float) and seconds > time.time())


def faults_of(batch: Batch) -> str:
    """Return what is wrong with the lines of a batch that was not accepted."""
    given: Any = batch.errors
    errors = getattr(given, "data", given)
    if not isinstance(errors, list):
        return door.clean(str(errors)) if errors else "without a reason"
    said = [f"line {getattr(one, 'line', None)}: {getattr(one, 'message', None) or one}" for one in errors[:3]]
    return "; ".join(said) or "without a reason"


def _is_error(content: bytes) -> bool:
    """Return whether a file is a proxy's page or an error with status 200, and has no line of a batch."""
    whole = door.parsed(content) if len(content) < LARGEST_ERROR else None
    if isinstance(whole, dict) and whole.get("error"):
        return not whole.keys() & {"custom_id", "response"}
    return door.is_page(content)


def _lacks_files(batch: Batch) -> bool:
    """Return whether a batch has results whose file the provider does not name yet."""
    if batch.output_file_id:
        return False
    counts = batch.request_counts
    if counts and (counts.completed or counts.failed):  # some servers leave them at 0
        return bool(counts.completed or (counts.failed and not batch.error_file_id))
    return batch.status == "completed" and not batch.error_file_id


def json_lines(content: bytes) -> Iterator[dict[str, Any] | None]:
    """Yield the JSON object of each line, or None for a broken line. Blank lines are left out.

    Objects without a line's end between them, or in a list, are read too: each may be a paid answer.
    """
    decode = json.JSONDecoder(strict=False).raw_decode
    for line in content.splitlines():
        text = line.decode("utf-8", "replace").strip(BETWEEN)
        end = 0
        while end < len(text):  # a list is one line, so what is left of it is not copied
            try:
                value, end = decode(text, end)
            except (ValueError, RecursionError):
                value, end = None, len(text)
            yield value if isinstance(value, dict) else None
            end = FURTHER.match(text, end).end()  # type: ignore[union-attr]  # it matches anywhere
