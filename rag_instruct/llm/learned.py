"""Learns from a model's answers how many tokens its requests have, and how long its answers are."""

from math import ceil

from rag_instruct.files import dump
from rag_instruct.llm.segments import Request, wants_vectors
from rag_instruct.llm.usage import Usage, count_of, tokens_in

HEAD = 100  # tokens that a chat template adds to a short prompt, at most
MARGIN = 1.1  # reservations exceed the most that was seen by this factor
SLACK = 8  # tokens by which an answer may exceed its limit without being called too long


class Learned:
    """The most tokens per byte of a request, and the longest answer as a multiple of its limit, as answers show.

    Before the first answer, a byte of the prompt counts as a token: no tokenizer makes more of them.
    """

    def __init__(self) -> None:
        self.prompt: float | None = None
        self.answer = 1.0

    def note(self, request: Request, usage: Usage | None) -> None:
        """Learn from the usage that a provider reported."""
        tokens = tokens_in(usage)
        if tokens["prompt"]:
            self.prompt = max(self.prompt or 0.0, tokens["prompt"] / size(request))
        if (limit := room(request)) and tokens["completion"] > limit + SLACK:
            self.answer = max(self.answer, tokens["completion"] / limit)

    def most_prompt(self, request: Request) -> int:
        """Return the most tokens that a prompt is expected to have."""
        head = 0 if wants_vectors(request) else HEAD
        return size(request) + head if self.prompt is None else ceil(size(request) * self.prompt * MARGIN)

    def most_answer(self, request: Request) -> int:
        """Return the most tokens that an answer is expected to have."""
        return room(request) if self.answer == 1.0 else ceil(room(request) * self.answer * MARGIN)


def room(request: Request) -> int:
    """Return the most answer tokens of a request. `n` asks for several answers, and all are charged."""
    limit = max(count_of(request.get(name)) for name in ("max_tokens", "max_completion_tokens"))
    return limit * max(1, count_of(request.get("n")))


def said(request: Request) -> int:
    """Return the bytes of a request's messages, without its parameters and its schema."""
    texts = (message.get("content") for message in request.get("messages", []))
    return sum(len(text.encode("utf-8", "replace")) for text in texts if isinstance(text, str))


def size(request: Request) -> int:
    """Return the bytes of a request; for embeddings, those of its texts."""
    return len(dump(request["input"] if wants_vectors(request) else request).encode("utf-8", "replace"))
