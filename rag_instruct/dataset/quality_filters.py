"""The checks that need the whole data set, or no more than a row's words: each a function and a line of config."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rag_instruct.language import other_language
from rag_instruct.logs import progress
from rag_instruct.near_duplicates import NearDuplicates
from rag_instruct.overlap import Barred
from rag_instruct.schema import Row
from rag_instruct.words import stem_of

Dropped = dict[str, str]  # row id -> what is wrong with it

BLOCK = 2048  # questions that are compared with all earlier ones at a time


@dataclass
class Material:
    """What quality filters look at: the rows, the first of two alike first, and their questions' vectors."""

    rows: list[Row]
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (rows, dimension)


def language(material: Material, wanted: str) -> Dropped:
    """Rows that are surely of another language than `wanted` (ISO 639-1)."""
    rows = progress(material.rows, "language", len(material.rows))
    found = {row["id"]: other_language(f"{row['question']}\n{row['answer']}", wanted) for row in rows}
    return {key: name for key, name in found.items() if name}


def question_words(material: Material, bounds: list[int]) -> Dropped:
    """Questions, their options included, shorter or longer than the bounds."""
    return _outside(material.rows, "question", bounds)


def answer_words(material: Material, bounds: list[int]) -> Dropped:
    """Answers shorter or longer than the bounds."""
    return _outside(material.rows, "answer", bounds)


def _outside(rows: list[Row], name: str, bounds: list[int]) -> Dropped:
    counts = {row["id"]: len(row[name].split()) for row in rows}
    return {key: f"{count} words" for key, count in counts.items() if not bounds[0] <= count <= bounds[1]}


def near_duplicates(material: Material, threshold: float) -> Dropped:
    """Questions that share most pairs of words with an earlier one."""
    known = NearDuplicates(threshold)
    rows = progress(material.rows, "near duplicates", len(material.rows))
    found = {row["id"]: known.alike(row["id"], row["question"]) for row in rows}
    return {key: f"as {other}" for key, other in found.items() if other}


def similar_questions(material: Material, threshold: float) -> Dropped:
    """Questions whose vector has at least this cosine with an earlier one's that stays."""
    vectors = material.vectors / np.maximum(np.linalg.norm(material.vectors, axis=1, keepdims=True), 1e-12)
    dropped: Dropped = {}
    out = np.zeros(len(vectors), bool)
    starts = range(0, len(vectors), BLOCK)
    for start in progress(starts, "similar questions", len(starts)):
        likeness = vectors[start : start + BLOCK] @ vectors[: start + BLOCK].T
        for place, row in enumerate(likeness, start=start):
            earlier = np.flatnonzero((row[:place] >= threshold) & ~out[:place])
            if len(earlier):
                out[place] = True
                other = material.rows[earlier[0]]["id"]
                dropped[material.rows[place]["id"]] = f"as {other}, cosine {row[earlier[0]]:.3f}"
    return dropped


def overlaps(material: Material, questions: Barred) -> Dropped:
    """Questions that have a benchmark's in them."""
    found = {row["id"]: questions.found(stem_of(row["question"])) for row in material.rows}
    return {key: other for key, other in found.items() if other}


# In the order in which they run. Each is a key of `quality_filters` in config.yaml (`overlaps` is `decontaminate`); one
# whose value is false does not run.
QUALITY_FILTERS: dict[str, Callable[[Material, Any], Dropped]] = {
    quality_filter.__name__: quality_filter
    for quality_filter in (language, question_words, answer_words, overlaps, near_duplicates, similar_questions)
}


def through(material: Material, settings: dict[str, Any]) -> tuple[list[dict[str, str]], dict[str, dict[str, int]]]:
    """The rows that a quality filter stops, with the filter and the detail; and how many each kept and dropped."""
    stopped: list[dict[str, str]] = []
    counts: dict[str, dict[str, int]] = {}
    for name, stop in QUALITY_FILTERS.items():
        if not settings.get(name):
            continue
        dropped = stop(material, settings[name])
        stopped += [{"id": key, "reason": name.replace("_", " "), "detail": detail} for key, detail in dropped.items()]
        material = _without(material, dropped.keys())
        counts[name] = {"kept": len(material.rows), "dropped": len(dropped)}
    return stopped, counts


def _without(material: Material, dropped: Iterable[str]) -> Material:
    out = set(dropped)
    stay = [place for place, row in enumerate(material.rows) if row["id"] not in out]
    return Material([material.rows[place] for place in stay], material.vectors[stay])
