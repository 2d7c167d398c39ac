"""Learns from a model's answers how many tokens its requests have, and how long its answers are."""

import re
from math import ceil

from rag_instruct.files import dump
from rag_instruct.llm.segments import Request, wants_vectors
from rag_instruct.llm.usage import Usage, count_of, tokens_in

HEAD = 100  # tokens that a chat template adds to a short prompt, at most
MARGIN = 1.1  # reservations exceed the most that was seen by this factor
SLACK = 8  # tokens by which an answer may exceed its limit without being called too long
CHARACTERS_A_TOKEN = 8  # more than any text has on average: English has four to five
REPEATED = re.compile(r"(.)\1+", re.DOTALL)  # one token, such as a line of blanks or dots
WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af]")  # signs of Chinese, Japanese and Korean: a token has one or two


class Learned:
    """Estimates the most tokens of a request and of its answer, from the usage of earlier answers.

    Before the first answer, a byte of the prompt counts as a token: no prompt has more tokens than bytes.
    """

    def __init__(self) -> None:
        self.tokens_per_byte: float | None = None  # the most of any prompt so far
        self._tokens_per_limit = 1.0  # the most of any answer so far: above 1 if the endpoint exceeds `max_tokens`

    def note(self, request: Request, usage: Usage | None) -> None:
        """Learn from the usage that a provider reported."""
        tokens = tokens_in(usage)
        if tokens["prompt"]:
            self.tokens_per_byte = max(self.tokens_per_byte or 0.0, tokens["prompt"] / request_bytes(request))
        if (limit := answer_token_limit(request)) and tokens["completion"] > limit + SLACK:
            self._tokens_per_limit = max(self._tokens_per_limit, tokens["completion"] / limit)

    def most_prompt(self, request: Request) -> int:
        """Return the most tokens that a prompt is expected to have."""
        if self.tokens_per_byte is None:
            return request_bytes(request) + (0 if wants_vectors(request) else HEAD)
        return ceil(request_bytes(request) * self.tokens_per_byte * MARGIN)

    def most_answer(self, request: Request) -> int:
        """Return the most tokens that an answer is expected to have."""
        limit = answer_token_limit(request)
        return limit if self._tokens_per_limit == 1.0 else ceil(limit * self._tokens_per_limit * MARGIN)


def answer_token_limit(request: Request) -> int:
    """Return the most answer tokens of a request. `n` asks for several answers, and all are charged."""
    limit = max(count_of(request.get(name)) for name in ("max_tokens", "max_completion_tokens"))
    return limit * max(1, count_of(request.get("n")))


def message_bytes(request: Request) -> int:
    """Return the bytes of a request's messages, without its parameters and its schema."""
    texts = (message.get("content") for message in request.get("messages", []))
    return sum(len(text.encode("utf-8", "replace")) for text in texts if isinstance(text, str))


def may_be_cut(request: Request, usage: Usage | None) -> bool:
    """Return whether a provider counted far fewer tokens than the messages have, as if it had cut them.

    Ollama cuts a prompt that is longer than its context, and says nothing. Then it counts half of the context.
    """
    most = tokens_in(usage)["prompt"] * CHARACTERS_A_TOKEN
    if not 0 < most < message_bytes(request):
        return False
    text = "".join(text for message in request["messages"] if isinstance(text := message.get("content"), str))
    return most < len(REPEATED.sub(r"\1", text)) + 2 * len(WIDE.findall(text))


def request_bytes(request: Request) -> int:
    """Return the bytes of a request; for embeddings, those of its texts."""
    return len(dump(request["input"] if wants_vectors(request) else request).encode("utf-8", "replace"))
