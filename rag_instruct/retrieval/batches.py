"""Run a model on tokenized texts in batches. The result of a text does not depend on other texts or on threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import numpy as np
import torch

from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.threads import torch_threads

ROWS = {"cpu": 8, "cuda": 128}  # rows of every batch; `full_batch` fills up a batch with fewer texts
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LENGTH_STEP = 32  # texts are padded to a multiple of this number of tokens, but at most to `max_length`, a setting


def device() -> str:
    """Return the device that models run on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def number_type(precision: str, model: str) -> torch.dtype:
    """Return torch's type for a `precision`. Raises UserError if the name is unknown, or if the GPU lacks the type."""
    if precision not in PRECISIONS:
        raise UserError(f"{model}: precision {precision!r} is unknown: give one of {', '.join(PRECISIONS)}")
    found = PRECISIONS[precision]
    if found == torch.bfloat16 and device() == "cuda" and not torch.cuda.is_bf16_supported():
        raise UserError(f"{model}: this GPU has no bfloat16: set its `precision` to float32 in config.yaml")
    if found == torch.bfloat16 and device() == "cpu" and not fast_bfloat16():
        logger.warning("%s: this processor has no instructions for bfloat16, so float32 would be faster", model)
    return found


def refuse_length(model: Any, length: int, name: str, advised: int | None = None) -> None:
    """Raise UserError if `length` is greater than the number of tokens that the model can read.

    `advised` is the length that sentence-transformers uses, if known. The message recommends `advised`, but at most the
    model's limit.
    """
    table = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    if not isinstance(table, torch.nn.Embedding):
        return
    # RoBERTa counts a text's positions from padding_idx + 1, so no text uses the table's rows up to padding_idx.
    most = table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    if length > most:
        better = min(advised or most, most)
        raise UserError(
            f"{name} reads at most {most} tokens, and `max_length` is {length}: set `max_length: {better}` in "
            "config.yaml"
        )


def fast_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16 (AMX, AVX512-BF16 or Arm's BF16)."""
    return any(torch.cpu.get_capabilities().get(name, False) for name in ("amx_bf16", "avx512_bf16", "arm_bf16"))


def fill_results(
    lengths: Sequence[int],
    limit: int,
    run_model: Callable[[list[int], int], np.ndarray],
    results: np.ndarray,
    counter: Any,
) -> None:
    """Run the model on all texts, and write the result of each text to its place in `results`.

    `lengths` has the token count of each text. No text is padded beyond `limit` tokens. `run_model(places, length)`
    gets the places of at most ROWS texts. It pads these texts to `length` tokens. `counter` is a progress bar.

    On the CPU, batches run in parallel on all of this process's threads. One thread of torch computes a batch, because
    more threads would change the rounding. On a GPU, batches run one after another.
    """
    where = device()
    workers = torch.get_num_threads() if where == "cpu" else 1
    batches = list(_batches(lengths, ROWS[where], limit))
    with torch_threads(1), ThreadPoolExecutor(workers) as threads:
        found = threads.map(lambda batch: run_model(*batch), batches)
        for (places, _), values in zip(batches, found, strict=True):
            results[places] = values
            counter.update(len(places))


def full_batch(places: list[int]) -> list[int]:
    """Return `places`, followed by copies of the first place until the batch is full."""
    return places + [places[0]] * (ROWS[device()] - len(places))


def _batches(lengths: Sequence[int], rows: int, limit: int) -> Iterator[tuple[list[int], int]]:
    """Yield (places, length): the places of at most `rows` texts, and their padded length. Longest texts come first."""

    def padded(place: int) -> int:
        return min(-(-lengths[place] // LENGTH_STEP) * LENGTH_STEP, limit)

    order = sorted(range(len(lengths)), key=padded, reverse=True)
    for length, group in groupby(order, key=padded):
        places = list(group)
        for start in range(0, len(places), rows):
            yield places[start : start + rows], length
