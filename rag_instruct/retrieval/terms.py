"""Cut passages and queries into the terms that a search by words compares."""

from functools import lru_cache

from rag_instruct.words import STOP, fold, stem


def terms(text: str) -> list[str]:
    """Return the words of a text as roots, in their order, without case, accents and punctuation."""
    return [root for chunk in text.split() for root in chunk_terms(chunk)]


def chunk_terms(chunk: str) -> list[str]:
    """Return the terms between two blanks of a text. The terms of a text are those of its chunks."""
    return [root for root, _ in _roots(chunk)]


def query_terms(text: str) -> list[str]:
    """Return the terms of a query without stop words, because these are in most passages and cost the most time.

    A query of stop words alone keeps them.
    """
    roots = [pair for chunk in text.split() for pair in _kept_roots(chunk)]
    return [root for root, stops in roots if not stops] or [root for root, _ in roots]


def _roots(chunk: str) -> tuple[tuple[str, bool], ...]:
    """Return each word's root between two blanks, and whether it is a stop word."""
    return tuple((stem(word), word in STOP) for word in fold(chunk).split())


_kept_roots = lru_cache(maxsize=1 << 16)(_roots)  # the chunks of queries repeat
