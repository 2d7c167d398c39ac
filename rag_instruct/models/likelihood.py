"""Measure how likely texts are to a causal model: the bits (-log2 of the probability) of each token of a text."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch
from transformers.utils.logging import disable_progress_bar

from rag_instruct.logs import logger
from rag_instruct.models.loading import load_student

ON_GPU = 32_768  # tokens of a batch, padding included
STEPS = 100  # we round to 0.01 bits, because another processor computes other last digits


class Text(NamedTuple):
    """A text as token ids. Only its last `measured` tokens are measured; the others are what the model reads before."""

    ids: list[int]
    measured: int


class Likelihood:
    """A causal model that measures texts, on a GPU if there is one, else on the CPU.

    On the CPU, each text is measured alone and by one thread. So a text's bits depend neither on other texts nor on the
    number of cores. Several texts are measured at the same time.
    """

    def __init__(self, model: str, revision: str | None = None, workers: int = 1) -> None:
        disable_progress_bar()  # of loading; the log has a line instead
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
        self._model = load_student(model, dtype, revision).eval().to(self._device)
        self._workers = workers
        logger.info("%s: measuring on %s", model, "a GPU" if self._device == "cuda" else f"{workers} CPU cores")

    def measure(self, texts: Sequence[Text]) -> Iterator[tuple[int, list[int]]]:
        """Yield the position of each text, and the bits of its measured tokens in hundredths, as they are ready."""
        if self._device == "cuda":
            for numbers in batches([len(text.ids) for text in texts], ON_GPU):
                yield from zip(numbers, self._batch([texts[number] for number in numbers]), strict=True)
            return
        threads = torch.get_num_threads()
        pool = ThreadPoolExecutor(self._workers, initializer=torch.set_num_threads, initargs=(1,))
        try:
            yield from enumerate(pool.map(lambda text: self._batch([text])[0], texts))
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)

    @torch.inference_mode()
    def _batch(self, texts: Sequence[Text]) -> list[list[int]]:
        """Return the bits of texts that are padded at their ends, which a causal model's earlier tokens do not see."""
        longest = max(len(text.ids) for text in texts)
        first = min(len(text.ids) - text.measured for text in texts)
        ids = torch.tensor([text.ids + [0] * (longest - len(text.ids)) for text in texts], device=self._device)
        kept = torch.arange(first - 1, longest - 1, device=self._device)
        logits = self._model(input_ids=ids, logits_to_keep=kept, use_cache=False).logits
        chosen = logits.gather(2, ids[:, first:, None])[..., 0].float()
        bits = (logits.float().logsumexp(2) - chosen) / torch.log(torch.tensor(2.0))
        hundredths = (bits * STEPS).round().long().tolist()
        return [
            row[len(text.ids) - text.measured - first :][: text.measured]
            for row, text in zip(hundredths, texts, strict=True)
        ]


def batches(lengths: Sequence[int], tokens: int) -> Iterable[list[int]]:
    """Yield the positions of texts of similar length, so that a padded batch has at most `tokens` tokens.

    The longest texts come first, so that out-of-memory errors occur at once. A text that is longer is a batch alone.
    """
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
