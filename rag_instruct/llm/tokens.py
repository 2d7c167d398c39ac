"""How many tokens a text has: by tiktoken or the model's own tokenizer, or else by a rule of thumb."""

from collections.abc import Callable
from functools import lru_cache

from rag_instruct.files import dump
from rag_instruct.logs import logger

BYTES_A_TOKEN = 4  # of English in the usual vocabularies; other languages have more tokens

TokenCounter = Callable[[str], int]


@lru_cache
def counter(model: str, tokenizer: str | None = None) -> TokenCounter:
    """A function that counts tokens for `model`; `tokenizer` (hub id or folder) is for models unknown to tiktoken."""
    try:
        return _of_transformers(tokenizer) if tokenizer else _of_tiktoken(model)
    except Exception as error:  # an unknown model, or a vocabulary that cannot be fetched
        why = str(error).strip().splitlines()[0][:150]
        logger.info("no tokenizer for %s (%s): tokens are estimated, %d bytes each", model, why, BYTES_A_TOKEN)
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
    """Tokens of a request as JSON, which are a little more than the provider charges for its chat format."""
    return count(dump(request))
