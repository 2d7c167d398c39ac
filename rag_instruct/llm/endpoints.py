"""A model and its endpoints, as `teachers` in config.yaml describes them."""

import os
from dataclasses import dataclass, field
from typing import Any, Self

from rag_instruct.errors import UserError
from rag_instruct.jobs import missing_key
from rag_instruct.llm.segments import Request


@dataclass(frozen=True)
class Endpoint:
    """One OpenAI-compatible server. The object holds the name of the key's environment variable, not the key."""

    base_url: str
    key_variable: str | None = None
    weight: float = 1.0  # its share of the requests, if there are several endpoints
    model: str | None = None  # the model's name at this endpoint, if different

    def key(self) -> str:
        """Return the key from the environment. Raise UserError if its variable is not set."""
        if missing_key(self.key_variable):
            raise UserError(
                f"the environment variable {self.key_variable} is not set, and {self.base_url} needs it: "
                f"export {self.key_variable}=..., or choose another teacher in config.yaml"
            )
        return os.environ.get(self.key_variable or "", "") or "no key"


def without_key(text: str, variable: str | None) -> str:
    """Replace the key in an endpoint's text: the endpoint may repeat it, and the text goes into logs and the store."""
    key = os.environ.get(variable or "")
    return text.replace(key, f"<{variable}>") if key else text


@dataclass(frozen=True)
class TeacherModel:
    """A model, its endpoints and their limits. `rag_instruct.settings.asked` explains each field."""

    model: str
    endpoints: tuple[Endpoint, ...]
    sampling: dict[str, Any] = field(default_factory=dict)
    reasoning_tokens: int = 0
    concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 120.0
    attempts: int = 6
    batch: bool = False
    poll_seconds: float = 60.0
    tokenizer: str | None = None

    @classmethod
    def of(cls, settings: dict[str, Any], base_url: str | None = None) -> Self:
        """Return the model of a teacher's settings. `base_url` is the address of its running `server`, if any."""
        given = {
            key: value for key, value in settings.items() if key in cls.__dataclass_fields__ and key != "endpoints"
        }
        endpoints = settings.get("endpoints") or [
            {"base_url": base_url or settings["base_url"], "key_variable": settings.get("key_variable")}
        ]
        return cls(endpoints=tuple(Endpoint(**endpoint) for endpoint in endpoints), **given)

    def request(self, body: Request) -> Request:
        """Return the whole request: `body`, the model and its sampling, with `reasoning_tokens` added to `max_tokens`.

        The request key in the store depends on all of them.
        """
        request = {"model": self.model, **body, **self.sampling}
        if self.reasoning_tokens:
            request["max_tokens"] += self.reasoning_tokens
        return request

    @property
    def in_flight(self) -> int:
        """How many requests a job has in flight; with batches, practically all."""
        return 100_000 if self.batch else self.concurrency
