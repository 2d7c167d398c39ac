"""Writes the patterns of a request so that servers' grammar compilers accept them."""

import re
from functools import lru_cache
from typing import Any

from rag_instruct.llm.segments import Request

MOST_REPETITIONS = 128  # xgrammar, vLLM's default compiler, fails on more
PART = re.compile(
    r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}\??|.", re.S
)  # a character, a class or a repetition
REPETITION = re.compile(r"\{(\d+)(,?)(\d*)\}\??")


def compilable(request: Request) -> Request:
    """Return the request with patterns that mean the same, and repeat nothing more than MOST_REPETITIONS times."""
    form = request.get("response_format")
    return {**request, "response_format": _bounded(form)} if form else request


def _bounded(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bounded(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: bounded_pattern(value) if key == "pattern" and isinstance(value, str) else _bounded(value)
        for key, value in schema.items()
    }


@lru_cache(maxsize=10_000)
def bounded_pattern(pattern: str) -> str:
    """Return a pattern for the same texts in which no repetition exceeds MOST_REPETITIONS."""
    parts: list[str] = []
    groups: list[int] = []  # where in `parts` the open groups begin
    for part in PART.findall(pattern):
        if part == ")" and groups:
            start = groups.pop()
            parts[start:] = ["".join(parts[start:]) + ")"]
        elif (found := REPETITION.fullmatch(part)) and parts:
            least, most = int(found[1]), int(found[3] or 0) if found[2] else int(found[1])
            if max(least, most) > MOST_REPETITIONS:
                parts[-1] = _repeated(parts[-1], least, most if found[3] or not found[2] else None)
            else:
                parts.append(part)
        else:
            groups += [len(parts)] if part == "(" else []
            parts.append(part)
    return "".join(parts)


def _repeated(atom: str, least: int, most: int | None) -> str:
    """Return a pattern for `atom` repeated `least` to `most` times, without a repetition above MOST_REPETITIONS.

    A text matches it in one way only. With {5,128}{0,42}, a decoder would have to follow many ways at once.
    """
    if max(least, most or 0) <= MOST_REPETITIONS:
        return f"{atom}{{{least},{'' if most is None else most}}}"
    block = f"{atom}{{{MOST_REPETITIONS}}}"
    rest = _repeated(atom, max(0, least - MOST_REPETITIONS), None if most is None else most - MOST_REPETITIONS)
    if least >= MOST_REPETITIONS:
        return block + rest
    return f"({atom}{{{least},{MOST_REPETITIONS - 1}}}|{block}{rest})"
