"""Define how a model under test generates its answers: greedily, or with the paper's sampling."""

from typing import Literal, NamedTuple, Self

Name = Literal["greedy", "paper"]
DECODINGS: dict[Name, dict[str, float]] = {"greedy": {}, "paper": {"temperature": 0.5, "top_p": 0.9}}


class Decoding(NamedTuple):
    """The settings of generation. Temperature 0 means greedy."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0

    @classmethod
    def of(cls, max_new_tokens: int, name: Name) -> Self:
        """Return the decoding with this name, for answers of at most `max_new_tokens` tokens."""
        return cls(max_new_tokens, **DECODINGS[name])

    def sampling(self) -> dict[str, float]:
        """Return the sampling parameters of an API request."""
        return {"temperature": self.temperature, **({"top_p": self.top_p} if self.temperature else {})}
