"""Cut passages and queries into the terms that a search by words compares."""

from functools import lru_cache

from rag_instruct.words import STOP, fold, stem


def terms(text: str) -> list[str]:
    """Return the terms of a text, in its order: the roots of its words, without case, accents and punctuation."""
    return [root for chunk in text.split() for root in chunk_terms(chunk)]


def chunk_terms(chunk: str) -> list[str]:
    """Return the terms of a chunk, which is a piece of text without blanks. A chunk may have several words."""
    return [root for root, _ in _roots(chunk)]


def query_terms(text: str) -> list[str]:
    """Return the terms of a query without stop words. If the query has only stop words, return them.

    Most passages have stop words. So stop words say little about a passage, and a search for them is slow.
    """
    roots = [pair for chunk in text.split() for pair in _cached_roots(chunk)]
    return [root for root, is_stop_word in roots if not is_stop_word] or [root for root, _ in roots]


def _roots(chunk: str) -> tuple[tuple[str, bool], ...]:
    """Return the root of each word of a chunk, and whether the word is a stop word."""
    return tuple((stem(word), word in STOP) for word in fold(chunk).split())


_cached_roots = lru_cache(maxsize=1 << 16)(_roots)  # the chunks of queries repeat
