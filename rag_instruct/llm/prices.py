"""What tokens cost: a dated file that users can edit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from rag_instruct.errors import UserError
from rag_instruct.files import read_text

AMOUNT = {"type": "number", "minimum": 0}
PRICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["input", "output"],
    "properties": {"input": AMOUNT, "cached_input": AMOUNT, "output": AMOUNT, "batch": AMOUNT},
}
FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["date", "models"],
    "properties": {"date": {}, "models": {"type": "object", "additionalProperties": PRICE}},
}


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens; `batch` is the share of that price that a batch costs."""

    input: float
    output: float
    cached_input: float | None = None
    batch: float = 0.5

    def dollars(self, tokens: Mapping[str, int], batch: bool = False) -> float:
        """The price of prompt, cached (a part of prompt) and completion tokens."""
        cached = tokens.get("cached", 0)
        paid = (tokens.get("prompt", 0) - cached) * self.input + tokens.get("completion", 0) * self.output
        paid += cached * (self.input if self.cached_input is None else self.cached_input)
        return paid / 1e6 * (self.batch if batch else 1)


FREE = Price(0, 0)


@dataclass(frozen=True)
class Prices:
    """The prices of a file, and the day on which they were right."""

    date: str
    models: dict[str, Price]

    def of(self, model: str) -> Price | None:
        """The price of `model`, or None. A dated version (gpt-4o-2024-08-06) has the price of its model."""
        undated = re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{8})$", "", model)
        return self.models.get(model) or self.models.get(undated)


def load_prices(path: Path) -> Prices:
    """Read and check a price file; UserError names the file and the key that is wrong."""
    try:
        content: dict[str, Any] = yaml.safe_load(read_text(path))
        jsonschema.validate(content, FILE)
    except (yaml.YAMLError, jsonschema.ValidationError) as error:
        place = ".".join(map(str, getattr(error, "absolute_path", [])))
        raise UserError(f"{path}: {place} {getattr(error, 'message', error)}") from error
    return Prices(str(content["date"]), {model: Price(**price) for model, price in content["models"].items()})
