"""Reads the streams of completions that some gateways send although nobody asked for one."""

import json
from typing import Any

BESIDE = ("refusal", "reasoning_content", "reasoning")  # members of a message beside its content


def streamed(content: bytes) -> dict[str, Any] | None:
    """Return the completion whose pieces a stream of events sends. Return None if it is no stream, or has no end."""
    message = dict.fromkeys(("content", *BESIDE), "")
    calls: dict[Any, str] = {}  # the arguments of each call of a tool
    finish, whole = None, False
    found: dict[str, Any] = {}
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines():
        said = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
        if said == b"[DONE]":
            whole = True
        elif said:
            try:
                event = json.loads(said, strict=False)
                choice = (event.get("choices") or [{}])[0]
                piece = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
                _add(piece, message, calls)
                usage = choice.get("usage") or (event.get("x_groq") or {}).get("usage")
                finish = choice.get("finish_reason") or finish
            except (ValueError, RecursionError, AttributeError, TypeError, LookupError):
                return None
            of_alibaba = event.get("code") and event.get("message") and not event.get("choices")
            if event.get("error") or of_alibaba:
                return {"error": event.get("error") or event, **found}
            found |= {"usage": usage} if usage else {}
            found |= {name: event[name] for name in ("model", "usage") if event.get(name)}
    if not (finish or (whole and (message["content"] or calls))):
        return None
    called = [{"function": {"arguments": arguments}} for arguments in calls.values()]
    return {**found, "choices": [{"message": {**message, "tool_calls": called}, "finish_reason": finish}]}


def _add(piece: dict[str, Any], message: dict[str, str], calls: dict[Any, str]) -> None:
    content = piece.get("content") or ""
    if isinstance(content, list):  # parts, of which Mistral's thoughts are no part of the answer
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    message["content"] += content
    for name in BESIDE:
        message[name] += piece[name] if isinstance(piece.get(name), str) else ""
    for call in piece.get("tool_calls") or ():
        calls[call.get("index")] = calls.get(call.get("index"), "") + (call["function"].get("arguments") or "")
