"""The order in which a training sees its rows."""

from collections.abc import Callable, Iterator, Sequence

from torch.utils.data import Sampler

from rag_instruct.files import digest

POOLED_GROUPS = 50  # groups whose rows are sorted by length together


class DeterministicSampler(Sampler[int]):
    """Order an epoch's rows by the seed and the epoch's number alone.

    The trainer's own samplers use a random generator, whose state a resumed training does not have.
    """

    def __init__(self, lengths: Sequence[int], seed: str, group: int, epoch: Callable[[], int]) -> None:
        self._lengths, self._seed, self._group, self._epoch = lengths, seed, group, epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self._epoch()))

    def order(self, epoch: int) -> list[int]:
        """Return the rows of an epoch in order; rows of similar length stand in groups of `group`, if it is above 0."""
        rows = sorted(range(len(self)), key=lambda row: digest(self._seed, "order", epoch, row))
        if not self._group:
            return rows
        pool = POOLED_GROUPS * self._group
        near = [
            sorted(rows[start : start + pool], key=self._lengths.__getitem__) for start in range(0, len(rows), pool)
        ]
        groups = [part[start : start + self._group] for part in near for start in range(0, len(part), self._group)]
        mixed = sorted(range(len(groups)), key=lambda group: digest(self._seed, "groups", epoch, group))
        return [row for group in mixed for row in groups[group]]
