"""A model and its endpoints, as `teachers` in config.yaml describes them."""

import re
from dataclasses import dataclass, field
from typing import Any, Self

from rag_instruct.errors import UserError
from rag_instruct.jobs import key_in, missing_key
from rag_instruct.llm.answers import CORRECT
from rag_instruct.llm.door import Account, Outcome
from rag_instruct.llm.segments import Request, wants_vectors
from rag_instruct.settings.address import address_fault

# A key that no text contains by chance. Servers that need no key get words, such as EMPTY, none or 1.
SECRET = re.compile(r"(sk|hf|gsk|key|token)[-_].{4,}|.{16,}|(?=.*[0-9])(?=.*[A-Za-z]).{8,}")
SHORTEST = 5  # characters of a key that is looked for in an error
# Other keys count as whole words alone. JSON writes a line break as \\n, and an address a space as %20.
BEFORE = rb"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
AFTER = rb"(?![0-9A-Za-z])"
NOT_STARTED = "http://not-started.invalid"  # the address of a teacher's own server before a job starts it


@dataclass(frozen=True)
class Endpoint:
    """One OpenAI-compatible server. The object holds the name of the key's environment variable, not the key."""

    base_url: str
    key_variable: str | None = None
    weight: float = 1.0  # its share of the requests, if there are several endpoints
    model: str | None = None  # the model's name at this endpoint, if different

    def key(self) -> str:
        """Return the key from the environment, or "no key" for an endpoint that needs none.

        Raise UserError if the variable is not set, or if `base_url` is no address.
        """
        if fault := address_fault(self.base_url):
            raise UserError(f"base_url {self.base_url.rpartition('@')[2]}: {fault}")
        if missing_key(self.key_variable):
            raise UserError(
                f"the environment variable {self.key_variable} is not set, and {self.base_url} needs it: "
                f"export {self.key_variable}=..., or choose another teacher in config.yaml"
            )
        key = key_in(self.key_variable)
        if not key.isascii() or not key.isprintable():
            raise UserError(
                f"the environment variable {self.key_variable} has a line break or another character that no key "
                "contains: set it to the key alone"
            )
        return key or "no key"


def without_key(text: str, variable: str | None) -> str:
    """Replace the key in an endpoint's text: the endpoint may repeat it, and the text goes into logs and the store."""
    return bytes_without_key(text.encode("utf-8", "surrogatepass"), variable).decode("utf-8", "surrogatepass")


def bytes_without_key(content: bytes, variable: str | None, answered: bool = False) -> bytes:
    """Replace the key in an endpoint's response.

    An error may have repeated even a key that is a word. In an answer, such a word is the model's own.
    """
    key = key_in(variable)
    shown = f"<{variable}>".encode()
    if SECRET.fullmatch(key):
        return content.replace(key.encode(), shown)
    if answered or len(key) < SHORTEST:
        return content
    return re.sub(BEFORE + re.escape(key.encode()) + AFTER, shown, content)


def outcome_without_key(outcome: Outcome, variable: str | None) -> Outcome:
    """Replace the key in the words of an outcome: an error may come in a response or a file with answers."""
    words: dict[str, Any] = {
        name: without_key(getattr(outcome, name), variable) for name in ("said", "reason") if hasattr(outcome, name)
    }
    return outcome._replace(**words)


def account_error(name: str, variable: str | None, refused: Account) -> UserError:
    """Return the error for an account, a key or an address that the endpoint `name` refuses."""
    said = refused.said
    if refused.is_of_address:
        return UserError(f"{name} answered {said}: check `base_url` and `model` in config.yaml; {CORRECT}")
    if refused.status != 401:
        return UserError(
            f"{name} refuses the account ({said}): see the provider's page of credit and limits; {CORRECT}"
        )
    if not variable:
        return UserError(f"{name} needs a key: give the teacher a `key_variable` in config.yaml; {CORRECT}")
    return UserError(f"{name} refuses the key in {variable} ({said}): check the key; {CORRECT}")


@dataclass(frozen=True)
class TeacherModel:
    """A model, its endpoints and their limits. `rag_instruct.settings.asked` explains each field."""

    model: str
    endpoints: tuple[Endpoint, ...]
    name: str = ""  # the teacher's key in config.yaml, which has the price
    sampling: dict[str, Any] = field(default_factory=dict)
    reasoning_tokens: int = 0
    concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 120.0
    attempts: int = 6
    texts_a_request: int = 128
    batch: bool = False
    poll_seconds: float = 60.0
    tokenizer: str | None = None
    recorded: str | None = None

    @classmethod
    def of(cls, settings: dict[str, Any], base_url: str | None = None, name: str = "") -> Self:
        """Return the model of a teacher's settings. `base_url` is the address of its running `server`, if any."""
        given = {
            key: value for key, value in settings.items() if key in cls.__dataclass_fields__ and key != "endpoints"
        }
        endpoints = settings.get("endpoints") or [
            {
                "base_url": base_url or settings.get("base_url", NOT_STARTED),
                "key_variable": settings.get("key_variable"),
            }
        ]
        return cls(endpoints=tuple(Endpoint(**endpoint) for endpoint in endpoints), name=name, **given)

    def request(self, body: Request) -> Request:
        """Return the whole request: `body`, the model and its sampling, with `reasoning_tokens` added to `max_tokens`.

        The request key in the store depends on all of them.
        """
        request = {"model": self.model, **body, **self.sampling}
        if isinstance(request.get("max_tokens"), int) and not wants_vectors(body):
            request["max_tokens"] += self.reasoning_tokens
        return request

    @property
    def in_flight(self) -> int:
        """How many requests a job has in flight; with batches, practically all."""
        return 100_000 if self.batch else self.concurrency
