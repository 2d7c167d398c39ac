"""Rerank the first passages of a run by a cross-encoder, which reads the query and a passage together."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from rag_instruct.errors import UserError
from rag_instruct.logs import bar
from rag_instruct.models.loading import load_weights, loading
from rag_instruct.models.source import model_source
from rag_instruct.records import shown
from rag_instruct.retrieval.batches import device, fill_results, full_batch, number_type, refuse_length
from rag_instruct.retrieval.runs import Run, write_run
from rag_instruct.retrieval.vectors import HITS

PAIRS = 4096  # pairs of query and passage that are in memory at a time, rounded to whole queries
REMEDY = "check `rerank` of the data set in config.yaml"


class RerankerSettings(NamedTuple):
    """A cross-encoder and its settings.

    Args:
        model: a hub id, a folder, or package:<module>/<folder>
        first: number of passages that we rerank for each query
        max_length: number of tokens of query and passage together. Longer pairs are cut: first the longer text, until
            both texts are equally long, then both texts
        revision: commit or branch on the hub
        precision: number type of the computation, float32 or bfloat16
    """

    model: str
    first: int = 50
    max_length: int = 512
    revision: str | None = None
    precision: str = "float32"


class Reranker:
    """A cross-encoder. The score of a pair depends on this pair alone, to the last bit (see `batches`)."""

    def __init__(self, settings: RerankerSettings) -> None:
        source, revision = model_source(settings.model), settings.revision
        dtype = number_type(settings.precision, f"cross-encoder {settings.model!r}")
        with loading(f"cross-encoder {settings.model!r}", lambda error: f" ({error}): {REMEDY}"):
            self._tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
            self._model = load_weights(AutoModelForSequenceClassification, source, revision=revision, dtype=dtype)
        if self._model.config.num_labels > 2:
            raise UserError(
                f"cross-encoder {settings.model!r} has {self._model.config.num_labels} labels, but a reranker has one "
                f"score, or the two labels no and yes: {REMEDY}"
            )
        if self._tokenizer.pad_token is None:
            raise UserError(f"cross-encoder {settings.model!r}: its tokenizer has no padding token: {REMEDY}")
        refuse_length(self._model, settings.max_length, f"cross-encoder {settings.model!r}")
        self._model.eval().to(device())
        self._name, self._longest = settings.model, settings.max_length

    def scores(self, pairs: Sequence[tuple[str, str]], counter: Any) -> np.ndarray:
        """Return a score for each pair of query and passage, float64. `counter` is a progress bar.

        Raises UserError for a score that is not finite, because we cannot order it.
        """
        results = np.empty(len(pairs))
        if len(pairs):
            tokens = self._tokenizer(list(map(list, pairs)), truncation=True, max_length=self._longest)
            lengths = list(map(len, tokens["input_ids"]))

            def run_model(places: list[int], length: int) -> np.ndarray:
                rows = {name: [tokens[name][place] for place in full_batch(places)] for name in tokens}
                found: np.ndarray = self._batch(rows, length)[: len(places)]
                return found

            fill_results(lengths, self._longest, run_model, results, counter)
        broken = np.flatnonzero(~np.isfinite(results))
        if broken.size:
            (query, passage), score = pairs[broken[0]], results[broken[0]]
            raise UserError(
                f"cross-encoder {self._name!r} gives the score {score} to the query {shown(query)} and the "
                f"passage {shown(passage)}: set its `precision` to float32, or {REMEDY}"
            )
        return results

    @torch.inference_mode()
    def _batch(self, rows: dict[str, list[list[int]]], length: int) -> np.ndarray:
        """Return the scores of a batch. `rows` has the tokenizer's output for each pair, which we pad to `length`."""
        padded = self._tokenizer.pad(rows, padding="max_length", max_length=length, return_tensors="pt")
        logits = self._model(**padded.to(device())).logits.double()
        scores = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        found: np.ndarray = scores.cpu().numpy()
        return found


def rerank_run(
    reranker: Reranker, run: Run, ids: Sequence[str], texts: Sequence[str], first: int, k: int, output: Path, trec: Path
) -> None:
    """Write k passages of each query: the first `first` of the run, in the reranker's order, then the others."""
    queries = list(zip(ids, texts, strict=True))
    write_run(_reranked(reranker, run, queries, first, k), list(ids), run.store, output, trec)


def _reranked(
    reranker: Reranker, run: Run, queries: Sequence[tuple[str, str]], first: int, k: int
) -> Iterator[np.ndarray]:
    with bar("reranking", len(queries) * first, " pairs") as counter:
        step = max(PAIRS // first, 1)
        for start in range(0, len(queries), step):
            part = queries[start : start + step]
            rankings = [run.ranking(query) for query, _ in part]
            heads = [ranking["row"][:first] for ranking in rankings]
            texts = [text for (_, text), head in zip(part, heads, strict=True) for _ in head]
            # One read of the store and one run of the model serve all queries of this part.
            passages = run.store[np.concatenate(heads)]
            pairs = [(text, f"{one.title} {one.text}".strip()) for text, one in zip(texts, passages, strict=True)]
            scores = np.split(reranker.scores(pairs, counter), np.cumsum(list(map(len, heads)))[:-1])
            yield np.vstack([reordered(*ranked)[:k] for ranked in zip(rankings, scores, strict=True)])


def reordered(ranking: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return HITS with the first passages ordered by their new scores; equal scores keep the order of the corpus.

    The other passages follow in their old order. Each gets 1 less than the score before it, because TREC's tools read
    the order from the scores.
    """
    first = ranking[: len(scores)].copy()
    first["score"] = scores
    first = first[np.lexsort((first["row"], -scores))]
    rest = ranking[len(scores) :].copy()
    rest["score"] = (first["score"][-1] if len(first) else 0.0) - np.arange(1, len(rest) + 1)
    return np.concatenate([first, rest]).astype(HITS)
