"""Measure how likely texts are to a causal model: the bits (-log2 of the probability) of each token of a text."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from threading import Lock
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache
from transformers.utils.logging import disable_progress_bar

from rag_instruct.logs import logger
from rag_instruct.models.engines import padded_batches
from rag_instruct.models.loading import load_student

ON_GPU = 32_768  # tokens of a batch, padding included
STEPS = 100  # steps in a bit: we round to 0.01 bits, because the last digits differ between processors


class Text(NamedTuple):
    """A text as token ids. The model reads all of them. Only the last `measured` tokens are measured."""

    ids: list[int]
    measured: int
    common: bool = False  # other texts begin with the same unmeasured tokens: on the CPU, the model reads them once


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
        self._states: dict[tuple[int, ...], Future[Any]] = {}  # the model's state after common tokens
        self._lock = Lock()
        logger.info("%s: measuring on %s", model, "a GPU" if self._device == "cuda" else f"{workers} CPU cores")

    def measure(self, texts: Sequence[Text]) -> Iterator[tuple[int, list[int]]]:
        """Yield the position of each text, and the bits of its measured tokens in hundredths, as they are ready."""
        if self._device == "cuda":
            for numbers in padded_batches([len(text.ids) for text in texts], ON_GPU):
                yield from zip(numbers, self._batch([texts[number] for number in numbers]), strict=True)
            return
        threads = torch.get_num_threads()
        pool = ThreadPoolExecutor(self._workers, initializer=torch.set_num_threads, initargs=(1,))
        try:
            yield from enumerate(pool.map(self._alone, texts))
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)

    @torch.inference_mode()
    def _alone(self, text: Text) -> list[int]:
        """Return the bits of one text."""
        if not text.common:
            return self._batch([text])[0]
        start = len(text.ids) - text.measured - 1  # the last token before the measured ones predicts the first of them
        ids = torch.tensor([text.ids[start:]])
        state = deepcopy(self._state(tuple(text.ids[:start])))
        logits = self._model(input_ids=ids, past_key_values=state, use_cache=True).logits
        found: list[list[int]] = _hundredths(logits[:, :-1], ids[:, 1:])
        return found[0]

    def _state(self, common: tuple[int, ...]) -> Any:
        """Return the model's state after common tokens. The first thread that needs it computes it.

        If the model fails there, every thread that waits for the state gets the error.
        """
        with self._lock:
            first = common not in self._states
            future = self._states.setdefault(common, Future())
        if first:
            try:
                future.set_result(self._after(common))
            except Exception as error:
                future.set_exception(error)
        return future.result()

    def _after(self, common: tuple[int, ...]) -> DynamicCache:
        state = DynamicCache(config=self._model.config)
        if common:
            self._model(input_ids=torch.tensor([common]), past_key_values=state, use_cache=True, logits_to_keep=1)
        return state

    @torch.inference_mode()
    def _batch(self, texts: Sequence[Text]) -> list[list[int]]:
        """Return the bits of texts that are padded at their ends, which a causal model's earlier tokens do not see."""
        longest = max(len(text.ids) for text in texts)
        first = min(len(text.ids) - text.measured for text in texts)
        ids = torch.tensor([text.ids + [0] * (longest - len(text.ids)) for text in texts], device=self._device)
        kept = torch.arange(first - 1, longest - 1, device=self._device)
        logits = self._model(input_ids=ids, logits_to_keep=kept, use_cache=False).logits
        found = _hundredths(logits, ids[:, first:])
        starts = [len(text.ids) - text.measured - first for text in texts]
        return [row[start : start + text.measured] for row, start, text in zip(found, starts, texts, strict=True)]


def _hundredths(logits: torch.Tensor, ids: torch.Tensor) -> list[list[int]]:
    """Return the bits of tokens in hundredths, from the logits before them."""
    nats = logits.float().logsumexp(2) - logits.gather(2, ids[..., None])[..., 0].float()
    found: list[list[int]] = (nats / math.log(2) * STEPS).round().long().tolist()
    return found
