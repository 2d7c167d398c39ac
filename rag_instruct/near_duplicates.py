"""Find texts that share most of their word pairs. MinHash finds candidates, and the Jaccard index decides."""

from array import array
from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import Any

from rensa import RMinHash, RMinHashLSH

from rag_instruct.words import fold, has_other_scripts, share_of_word

PERMUTATIONS = 128  # hashes in a MinHash
SEED = 1
MISSED = 1e-3  # largest share of text pairs that MinHash may miss when their likeness is exactly the threshold


class NearDuplicates:
    """Remembers texts, and finds the earliest one that is similar to a new text."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._index: Any = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=bands(threshold))
        self._keys: list[str] = []
        self._hashes: list[array[int]] = []  # of the shingles of each text: they take less memory than the text

    def find_or_add(self, key: str, text: str) -> str | None:
        """Return the key of the earliest similar text. If there is none, remember `text` and return None."""
        found = shingles(text)
        mine = set(map(hash, found))
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
        sketch.update(list(found))
        numbers: list[int] = sorted(self._index.query(sketch))
        for number in numbers:
            if self._are_similar(mine, self._hashes[number]):
                return self._keys[number]
        self._index.insert(len(self._keys), sketch)
        self._keys.append(key)
        self._hashes.append(array("q", mine))
        return None

    def _are_similar(self, mine: set[int], theirs: "array[int]") -> bool:
        """Return whether the Jaccard index is at least the threshold. It is at most the quotient of the sizes."""
        less, more = sorted((len(mine), len(theirs)))
        if less / max(more, 1) < self._threshold:
            return False
        common = len(mine.intersection(theirs))
        return common / max(less + more - common, 1) >= self._threshold


def bands(threshold: float) -> int:
    """Return the smallest number of bands that misses at most MISSED of the pairs at the threshold."""
    counts = [1 << power for power in range(PERMUTATIONS.bit_length())]
    return next(
        (count for count in counts if (1 - threshold ** (PERMUTATIONS // count)) ** count <= MISSED), PERMUTATIONS
    )


def shingles(text: str) -> set[str]:
    """Return the pairs of adjacent words, or the words themselves if the text is too short for pairs.

    In scripts without spaces, as many characters as usually make two words count as a pair. With two characters, all
    questions of one form would be alike.
    """
    words = fold(text).split()
    if not has_other_scripts(text):
        return {" ".join(pair) for pair in pairwise(words)} or set(words)
    ends = [0.0, *accumulate(map(share_of_word, words))]
    pairs = ((start, bisect_left(ends, ends[start] + 2 - 1e-6)) for start in range(len(words)))
    return {" ".join(words[start:end]) for start, end in pairs if end < len(ends)} or set(words)
