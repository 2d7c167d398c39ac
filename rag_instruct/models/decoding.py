"""How a model under test decodes."""

import argparse
from typing import NamedTuple, Self

DECODINGS: dict[str, dict[str, float]] = {"greedy": {}, "paper": {"temperature": 0.5, "top_p": 0.9}}


class Decoding(NamedTuple):
    """How answers are generated; temperature 0 is greedy."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Self:
        """The settings among a script's arguments."""
        return cls(arguments.max_new_tokens, **DECODINGS[arguments.decoding])

    def sampling(self) -> dict[str, float]:
        """As an endpoint is told."""
        return {"temperature": self.temperature, **({"top_p": self.top_p} if self.temperature else {})}
