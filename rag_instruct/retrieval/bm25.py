"""Search one shard by words. The package bm25s scores by BM25 in Lucene's form, with statistics of the whole corpus."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from bm25s import BM25
from bm25s.scoring import _select_idf_scorer, _select_tfc_scorer

from rag_instruct.logs import progress
from rag_instruct.retrieval.vectors import HITS
from rag_instruct.retrieval.word_index import Statistics, WordShard

METHOD = "lucene"


class Parameters(NamedTuple):
    """BM25's parameters.

    Args:
        k1: the larger k1, the more a term adds to the score when it occurs again
        b: how much the length of a passage counts, from 0 to 1
    """

    k1: float = 0.9
    b: float = 0.4


def search(
    queries: Sequence[Sequence[str]], index: WordShard, statistics: Statistics, k: int, parameters: Parameters
) -> np.ndarray:
    """Return the k best rows of a shard for each query: HITS, shape (q, min(k, n)) for q queries and n passages.

    A query is a list of terms. The best hit comes first; equal scores keep the order of their rows. We take only the
    scores from bm25s, because bm25s leaves the order of equal scores to chance.
    """
    columns = {term: column for column, term in enumerate(statistics.terms)}
    scorer = _scorer(index, statistics, parameters)
    k = min(k, len(index.lengths))
    hits = np.empty((len(queries), k), HITS)
    for place, query in enumerate(progress(queries, "searching", len(queries))):
        found = [columns[term] for term in query]
        # A query without terms scores 0 everywhere. We do not ask bm25s: if no query has a term, the index is empty,
        # and bm25s raises an error.
        scores = scorer.get_scores_from_ids(found) if found else np.zeros(len(index.lengths), np.float32)
        hits[place] = best(scores, k)
    return hits


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the k best rows as HITS, best first. Equal scores keep the order of their rows. `scores` are 0 or more."""
    rows = np.flatnonzero(scores)  # without the many zeros, on which np.partition takes ten times as long
    if len(rows) < k:
        rows = np.concatenate([rows, np.flatnonzero(scores == 0)[: k - len(rows)]])
    elif 0 < k < len(rows):
        lowest = np.partition(scores[rows], len(rows) - k)[len(rows) - k]
        rows = rows[scores[rows] >= lowest]  # more than k rows, if several have the lowest score
    rows = rows[np.argsort(-scores[rows], kind="stable")][:k]
    hits = np.empty(k, HITS)
    hits["row"], hits["score"] = rows, scores[rows]
    return hits


def _scorer(index: WordShard, statistics: Statistics, parameters: Parameters) -> BM25:
    """Return bm25s' index of the shard, with only the terms of the queries.

    We fill its sparse matrix (passages by terms, stored by term) ourselves, because bm25s would use statistics of the
    shard in place of statistics of the corpus.
    """
    term_frequency, inverse_document_frequency = _select_tfc_scorer(METHOD), _select_idf_scorer(METHOD)
    with_term, found = statistics.passages_with_term, dict(index.postings(statistics.terms))
    starts = np.cumsum([0, *(len(found.get(column, ())) for column in range(len(statistics.terms)))])
    data, rows = np.empty(starts[-1], np.float32), np.empty(starts[-1], np.int32)
    for column, postings in found.items():
        place = slice(starts[column], starts[column + 1])
        rows[place] = postings["row"]
        weight = np.float32(inverse_document_frequency(int(with_term[column]), N=statistics.passage_count))
        lengths, average = index.lengths[rows[place]], np.float64(statistics.average_length)
        counts = postings["count"].astype(np.float32)
        data[place] = weight * term_frequency(counts, lengths, average, parameters.k1, parameters.b)
    made = BM25(k1=parameters.k1, b=parameters.b, method=METHOD)
    made.scores = {"data": data, "indices": rows, "indptr": starts, "num_docs": len(index.lengths)}
    made.nonoccurrence_array = None  # in Lucene's form, a term that a passage lacks adds nothing
    return made
