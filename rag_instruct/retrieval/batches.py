"""Run a model on tokenized texts in batches, so that the other texts and the number of threads change no bit."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import numpy as np
import torch

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.threads import torch_threads

ROWS = {"cpu": 8, "cuda": 128}  # texts of a batch
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LENGTH_STEP = 32  # texts are padded to a multiple of this number of tokens, but at most to max_length


def device() -> str:
    """Return the device that models run on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def number_type(precision: str, model: str) -> torch.dtype:
    """Return the number type of this name. Raises UserError for a name or a device without this type."""
    if precision not in PRECISIONS:
        raise UserError(f"{model}: precision {precision!r} is unknown: give one of {', '.join(PRECISIONS)}")
    found = PRECISIONS[precision]
    if found == torch.bfloat16 and device() == "cuda" and not torch.cuda.is_bf16_supported():
        raise UserError(f"{model}: this GPU has no bfloat16: set its `precision` to float32 in config.yaml")
    if found == torch.bfloat16 and device() == "cpu" and not fast_bfloat16():
        logger.warning("%s: this processor has no instructions for bfloat16, so float32 would be faster", model)
    return found


def refuse_length(model: Any, length: int, name: str, advised: int | None = None) -> None:
    """Raise UserError if the model has fewer positions than `length`.

    The message advises the length `advised`, such as that of sentence-transformers. If this is None or too long as
    well, it advises the model's limit.
    """
    table = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    if not isinstance(table, torch.nn.Embedding):
        return
    # RoBERTa's positions begin behind that of the padding.
    most = table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    if length > most:
        better = min(advised or most, most)
        raise UserError(
            f"{name} reads at most {most} tokens, and `max_length` is {length}: set `max_length: {better}` in "
            "config.yaml"
        )


def fast_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16 (AMX or AVX512-BF16)."""
    return any(torch.cpu.get_capabilities().get(name, False) for name in ("amx_bf16", "avx512_bf16", "arm_bf16"))


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
    """Yield groups of texts of the same padded length: their numbers and this length. The longest texts come first."""

    def padded(number: int) -> int:
        return min(-(-lengths[number] // LENGTH_STEP) * LENGTH_STEP, longest)

    order = sorted(range(len(lengths)), key=padded, reverse=True)
    for length, group in groupby(order, key=padded):
        numbers = list(group)
        for start in range(0, len(numbers), rows):
            yield numbers[start : start + rows], length
