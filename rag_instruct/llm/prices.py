"""Prices of tokens, from a dated file that users can edit."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from rag_instruct.settings import asked
from rag_instruct.settings.explain import read_section
from rag_instruct.settings.section import Section


class Price(asked.Price):
    """Dollars for a million tokens. `batch` is the share of this price that a request in a batch costs."""

    def dollars(self, tokens: Mapping[str, int], batch: bool = False) -> float:
        """Return the price of `prompt` and `completion` tokens. `prompt` includes the `cached` tokens."""
        cached = tokens.get("cached", 0)
        paid = (tokens.get("prompt", 0) - cached) * self.input + tokens.get("completion", 0) * self.output
        paid += cached * (self.input if self.cached_input is None else self.cached_input)
        return paid / 1e6 * ((0.5 if self.batch is None else self.batch) if batch else 1)


FREE = Price(input=0, output=0)
ADD_PRICE = "give the teacher a `price` in config.yaml, or add the model to the price file"


class Prices(Section):
    """The prices of a file, and the day on which they were valid."""

    date: Annotated[str, BeforeValidator(str)] = Field(description="The day on which the models had these prices.")
    models: dict[str, Price] = Field(description="Prices by model, in dollars for a million tokens.")

    def of(self, model: str) -> Price | None:
        """Return the price of `model`, or None. A dated version (gpt-4o-2024-08-06) has the price of its model."""
        undated = re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{8})$", "", model)
        return self.models.get(model) or self.models.get(undated)


def load_prices(path: Path) -> Prices:
    """Read and check a price file. A UserError names the file and the wrong key."""
    return read_section(Prices, path)
