"""Reads token counts as providers report them: as numbers, texts or nothing, under several names."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

Usage = dict[str, Any]  # prompt_tokens, completion_tokens, cached tokens; `estimated: true` if we counted some

LONGEST_TOKEN = 128  # bytes of the longest tokens of common vocabularies, which are runs of spaces
MOST = 100_000_000  # a larger number is no token count: no model reads so much
PROMPT = ("prompt_tokens", "input_tokens")  # OpenAI's name, Anthropic's name
COMPLETION = ("completion_tokens", "output_tokens")
BESIDE = ("cache_creation_input_tokens", "cache_read_input_tokens")  # Anthropic counts them beside `input_tokens`
CACHED = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")  # DeepSeek, Anthropic, vLLM


def count_of(value: Any) -> int:
    """Return a token count, rounded up; 0 if the value is not a plausible count."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST:
        return 0
    return math.ceil(value)


def normal_usage(usage: Any) -> Usage | None:
    """Return the provider's usage as whole numbers, or None if it has no count.

    Tokens that only the total contains are answer tokens: providers charge hidden reasoning as such. The prompt
    contains the cached tokens. If the provider counts prompt and answer together only, `total_tokens` is kept.
    """
    tokens = tokens_in(usage)
    if not tokens["prompt"] and not tokens["completion"]:
        total = count_of(usage.get("total_tokens")) if isinstance(usage, Mapping) else 0
        return {"total_tokens": total} if total else None
    found: Usage = {"prompt_tokens": tokens["prompt"], "completion_tokens": tokens["completion"]}
    if tokens["cached"]:
        found["prompt_tokens_details"] = {"cached_tokens": tokens["cached"]}
    return found


def plausible(usage: Usage | None, prompt: int, answer: int) -> Usage:
    """Return the usage, or an empty one if its counts are too low for so many bytes of messages and answer.

    Some servers count requests or thousands, or leave out what they had cached.
    """
    found = usage or {}
    sizes = {"prompt_tokens": prompt, "completion_tokens": answer}
    sizes["total_tokens"] = prompt + answer
    told = {name: found[name] for name in sizes if found.get(name)}
    return {} if any(value * LONGEST_TOKEN < sizes[name] for name, value in told.items()) else found


def tokens_in(usage: Any) -> Counter[str]:
    """Return `prompt`, `cached` and `completion` tokens. `prompt` includes the `cached` tokens."""
    if not isinstance(usage, Mapping):
        return Counter(prompt=0, cached=0, completion=0)
    prompt, completion = _first(usage, PROMPT), _first(usage, COMPLETION)
    if not count_of(usage.get("prompt_tokens")):
        prompt += sum(count_of(usage.get(name)) for name in BESIDE)
    hidden = _first(_details(usage, "completion_tokens_details"), ("reasoning_tokens",))
    total = count_of(usage.get("total_tokens"))
    if prompt:
        completion = max(completion, total - prompt)
    elif completion:
        prompt = max(0, total - completion)
    cached = _first(_details(usage, "prompt_tokens_details"), CACHED) or _first(usage, CACHED)
    return Counter(prompt=prompt, cached=min(cached, prompt), completion=max(completion, hidden))


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((count for name in names if (count := count_of(usage.get(name)))), 0)


def _details(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = usage.get(name)
    return found if isinstance(found, Mapping) else {}
