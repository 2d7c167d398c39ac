"""Encode texts as Contriever and sentence-transformers do.

The last layer of the model has a vector for each token. Pooling makes one vector of these vectors.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from rag_instruct.errors import UserError
from rag_instruct.files import dump
from rag_instruct.logs import bar, logger
from rag_instruct.models.loading import load_weights, loading
from rag_instruct.models.source import model_source
from rag_instruct.retrieval.batches import device, fill_results, full_batch, number_type, refuse_length
from rag_instruct.retrieval.pooling import POOLINGS, Pooling, read_pooling

REMEDY = "check its `model` under `encoders` in config.yaml, or download the model and give its folder there"


class EncoderSettings(NamedTuple):
    """The model that makes vectors, and its settings.

    Args:
        model: a hub id, a folder, or package:<module>/<folder>
        normalize: scale vectors to length 1
        max_length: number of tokens; longer texts are cut
        revision: commit or branch on the hub
        query_prefix: text before every query; default: the model's own prompt
        passage_prefix: text before every passage; default: the model's own prompt
        precision: number type of the computation, float32 or bfloat16
        dimension: keep only this many numbers of a vector; the model must be trained for shorter vectors (Matryoshka)
    """

    model: str
    normalize: bool = False
    max_length: int = 512
    revision: str | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    precision: str = "float32"
    dimension: int | None = None


class Encoder:
    """An encoder: the vector of a text depends on this text alone, to the last bit.

    Every batch has the same number of rows. If a batch has too few texts, copies of its first text fill the other rows.
    A text is padded to a multiple of `batches.LENGTH_STEP` tokens, but at most to `max_length`. A batch has only texts
    of the same padded length. One thread computes a batch. So other texts, shards and cores do not change the rounding.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        source, revision = model_source(settings.model), settings.revision
        self._device = device()
        self._dtype = number_type(settings.precision, f"encoder {settings.model!r}")
        with loading(f"encoder {settings.model!r}", lambda error: f" ({error}): {REMEDY}"):
            pooling = read_pooling(source, revision)
            place = {"revision": revision, "subfolder": pooling.folder}
            self._tokenizer = AutoTokenizer.from_pretrained(source, **place)
            self._model = load_weights(AutoModel, source, unused="pooler.", dtype=self._dtype, **place)
        if self._model.config.is_encoder_decoder:
            raise UserError(f"encoder {settings.model!r} also has a decoder, which is not supported: {REMEDY}")
        self._model.eval().to(self._device)
        _check_length(self._model, settings, pooling.longest)
        self._query_prefix, self._passage_prefix = _prefixes(settings, pooling)
        self._pool, self._lower_case = POOLINGS[pooling.mode], pooling.lower_case
        self._normalize = settings.normalize or pooling.normalize
        self._settings = settings
        self.dimension = _dimension(settings, self._model.config.hidden_size)

    @property
    def model_identity(self) -> dict[str, str | None]:
        """What must be the same for queries and passages: the model and its revision."""
        return {"model": self._settings.model, "revision": self._settings.revision}

    @property
    def identity(self) -> str:
        """The settings that change a vector, as JSON. All vectors of an index must have the same identity."""
        prefixes = {"query_prefix": self._query_prefix, "passage_prefix": self._passage_prefix}
        return dump({**self._settings._asdict(), **prefixes, "dimension": self.dimension, "normalize": self._normalize})

    def encode(self, texts: list[str], what: str) -> np.ndarray:
        """Return one vector for each query, in the same order: float32, shape (len(texts), dimension).

        `what` is the title of the progress bar.
        """
        with bar(what, total=len(texts), unit=" texts") as counter:
            return self._encode([self._query_prefix + text for text in texts], counter)

    def encode_passages(self, texts: list[str], counter: Any) -> np.ndarray:
        """Return one vector for each passage, like `encode`. `counter` is a progress bar."""
        return self._encode([self._passage_prefix + text for text in texts], counter)

    def _encode(self, texts: list[str], counter: Any) -> np.ndarray:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        texts = [text.lower() for text in texts] if self._lower_case else texts
        tokens = self._tokenizer(texts, truncation=True, max_length=self._settings.max_length)["input_ids"]
        lengths = list(map(len, tokens))

        def run_model(places: list[int], length: int) -> np.ndarray:
            found: np.ndarray = self._batch([tokens[place] for place in full_batch(places)], length)[: len(places)]
            return found

        fill_results(lengths, self._settings.max_length, run_model, vectors, counter)
        return vectors

    @torch.inference_mode()
    def _batch(self, rows: list[list[int]], length: int) -> np.ndarray:
        """Return the vectors of a batch of token ids. Each row is padded to `length`."""
        padding = self._tokenizer.pad_token_id or 0
        ids = torch.tensor([row + [padding] * (length - len(row)) for row in rows], device=self._device)
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows], device=self._device)
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        pooled = self._pool(hidden, mask)[:, : self.dimension]
        if self._normalize:
            pooled = torch.nn.functional.normalize(pooled, dim=1)
        vectors: np.ndarray = pooled.cpu().numpy()
        return vectors


def _check_length(model: Any, settings: EncoderSettings, longest: int | None) -> None:
    """Raise UserError if the model cannot read `max_length` tokens. Log a warning if `max_length` exceeds `longest`."""
    refuse_length(model, settings.max_length, f"encoder {settings.model!r}", longest)
    if longest and settings.max_length > longest:
        logger.warning(
            "encoder %r was made for texts of at most %d tokens, and reads %d here: to get the vectors of "
            "sentence-transformers, set `max_length: %d` under `encoders` in config.yaml",
            *(settings.model, longest, settings.max_length, longest),
        )


def _prefixes(settings: EncoderSettings, pooling: Pooling) -> tuple[str, str]:
    """Return the texts before queries and before passages: the user's, or else the model's own prompts."""
    query = pooling.query_prompt if settings.query_prefix is None else settings.query_prefix
    passage = pooling.passage_prompt if settings.passage_prefix is None else settings.passage_prefix
    if not pooling.pools_prefix and (query or passage):
        raise UserError(
            f"encoder {settings.model!r} does not pool the tokens of a prefix (include_prompt), which is not "
            'supported: set `query_prefix` and `passage_prefix` to "", or choose another `model`, under `encoders` in '
            "config.yaml"
        )
    return query, passage


def _dimension(settings: EncoderSettings, full: int) -> int:
    """Return how many numbers of a vector are kept. The model makes `full` numbers."""
    wanted = settings.dimension or full
    if wanted > full:
        raise UserError(
            f"encoder {settings.model!r} makes vectors of {full} numbers, not {wanted}: lower or remove "
            "its `dimension` under `encoders` in config.yaml"
        )
    return wanted
