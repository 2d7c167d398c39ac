"""How a model under test chooses its tokens."""

from typing import Literal, NamedTuple, Self

Name = Literal["greedy", "paper"]
DECODINGS: dict[Name, dict[str, float]] = {"greedy": {}, "paper": {"temperature": 0.5, "top_p": 0.9}}


class Decoding(NamedTuple):
    """How answers are generated; temperature 0 is greedy."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0

    @classmethod
    def of(cls, max_new_tokens: int, name: Name) -> Self:
        """Return the named way of decoding, for answers of at most so many tokens."""
        return cls(max_new_tokens, **DECODINGS[name])

    def sampling(self) -> dict[str, float]:
        """Return the settings as the parameters of a request."""
        return {"temperature": self.temperature, **({"top_p": self.top_p} if self.temperature else {})}
