"""Find texts that share most of their word pairs. MinHash finds candidates, and the Jaccard index decides."""

from itertools import pairwise
from typing import Any

from rensa import RMinHash, RMinHashLSH

from rag_instruct.words import fold

PERMUTATIONS = 128  # hashes in a MinHash
SEED = 1
MISSED = 1e-3  # largest share of text pairs that MinHash may miss when their likeness is exactly the threshold


class NearDuplicates:
    """Remembers texts, and finds the earliest one that is similar to a new text."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._index: Any = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=bands(threshold))
        self._keys: list[str] = []
        self._texts: list[str] = []

    def find_or_add(self, key: str, text: str) -> str | None:
        """Return the key of the earliest similar text. If there is none, remember `text` and return None."""
        mine = shingles(text)
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
        sketch.update(list(mine))
        numbers: list[int] = sorted(self._index.query(sketch))
        for number in numbers:
            if _jaccard(mine, shingles(self._texts[number])) >= self._threshold:
                return self._keys[number]
        self._index.insert(len(self._keys), sketch)
        self._keys.append(key)
        self._texts.append(text)
        return None


def bands(threshold: float) -> int:
    """Return the smallest number of bands that misses at most MISSED of the pairs at the threshold."""
    counts = [1 << power for power in range(PERMUTATIONS.bit_length())]
    return next(
        (count for count in counts if (1 - threshold ** (PERMUTATIONS // count)) ** count <= MISSED), PERMUTATIONS
    )


def shingles(text: str) -> set[str]:
    """Return the pairs of adjacent words, or the words themselves if the text is too short for pairs."""
    words = fold(text).split()
    return {" ".join(pair) for pair in pairwise(words)} or set(words)


def _jaccard(mine: set[str], theirs: set[str]) -> float:
    return len(mine & theirs) / max(len(mine | theirs), 1)
