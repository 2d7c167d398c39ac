"""Pack texts for a page as compressed blocks of JSON, which the browser unpacks on demand."""

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

LEVEL = 9  # zlib's best compression


def block(value: Any) -> str:
    """Return `value` as zlib-compressed JSON in base64. The browser reads it with DecompressionStream("deflate")."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate cannot be encoded in UTF-8. Its escape \udXXX means the same in a JSON string.
    packed = zlib.compress(text.encode("utf-8", "backslashreplace"), LEVEL)
    return base64.b64encode(packed).decode("ascii")


def blocks(values: Sequence[Any], size: int) -> Iterator[str]:
    """Yield the values in blocks of `size`. Value n is element n % size of block n // size."""
    for start in range(0, len(values), size):
        yield block(values[start : start + size])
