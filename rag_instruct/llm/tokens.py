"""Counts tokens with tiktoken or the model's own tokenizer, or else estimates them from the bytes."""

from collections.abc import Callable
from functools import lru_cache

from rag_instruct.files import dump
from rag_instruct.logs import logger

BYTES_A_TOKEN = 4  # for English in the usual vocabularies; other languages have more tokens

TokenCounter = Callable[[str], int]


@lru_cache
def counter(model: str, tokenizer: str | None = None) -> TokenCounter:
    """Return a function that counts tokens. Give `tokenizer` (hub id or folder) if tiktoken does not know the model."""
    try:
        return _of_transformers(tokenizer) if tokenizer else _of_tiktoken(model)
    except Exception as error:  # an unknown model, or a vocabulary that cannot be fetched
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:150]
        logger.info(
            "no tokenizer for %s (%s): token counts are estimated from %d bytes per token", model, why, BYTES_A_TOKEN
        )
        return lambda text: len(text.encode()) // BYTES_A_TOKEN + 1


def _of_tiktoken(model: str) -> TokenCounter:
    import tiktoken

    encoding = tiktoken.encoding_for_model(model)
    return lambda text: len(encoding.encode_ordinary(text))


def _of_transformers(tokenizer: str) -> TokenCounter:
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer)
    return lambda text: len(loaded.encode(text, add_special_tokens=False))


def prompt_tokens(request: dict[str, object], count: TokenCounter) -> int:
    """Count the tokens of the request as JSON. The provider's chat format has slightly fewer.

    For embeddings, only the texts count.
    """
    texts = request.get("input", dump(request))
    return sum(map(count, texts)) if isinstance(texts, list) else count(str(texts))
