"""Reads token counts as providers report them: as numbers, texts or nothing, under several names."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Usage = dict[str, Any]  # prompt_tokens, completion_tokens, cached tokens; `estimated: true` if we counted some

LONGEST_TOKEN = 128  # bytes of the longest tokens of common vocabularies, which are runs of spaces
MOST = 100_000_000  # a larger number is no token count: no model reads so much
# Names in small letters alone: servers write prompt_tokens, promptTokens and PromptTokens.
OWN_PROMPT = "prompttokens"
PROMPT = (OWN_PROMPT, "inputtokens", "prompttokencount", "inputtokencount")  # OpenAI, Anthropic, Google
COMPLETION = ("completiontokens", "outputtokens", "candidatestokencount", "outputtokencount")
TOTAL = ("totaltokens", "totaltokencount")
# Anthropic counts both beside `input_tokens`, and Bedrock beside `inputTokens`. Bedrock gives each under two names.
CACHE_WRITTEN = ("cachecreationinputtokens", "cachewriteinputtokens", "cachewriteinputtokencount")
CACHE_READ = ("cachereadinputtokens", "cachereadinputtokencount")
CACHED = ("promptcachehittokens", *CACHE_READ, "cachedtokens", "cachedcontenttokencount")  # DeepSeek first
REASONING = ("reasoningtokens", "thoughtstokencount")
PROMPT_DETAILS = ("prompttokensdetails", "inputtokensdetails")
COMPLETION_DETAILS = ("completiontokensdetails", "outputtokensdetails")


def count_of(value: Any) -> int:
    """Return a token count, rounded up; 0 if the value is not a plausible count."""
    if type(value) is int:  # nearly all are, and each answer has many
        return value if 0 < value <= MOST else 0
    if isinstance(value, str):
        try:
            value = float(value.replace(",", ""))
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
        total = _first(_by_name(usage), TOTAL)
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
    found = _by_name(usage)
    prompt, completion = _first(found, PROMPT), _first(found, COMPLETION)
    if not count_of(found.get(OWN_PROMPT)):
        prompt += _first(found, CACHE_WRITTEN) + _first(found, CACHE_READ)
    total = _first(found, TOTAL)
    if prompt:
        completion = max(completion, total - prompt)
    elif completion:
        prompt = max(0, total - completion)
    # Perplexity and Google count thoughts in addition to the answer's tokens. Counts in details are included already.
    if (beside := _first(found, REASONING)) > completion:
        completion += beside
    cached = _detail(found, PROMPT_DETAILS, CACHED) or _first(found, CACHED)
    hidden = _detail(found, COMPLETION_DETAILS, REASONING)
    return Counter(prompt=prompt, cached=min(cached, prompt), completion=max(completion, hidden))


def _by_name(usage: Any) -> dict[str, Any]:
    """Return the members by the letters of their names. If a server gives one twice, an empty one is left out."""
    found: dict[str, Any] = {}
    for name, value in usage.items() if isinstance(usage, Mapping) else ():
        letters = _letters(str(name))
        found[letters] = found.get(letters) or value
    return found


@lru_cache(maxsize=1000)
def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int:
    for name in names:
        if (value := usage.get(name)) is not None and (count := count_of(value)):
            return count
    return 0


def _detail(usage: Mapping[str, Any], wholes: tuple[str, ...], names: tuple[str, ...]) -> int:
    """Return a count among the details of the prompt or of the completion; `wholes` has their names."""
    for name in wholes:
        if (details := usage.get(name)) and (count := _first(_by_name(details), names)):
            return count
    return 0
