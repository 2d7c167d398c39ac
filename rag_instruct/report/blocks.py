"""Texts within a page: JSON, compressed in blocks that the browser unpacks on demand."""

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

LEVEL = 9


def block(value: Any) -> str:
    """Return `value` as deflated JSON in base64, for DecompressionStream("deflate"). Base64 contains no markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair is not UTF-8. Its escape means the same in a JSON string.
    packed = zlib.compress(text.encode("utf-8", "backslashreplace"), LEVEL)
    return base64.b64encode(packed).decode("ascii")


def blocks(values: Sequence[Any], size: int) -> Iterator[str]:
    """Yield the values in blocks of `size`: value n is number n % size of block n // size."""
    for start in range(0, len(values), size):
        yield block(values[start : start + size])
