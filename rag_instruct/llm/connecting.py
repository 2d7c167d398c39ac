"""Opens HTTP clients that use the environment's proxies and certificates."""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai

from rag_instruct.errors import UserError

HERE = ("127.0.0.1", "localhost", "::1")
MOST_CONNECTIONS = 10_000


def http_client(addresses: Iterable[str], fast: bool = True) -> httpx2.AsyncClient:
    """Return a client for these addresses. Raise UserError if the environment's proxy or certificates cannot be used.

    `fast` sends openai's requests over aiohttp, because httpx2's pool is slow with hundreds of requests in flight.
    """
    # The environment's proxy cannot reach a server on this machine. Other endpoints of the same model may need it.
    here: dict[str, None] = dict.fromkeys(f"all://{f'[{host}]' if ':' in host else host}" for host in HERE)
    away = [address for address in addresses if urlsplit(address).hostname not in HERE]
    for address in away:
        _check_proxy(address)
    kind = openai.DefaultAioHttpClient if fast else openai.DefaultAsyncHttpxClient
    try:
        return kind(
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS),  # the default could be lower than our own limit
            trust_env=bool(away),
            mounts=here,  # None means no proxy
        )
    except ImportError as error:  # httpx2 prepares all proxies, also those that no address needs
        named = " and ".join(f"{name}_proxy" for name, url in getproxies().items() if url.startswith("socks"))
        raise UserError(f"{named} has a SOCKS proxy, which cannot be used for batches: unset the variable") from error
    except OSError as error:  # of SSL_CERT_FILE: an unreadable SSL_CERT_DIR raises no error
        if not (path := os.environ.get("SSL_CERT_FILE")):
            raise
        said = f"SSL_CERT_FILE={path}: the certificates cannot be read ({error.strerror}): correct the variable"
        raise UserError(said) from error


def _check_proxy(address: str) -> None:
    """Raise UserError if the environment has a SOCKS proxy for the address."""
    parts = urlsplit(address)
    proxies = getproxies()
    scheme = parts.scheme if proxies.get(parts.scheme) else "all"
    if proxies.get(scheme, "").startswith("socks") and not proxy_bypass(parts.hostname or ""):
        raise UserError(
            f"the environment variable {scheme}_proxy has a SOCKS proxy, which cannot be used for {address}: set "
            f"the variable to an HTTP proxy, or add {parts.hostname} to no_proxy"
        )
