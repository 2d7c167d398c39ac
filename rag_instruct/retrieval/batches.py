"""Run a model on tokenized texts in batches, so that the other texts and the number of threads change no bit."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import numpy as np
import torch

from rag_instruct.threads import torch_threads

ROWS = {"cpu": 8, "cuda": 128}  # texts of a batch
LENGTH_STEP = 32  # texts are padded to a multiple of this number of tokens, but at most to max_length


def device() -> str:
    """Return the device that models run on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def computed(
    lengths: Sequence[int],
    longest: int,
    compute: Callable[[list[int], int], np.ndarray],
    results: np.ndarray,
    counter: Any,
) -> None:
    """Fill `results`, one entry for each text, by `compute(numbers, length)`.

    `lengths` are the texts' numbers of tokens. `compute` gets the numbers of at most ROWS texts, and the length to
    which it pads them. Batches run in parallel on all of this process's threads. Each is computed by one thread of
    torch, because more threads would change the rounding.
    """
    where = device()
    workers = torch.get_num_threads() if where == "cpu" else 1
    batches = list(_batches(lengths, ROWS[where], longest))
    with torch_threads(1 if where == "cpu" else workers), ThreadPoolExecutor(workers) as threads:
        found = threads.map(lambda batch: compute(*batch), batches)
        for (numbers, _), values in zip(batches, found, strict=True):
            results[numbers] = values
            counter.update(len(numbers))


def filled(numbers: list[int]) -> list[int]:
    """Return the numbers of a full batch: copies of the first text fill the missing rows."""
    return numbers + [numbers[0]] * (ROWS[device()] - len(numbers))


def _batches(lengths: Sequence[int], rows: int, longest: int) -> Iterator[tuple[list[int], int]]:
    """Group texts of equal padded length: yield their numbers, and this length. The longest texts come first."""

    def padded(number: int) -> int:
        return min(-(-lengths[number] // LENGTH_STEP) * LENGTH_STEP, longest)

    order = sorted(range(len(lengths)), key=padded, reverse=True)
    for length, group in groupby(order, key=padded):
        numbers = list(group)
        for start in range(0, len(numbers), rows):
            yield numbers[start : start + rows], length
