"""Reads the streams of completions that some gateways send although nobody asked for one."""

import json
from typing import Any


def streamed(content: bytes) -> dict[str, Any] | None:
    """Return the completion whose pieces a stream of events sends. Return None if it is no stream, or has no end."""
    text, finish, whole = "", None, False
    found: dict[str, Any] = {}
    for line in content.splitlines():
        said = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
        if said == b"[DONE]":
            whole = True
        elif said:
            try:
                event = json.loads(said, strict=False)
                choice = (event.get("choices") or [{}])[0]
                piece = (choice.get("delta") or choice.get("message") or {}).get("content") or ""
                text += piece
                finish = choice.get("finish_reason") or finish
            except (ValueError, RecursionError, AttributeError, TypeError, LookupError):
                return None
            if event.get("error"):
                return {"error": event["error"], **found}
            found |= {name: event[name] for name in ("model", "usage") if event.get(name)}
    if not (finish or (whole and text)):
        return None
    return {**found, "choices": [{"message": {"content": text}, "finish_reason": finish}]}
