"""Tells what an endpoint's response means: a reply, a failure to retry, a final refusal, or an error for the user."""

import json
from typing import Any

import httpx2

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import KEPT
from rag_instruct.llm.endpoints import without_key
from rag_instruct.llm.segments import Reply, Usage

ENDED = (None, "eos_token", "stop_sequence", "end_turn")  # other servers' words for "stop"
NO_CREDIT = "insufficient_quota"  # marks a 429 that no retry can help; other 429s are limits per minute
# Codes and words by which OpenAI, Azure and vLLM refuse a single request.
REFUSED = ("context_length", "context length", "content_policy", "content_filter", "content management", "moderation")


class TransientError(Exception):
    """An attempt failed, and another attempt may succeed.

    `charged` says that the provider may charge for the failed attempt. `usage` is the charged usage, if known.
    """

    def __init__(self, message: str, charged: bool = False, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.charged, self.usage = charged, usage


class PermanentRefusal(Exception):
    """The endpoint will never answer this request."""


class BadRequestError(Exception):
    """The endpoint rejects the request. It may reject all others too: the response does not say."""


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the error in an unsuccessful response, as an object with a message."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        body = body.get("error") or body
    return body if isinstance(body, dict) and body else {"message": str(body or response.text)[:300]}


def raise_for(status: int, error: dict[str, Any], where: str, key_variable: str | None) -> None:
    """Raise TransientError, PermanentRefusal, BadRequestError or UserError, as an unsuccessful status requires."""
    message, code = (without_key(f"{error.get(name)}", key_variable)[:300] for name in ("message", "code"))
    if status in (408, 409, 429) or status >= 500:
        if NO_CREDIT in f"{code} {error.get('type')}":
            raise UserError(f"{where}: the account has no credit left ({message}); {KEPT}")
        raise TransientError(str(status))
    if status == 401:
        if not key_variable:
            raise UserError(f"{where} needs a key: give the teacher a `key_variable` in config.yaml; {KEPT}")
        raise UserError(f"{where} refuses the key in {key_variable}: check the key; {KEPT}")
    if status in (400, 413, 422) and any(word in f"{code} {message}".lower() for word in REFUSED):
        raise PermanentRefusal(f"{status} {code if error.get('code') else message[:80]}")
    complaint = f"{where} answered {status} ({message}); {KEPT}"
    raise BadRequestError(complaint) if status in (400, 413, 422) else UserError(complaint)


def reply_of(content: bytes) -> Reply:
    """Return the parts of a completion that the store keeps. Raise TransientError for a broken completion."""
    usage = None
    try:
        completion = json.loads(content)
        usage = completion.get("usage")
        choice = completion["choices"][0]
        message, finish = choice["message"], choice["finish_reason"]
        text, refusal = message.get("content") or "", message.get("refusal")
        f"{text}{refusal}".encode()  # raises ValueError for a lone surrogate, which no file can hold
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise TransientError("broken reply", charged=True, usage=usage) from error
    if "\ufffd" in text:  # servers put U+FFFD where they cut a character in two
        raise TransientError("broken reply", charged=True, usage=usage)
    return {
        "text": text,
        "refusal": refusal,
        "finish_reason": "stop" if finish in ENDED else finish,
        "usage": usage,
        "model": completion.get("model"),
    }
