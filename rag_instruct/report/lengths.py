"""Count the rows' tokens, and what training drops from rows above its limit."""

from collections.abc import Callable, Sequence
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.llm.tokens import BYTES_A_TOKEN
from rag_instruct.logs import logger, progress
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.training.recipe import Recipe
from rag_instruct.training.rows import Renderer, Row, shortened

ESTIMATED = f"estimated, {BYTES_A_TOKEN} bytes a token"

Length = Callable[[Row, list[str]], int]  # counts the tokens of a row with these documents
# The length, whether a row contains control tokens, and the name of the tokenizer.
Measures = tuple[Length, Callable[[Row], bool], str]


def lengths(rows: Sequence[Row], recipe: Recipe, seed: str, estimate: bool = False) -> dict[str, Any]:
    """Return the rows' tokens with all documents, and how many rows training would shorten or leave out.

    With `estimate`, tokens are estimated from bytes, which needs neither a tokenizer nor the network.
    """
    length, has_control_token, tokenizer = ESTIMATE if estimate else _measures_of(recipe, seed)
    found = [length(row, row["documents"]) for row in progress(rows, "counting tokens", len(rows))]
    over = [row for row, tokens in zip(rows, found, strict=True) if tokens > recipe.max_length]
    dropped = [_dropped(row, recipe.max_length, length) for row in progress(over, "fitting rows", len(over))]
    return {
        "tokenizer": tokenizer,
        "limit": recipe.max_length,
        "over": len(over),
        "too_long": dropped.count(None),
        "control_tokens": sum(map(has_control_token, rows)),
        "noise_documents_dropped": sum(count or 0 for count in dropped),
        "tokens": dict(zip((row["id"] for row in rows), found, strict=True)),
    }


def _measures_of(recipe: Recipe, seed: str) -> Measures:
    """Return the measures of the recipe's tokenizer, or the estimate if the tokenizer cannot be loaded."""
    try:
        renderer = Renderer(load_tokenizer(recipe.model, recipe.revision), recipe.max_length, seed)
    except UserError as error:
        logger.warning("the number of tokens is %s: %s", ESTIMATED, error)
        return ESTIMATE
    return renderer.length, renderer.has_control_token, recipe.model


def _estimate(row: Row, documents: list[str]) -> int:
    texts = [row["question"], row["answer"], *documents]
    return sum(len(text.encode("utf-8", "replace")) for text in texts) // BYTES_A_TOKEN + 1


ESTIMATE: Measures = (_estimate, lambda row: False, ESTIMATED)


def _dropped(row: Row, limit: int, length: Length) -> int | None:
    """Return how many noise documents training drops, or None if the row does not fit even without noise."""
    fitting = (dropped for dropped, kept in enumerate(shortened(row)) if length(row, kept) <= limit)
    return next(fitting, None)
