"""The quality filters: functions that check each row, alone or against earlier rows."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from rag_instruct.citations import plain_answer
from rag_instruct.errors import UserError
from rag_instruct.language import other_language
from rag_instruct.logs import progress
from rag_instruct.near_duplicates import NearDuplicates
from rag_instruct.overlap import ContaminationIndex
from rag_instruct.reasons import Reason
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.queries import vectors_by_id
from rag_instruct.schema import Pair, Row, StoppedRow
from rag_instruct.words import count_words, stem_of

Details = dict[str, str]  # row id -> what is wrong with the row

BLOCK = 2048  # questions in a block; `similar_questions` compares two blocks at a time
LEADING = 96  # principal components of the vectors; we compare these first
# If the leading components leave more than this share of the pairs open, a product of all whole vectors is cheaper.
MANY = 1 / 64
CANDIDATES = 1 << 15  # pairs of questions whose whole vectors are compared at a time
ROUNDING = 1e-3  # largest rounding error of `_alike`'s products in single precision


@dataclass
class EmbeddedRows:
    """The rows of all paradigms, and the vectors (rows, dimension) of their questions."""

    rows: Sequence[Row | Pair]
    vectors: np.ndarray

    @classmethod
    def read(cls, rows: Sequence[Path], pairs: Sequence[Path], vectors: Sequence[Path]) -> "EmbeddedRows":
        """Read the rows of each paradigm. If `vectors` has files, a row gets the vector of the pair with its id."""
        # We drop documents and passages: no filter reads them, and they take most of the memory.
        every = [replace(row, documents=(), passages=()) for path in rows for row in read_records(path, Row)]
        if not vectors:
            return cls(every, np.empty((len(every), 0), np.float32))
        by_id = vectors_by_id(pairs, vectors)
        if lacking := [row.id for row in every if row.id not in by_id]:
            raise UserError(
                f"{len(lacking)} rows, such as {lacking[0]!r}, have no pair in {', '.join(map(str, pairs))}. They were "
                f"made from other pairs: delete the row files {', '.join(map(str, rows))} and run again"
            )
        found = np.stack([by_id[row.id] for row in every]) if every else np.empty((0, 0))
        return cls(every, found.astype(np.float32))

    def without(self, ids: Container[str]) -> "EmbeddedRows":
        """Return the rows whose id is not in `ids`."""
        stay = [place for place, row in enumerate(self.rows) if row.id not in ids]
        return EmbeddedRows([self.rows[place] for place in stay], self.vectors[stay])


def language(given: EmbeddedRows, wanted: str) -> Details:
    """Find rows that are surely in another language than `wanted` (ISO 639-1)."""
    rows = progress(given.rows, "language", len(given.rows))
    found = {row.id: other_language(f"{row.question}\n{row.answer}", wanted) for row in rows}
    return {key: name for key, name in found.items() if name}


def question_words(given: EmbeddedRows, bounds: list[int]) -> Details:
    """Find questions whose number of words is outside the bounds. The options of a choice count, too."""
    return _outside(given.rows, attrgetter("question"), bounds)


def answer_words(given: EmbeddedRows, bounds: list[int]) -> Details:
    """Find answers whose number of words is outside the bounds. Citations do not count."""
    return _outside(given.rows, plain_answer, bounds)


def _outside(rows: Sequence[Row | Pair], text: Callable[[Row | Pair], str], bounds: list[int]) -> Details:
    counts = {row.id: count_words(text(row)) for row in rows}
    return {key: f"{count} words" for key, count in counts.items() if not bounds[0] <= count <= bounds[1]}


def near_duplicates(given: EmbeddedRows, threshold: float) -> Details:
    """Find questions that are near duplicates of an earlier question that was kept.

    Two questions are near duplicates if the Jaccard similarity of their word pairs is at least `threshold`.
    """
    known = NearDuplicates(threshold)
    rows = progress(given.rows, "near duplicates", len(given.rows))
    found = {row.id: known.find_or_add(row.id, row.question) for row in rows}
    return {key: f"as {other}" for key, other in found.items() if other}


def similar_questions(given: EmbeddedRows, threshold: float) -> Details:
    """Find questions whose vectors have a cosine of at least `threshold` with an earlier question that was kept."""
    vectors = given.vectors / np.maximum(np.linalg.norm(given.vectors, axis=1, keepdims=True), 1e-12)
    leading = _leading_part(vectors)
    found: Details = {}
    dropped = np.zeros(len(vectors), bool)
    starts = range(0, len(vectors), BLOCK)
    for start in progress(starts, "similar questions", len(starts)):
        for place, earlier, cosine in _alike(vectors, leading, start, threshold):
            if not dropped[place] and not dropped[earlier]:
                dropped[place] = True
                found[given.rows[place].id] = f"as {given.rows[earlier].id}, cosine {cosine:.3f}"
    return found


def _leading_part(vectors: np.ndarray) -> np.ndarray:
    """Return the first LEADING principal components of unit vectors, and the norm of all other components.

    The shape is (vectors, LEADING + 1 or fewer). By the Cauchy-Schwarz inequality, the product of two rows of this
    array is at least the cosine of the two vectors.
    """
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    leading = vectors @ axes[:, ::-1][:, :LEADING]
    rest = np.sqrt(np.maximum(1 - np.square(leading).sum(axis=1, keepdims=True), 0))
    return np.hstack([leading, rest])


def _alike(vectors: np.ndarray, leading: np.ndarray, start: int, threshold: float) -> list[tuple[int, int, float]]:
    """Compare the questions of the block that begins at `start` with all earlier questions.

    Return the similar pairs as (place, earlier place, cosine), sorted. The product of two leading parts is an upper
    bound of the cosine. We compare whole vectors only if the bound reaches the threshold, so most pairs cost little.
    Products of blocks round differently with other numbers of threads, so they only choose pairs.
    """
    pairs, least = [], threshold - ROUNDING
    for first in range(0, start + 1, BLOCK):
        block, other = slice(start, start + BLOCK), slice(first, first + BLOCK)
        chosen = leading[block] @ leading[other].T >= least
        if np.count_nonzero(chosen) > MANY * chosen.size:
            chosen = vectors[block] @ vectors[other].T >= least
        rows, columns = np.nonzero(chosen)
        for part in range(0, len(rows), CANDIDATES):
            places, earlier = rows[part : part + CANDIDATES] + start, columns[part : part + CANDIDATES] + first
            cosines = np.einsum("nd,nd->n", vectors[places], vectors[earlier])
            found = zip(places.tolist(), earlier.tolist(), cosines.tolist(), strict=True)
            pairs += [pair for pair in found if pair[1] < pair[0] and pair[2] >= threshold]
    return sorted(pairs)


def overlaps(given: EmbeddedRows, questions: ContaminationIndex) -> Details:
    """Find questions that contain 13 adjacent words of a benchmark's question, or the whole of a shorter question.

    A benchmark's question of fewer than 5 words counts only if it is the whole text. We look at the text before the
    options of a choice. If there is no such text, we look at the whole question.
    """
    found = {row.id: questions.found(stem_of(row.question) or row.question) for row in given.rows}
    return {key: other for key, other in found.items() if other}


# The filters run in this order. `quality_filters` in config.yaml has a key for each filter; `false` switches it off.
# Only `overlaps` has no key there: a data set's `decontaminate` switches it on.
QUALITY_FILTERS: dict[str, tuple[Callable[[EmbeddedRows, Any], Details], Reason]] = {
    "language": (language, Reason.ANOTHER_LANGUAGE),
    "question_words": (question_words, Reason.QUESTION_LENGTH),
    "answer_words": (answer_words, Reason.ANSWER_LENGTH),
    "overlaps": (overlaps, Reason.IN_A_BENCHMARK),
    "near_duplicates": (near_duplicates, Reason.NEAR_DUPLICATE),
    "similar_questions": (similar_questions, Reason.SIMILAR_QUESTION),
}


def apply_filters(
    given: EmbeddedRows, settings: Mapping[str, Any]
) -> tuple[list[StoppedRow], dict[str, dict[str, int]]]:
    """Return the rows that the filters stop, and for each filter how many rows it kept and dropped."""
    stopped: list[StoppedRow] = []
    counts: dict[str, dict[str, int]] = {}
    for name, (find, reason) in QUALITY_FILTERS.items():
        if not settings.get(name):
            continue
        details = find(given, settings[name])
        stopped += [StoppedRow(key, reason, detail) for key, detail in details.items()]
        given = given.without(details)
        counts[name] = {"kept": len(given.rows), "dropped": len(details)}
    return stopped, counts
