"""Where a model is reached, and how, as config.yaml says under `teachers`."""

import os
from dataclasses import dataclass, field
from typing import Any, Self

from rag_instruct.errors import UserError
from rag_instruct.jobs import missing_key
from rag_instruct.llm.segments import Request


@dataclass(frozen=True)
class Endpoint:
    """One OpenAI-compatible server. The key stays in the environment; only its variable's name is known."""

    base_url: str
    key_variable: str | None = None
    weight: float = 1.0  # its share of the requests, where there are several
    model: str | None = None  # the model's name there, where it differs

    def key(self) -> str:
        """The key from the environment; a UserError names a variable that is not set."""
        if missing_key(self.key_variable):
            raise UserError(
                f"the environment variable {self.key_variable} is not set, {self.base_url} needs it: "
                f"export {self.key_variable}=..., or choose another teacher in config.yaml"
            )
        return os.environ.get(self.key_variable or "", "") or "no key"


def without_key(text: str, variable: str | None) -> str:
    """The text of an endpoint without the key, which it may repeat: the text goes into logs and into the store."""
    key = os.environ.get(variable or "")
    return text.replace(key, f"<{variable}>") if key else text


@dataclass(frozen=True)
class TeacherModel:
    """A model with the endpoints that serve it, and their limits; rag_instruct.settings.asked explains each."""

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
        """From config.yaml's settings; `base_url` is the address of its `server`, once that runs."""
        given = {
            key: value for key, value in settings.items() if key in cls.__dataclass_fields__ and key != "endpoints"
        }
        places = settings.get("endpoints") or [
            {"base_url": base_url or settings["base_url"], "key_variable": settings.get("key_variable")}
        ]
        return cls(endpoints=tuple(Endpoint(**place) for place in places), **given)

    def request(self, body: Request) -> Request:
        """The whole request: `body` with the model and its sampling. The store's key is made of it."""
        request = {"model": self.model, **body, **self.sampling}
        if self.reasoning_tokens:
            request["max_tokens"] += self.reasoning_tokens
        return request

    @property
    def in_flight(self) -> int:
        """Requests that a job asks at a time; in batches, practically all."""
        return 100_000 if self.batch else self.concurrency
