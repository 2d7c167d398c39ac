"""Texts to vectors, as Contriever and sentence-transformers make them: BERT and masked mean pooling."""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from rag_instruct.cli import bar
from rag_instruct.errors import UserError

BATCH = {"cpu": 8, "cuda": 128}
LENGTH_STEP = 32  # texts are padded to a multiple of this many tokens


def model_source(name: str) -> str:
    """A folder or hub id as it is; `package:module/folder` is a folder inside an installed package."""
    if not name.startswith("package:"):
        return name
    module, _, inside = name.removeprefix("package:").partition("/")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise UserError(
            f"model {name!r}: the Python package {module!r} is not installed: pip install -r requirements.txt"
        )
    return str(Path(spec.origin).parent / inside)


class Encoder:
    """A text's vector depends on the text alone, to the last bit.

    Every batch has the shape (batch, a multiple of LENGTH_STEP) that the text's own length
    asks for, filled up with copies, and one thread computes it: so neither the texts beside
    it, nor shards, nor cores change the rounding.
    """

    def __init__(self, model: str, normalize: bool, max_length: int, revision: str | None = None) -> None:
        source = model_source(model)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
            self._model = AutoModel.from_pretrained(source, revision=revision).eval()
        except OSError as error:
            raise UserError(
                f"encoder {model!r} cannot be loaded ({str(error).splitlines()[0]}): "
                "check the name under `encoders` in config.yaml, or download the model and give its folder"
            ) from error
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._rows = BATCH[self._device]
        self._model.to(self._device)
        self._normalize = normalize
        self._max_length = max_length
        self.dimension: int = self._model.config.hidden_size

    def encode(self, texts: list[str], what: str) -> np.ndarray:
        """Vectors of `texts`, in their order: float32, shape (len(texts), dimension)."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        torch.set_num_threads(1)
        tokens = self._tokenizer(texts, truncation=True, max_length=self._max_length)["input_ids"]
        with bar(what, total=len(texts), unit=" texts") as counter:
            for numbers, length in _batches([len(ids) for ids in tokens], self._rows, self._max_length):
                vectors[numbers] = self._batch([tokens[n] for n in numbers], length)
                counter.update(len(numbers))
        return vectors

    @torch.inference_mode()
    def _batch(self, tokens: list[list[int]], length: int) -> np.ndarray:
        filled = tokens + [tokens[0]] * (self._rows - len(tokens))
        padding = self._tokenizer.pad_token_id or 0
        ids = torch.tensor([row + [padding] * (length - len(row)) for row in filled], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in filled], device=self._device)
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = hidden.masked_fill(mask[..., None] == 0, 0.0).sum(1) / mask.sum(1, keepdim=True)
        if self._normalize:
            pooled = torch.nn.functional.normalize(pooled, dim=1)
        vectors: np.ndarray = pooled[: len(tokens)].float().cpu().numpy()
        return vectors


def _batches(lengths: list[int], rows: int, longest: int) -> Iterator[tuple[list[int], int]]:
    def padded(number: int) -> int:
        return min(-(-lengths[number] // LENGTH_STEP) * LENGTH_STEP, longest)

    order = sorted(range(len(lengths)), key=padded)
    for length, group in groupby(order, key=padded):
        numbers = list(group)
        for start in range(0, len(numbers), rows):
            yield numbers[start : start + rows], length
