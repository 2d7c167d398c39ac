"""Define the order of a training's rows."""

from collections.abc import Callable, Iterator, Sequence

from torch.utils.data import Sampler

from rag_instruct.files import digest

POOLED_GROUPS = 50  # groups of a pool: we cut the shuffled rows into pools, and sort each pool by length


class DeterministicSampler(Sampler[int]):
    """Orders an epoch's rows by seed and epoch number. If `group` > 0, puts `group` rows of similar length together.

    So a resumed training has the same order. The trainer's own sampler would not give this when it groups rows by
    length: it draws from torch's generator, whose state at the start of the epoch is lost when a training stops.
    """

    def __init__(self, lengths: Sequence[int], seed: str, group: int, epoch: Callable[[], int]) -> None:
        self._lengths, self._seed, self._group, self._epoch = lengths, seed, group, epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self._epoch()))

    def order(self, epoch: int) -> list[int]:
        """Return the indices of an epoch's rows in order."""
        rows = sorted(range(len(self)), key=lambda row: digest(self._seed, "order", epoch, row))
        if not self._group:
            return rows
        size = POOLED_GROUPS * self._group
        pools = [
            sorted(rows[start : start + size], key=self._lengths.__getitem__) for start in range(0, len(rows), size)
        ]
        groups = [pool[start : start + self._group] for pool in pools for start in range(0, len(pool), self._group)]
        mixed = sorted(range(len(groups)), key=lambda group: digest(self._seed, "groups", epoch, group))
        return [row for group in mixed for row in groups[group]]
