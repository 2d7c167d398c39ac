"""Define the order of a training's rows."""

from collections.abc import Callable, Iterator, Sequence

from torch.utils.data import Sampler

from rag_instruct.files import digest

POOLED_GROUPS = 50  # rows are sorted by length within pools of this many groups


class DeterministicSampler(Sampler[int]):
    """Orders an epoch's rows by the seed, the epoch's number and, with `group`, the rows' lengths.

    So a resumed training has the same order. For rows of similar length, the trainer's own sampler draws from
    torch's generator, whose state at the start of the epoch is lost when the training stops.
    """

    def __init__(self, lengths: Sequence[int], seed: str, group: int, epoch: Callable[[], int]) -> None:
        self._lengths, self._seed, self._group, self._epoch = lengths, seed, group, epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self._epoch()))

    def order(self, epoch: int) -> list[int]:
        """Return the indices of an epoch's rows in order. If `group` > 0, rows of similar length form groups."""
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
