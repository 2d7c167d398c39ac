"""Reads the vectors that an endpoint sends: lists of numbers, or base64 of little-endian float32."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np

FLOAT32 = np.dtype("<f4")


def vectors_in(body: Any, count: int) -> list[str] | None:
    """Return the vectors of a response to `count` texts as base64, in the order of the texts.

    Returns None unless there is exactly one vector for each text, and all have the same dimension and finite numbers.
    """
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        return None
    places = [one.get("index", number) for number, one in enumerate(data)]
    if any(type(place) is not int for place in places) or sorted(places) != list(range(count)):
        return None
    found = [_numbers(one.get("embedding")) for one in data]
    vectors = [vector for vector in found if vector is not None and vector.size and np.isfinite(vector).all()]
    if len(vectors) < count or len({vector.size for vector in vectors}) > 1:
        return None
    by_place = dict(zip(places, vectors, strict=True))
    return [base64.b64encode(by_place[place].tobytes()).decode() for place in range(count)]


def vector_of(text: str) -> np.ndarray:
    """Return a stored vector: float32, shape (d,)."""
    return np.frombuffer(base64.b64decode(text), FLOAT32)


def shares(tokens: int, sizes: Sequence[int]) -> list[int]:
    """Share tokens among texts by their sizes: whole numbers with the sum `tokens`, none of them 0 if possible."""
    least = int(tokens >= len(sizes))
    ends = np.floor((tokens - least * len(sizes)) * np.cumsum(sizes) / max(sum(sizes), 1)).astype(int)
    return [least + int(part) for part in np.diff(ends, prepend=0)]


def _numbers(embedding: Any) -> np.ndarray | None:
    try:
        if isinstance(embedding, str):
            return np.frombuffer(base64.b64decode(embedding, validate=True), FLOAT32)
        if not isinstance(embedding, list) or not all(type(number) in (int, float) for number in embedding):
            return None
        with np.errstate(over="ignore"):
            return np.asarray(embedding, np.float64).astype(FLOAT32)
    except (binascii.Error, ValueError, OverflowError):
        return None
