"""Texts within a page: JSON, compressed in blocks that the browser unpacks when they are looked at."""

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

LEVEL = 9


def block(value: Any) -> str:
    """`value` as JSON, deflated, in base64: what DecompressionStream("deflate") takes, and no markup can hide in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair is no UTF-8; within JSON's strings its escape is the same.
    packed = zlib.compress(text.encode("utf-8", "backslashreplace"), LEVEL)
    return base64.b64encode(packed).decode("ascii")


def blocks(values: Sequence[Any], size: int) -> Iterator[str]:
    """The values in blocks of `size`: value n is number n % size of block n // size."""
    for start in range(0, len(values), size):
        yield block(values[start : start + size])
