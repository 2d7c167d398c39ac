"""Measure how different the questions are: opening words, near duplicates, and a map of the embeddings."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rag_instruct.logs import progress
from rag_instruct.near_duplicates import NearDuplicates
from rag_instruct.words import fold

LIKENESS = (0.9, 0.7)  # thresholds of near duplicates: Jaccard similarity of word pairs
SIDE = 1000  # largest coordinate of the map
DEPTH, WIDTH = 3, 12  # tree of opening words: the most words of a path, the most branches after a word
LEAST = 0.004  # the smallest branch, as a share of all questions


def diversity(questions: Sequence[str]) -> dict[str, Any]:
    """Return numbers of distinct questions, openings and near duplicates.

    It also returns the share of distinct word pairs and the median length in words.
    """
    words = [fold(question).split() for question in questions]
    pairs = [pair for one in words for pair in pairwise(one)]
    return {
        "distinct": len({" ".join(one) for one in words}),
        "distinct_pairs": len(set(pairs)) / max(len(pairs), 1),
        "words": float(np.median([len(one) for one in words])) if words else 0.0,
        "openings": len({tuple(one[:2]) for one in words}),
        "alike": {threshold: _alike(questions, threshold) for threshold in LIKENESS},
    }


def _alike(questions: Sequence[str], threshold: float) -> int:
    """Return how many questions are similar to an earlier question."""
    known = NearDuplicates(threshold)
    each = progress(questions, f"questions alike by {threshold}", len(questions))
    found = [known.find_or_add(str(number), question) for number, question in enumerate(each)]
    return len(found) - found.count(None)


def opening_words(questions: Sequence[str]) -> list[dict[str, Any]]:
    """Return the tree of the questions' first words, the most frequent first. Rare words share one branch."""
    return _branches([tuple(fold(question).split()[:DEPTH]) for question in questions], (), len(questions))


def _branches(openings: Sequence[tuple[str, ...]], before: tuple[str, ...], total: int) -> list[dict[str, Any]]:
    depth = len(before)
    longer = [opening for opening in openings if len(opening) > depth]
    counts = Counter(opening[depth] for opening in longer)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WIDTH]
    found: list[dict[str, Any]] = []
    for word, count in frequent:
        if count / total >= LEAST:
            path = (*before, word)
            inner = [opening for opening in longer if opening[depth] == word] if depth + 1 < DEPTH else []
            found.append({"word": word, "path": " ".join(path), "count": count, "in": _branches(inner, path, total)})
    rest = len(longer) - sum(branch["count"] for branch in found)
    return [*found, *([{"word": "", "path": "", "count": rest, "in": []}] if rest and depth < DEPTH else [])]


def flat_map(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the map's coordinates (n, 2) of vectors (n, d), from 0 to SIDE, and the share of variance that it shows.

    The axes are the first two principal components. The largest weight of each axis is positive, so that the same
    vectors always give the same map. Vectors of one dimension get a second one, of zeros.
    """
    vectors = np.pad(vectors, ((0, 0), (0, max(0, 2 - vectors.shape[1]))))
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    main = axes[:, -1:-3:-1]
    main = main * np.sign(main[np.abs(main).argmax(axis=0), range(main.shape[1])])
    places = centred @ main
    span = np.maximum(np.ptp(places, axis=0).max(), 1e-12)
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    share = variances[-2:].sum() / max(variances.sum(), 1e-12)
    return np.rint(SIDE * ((places - middle) / span + 0.5)).astype(int), float(share)
