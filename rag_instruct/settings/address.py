"""The address of an endpoint, as a user writes it."""

import re
from urllib.parse import urlsplit

EXAMPLE = "such as http://localhost:8000/v1"


def address_fault(address: str) -> str:
    """Return what is wrong with an endpoint's address, with the remedy, or "" if requests can be sent there."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is no address ({error}): write one {EXAMPLE}"
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", address):
        return f"begin the address with http:// or https://, {EXAMPLE}"
    if parts.username or parts.password:
        return "leave name and password out: a key belongs in the environment variable that `key_variable` names"
    if re.search("/completions/?$", parts.path):
        return "leave `/chat/completions` out: the workflow adds it"
    if parts.fragment:
        return "leave `#` and what follows out"
    return ""
