"""The settings of requests for vectors to an endpoint. Rules import this module, so it does not load the client."""

import json
from typing import Any, NamedTuple


class EndpointEncoderSettings(NamedTuple):
    """The endpoint that makes vectors, and the settings of its requests. Queries and passages have separate settings.

    Args:
        teacher: key of `teachers` in config.yaml
        prefix: text before every text
        parameters: parameters of each request, as JSON
        normalize: scale vectors to length 1
        dimension: keep only this many numbers of a vector; the model must be trained for shorter vectors (Matryoshka)
    """

    teacher: str
    prefix: str = ""
    parameters: str = "{}"
    normalize: bool = False
    dimension: int | None = None

    @classmethod
    def of(cls, encoder: dict[str, Any], kind: str) -> "EndpointEncoderSettings":
        """Return the settings of an encoder in config.yaml for a kind of text, `query` or `passage`."""
        parameters = json.dumps(encoder.get(f"{kind}_parameters", {}), sort_keys=True)
        prefix = encoder.get(f"{kind}_prefix", "")
        return cls(encoder["teacher"], prefix, parameters, encoder["normalize"], encoder.get("dimension"))
