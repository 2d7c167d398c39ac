"""The checks that need the whole data set, or no more than a row's words: each a function and a line of config."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH

from rag_instruct.cli import progress
from rag_instruct.dataset import Row, fold
from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, text_lines
from rag_instruct.words import stem_of

Dropped = dict[str, str]  # row id -> what is wrong with it

PERMUTATIONS = 128  # of a MinHash
NGRAM = 8  # words in a row that a question shares with a benchmark's: as decontamination has it
BLOCK = 2048  # questions that are compared with all earlier ones at a time
SURE = 0.9  # probability of another language, below which a row passes


@dataclass
class Material:
    """What gates look at: the rows in the order in which the first of two alike stays, and their questions' vectors."""

    rows: list[Row]
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (rows, dimension)


def language(material: Material, wanted: str) -> Dropped:
    """Rows that are surely of another language than `wanted` (ISO 639-1)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    rows = progress(material.rows, "language", len(material.rows))
    found = {row["id"]: identifier.classify(f"{row['question']}\n{row['answer']}") for row in rows}
    return {key: f"{name}" for key, (name, sure) in found.items() if name != wanted and sure >= SURE}


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
    """Questions that share most pairs of words with an earlier one: MinHash finds candidates, Jaccard decides."""
    # Candidates are sought below the bar: of pairs right at it, one in 500 is missed.
    below = max(0.1, min(threshold, 0.9) - 0.1)
    index = MinHashLSH(threshold=below, num_perm=PERMUTATIONS, weights=(0.1, 0.9))
    shingles: dict[str, set[str]] = {}
    dropped: Dropped = {}
    for row in progress(material.rows, "near duplicates", len(material.rows)):
        mine = _shingles(row["question"])
        sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update_batch([shingle.encode() for shingle in sorted(mine)])
        alike = sorted(key for key in index.query(sketch) if _jaccard(mine, shingles[key]) >= threshold)
        if alike:
            dropped[row["id"]] = f"as {alike[0]}"
        else:
            shingles[row["id"]] = mine
            index.insert(row["id"], sketch)
    return dropped


def _shingles(text: str) -> set[str]:
    words = fold(text).split()
    return {" ".join(pair) for pair in pairwise(words)} or set(words)


def _jaccard(mine: set[str], theirs: set[str]) -> float:
    return len(mine & theirs) / max(len(mine | theirs), 1)


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


def overlaps(material: Material, files: list[str]) -> Dropped:
    """Questions that are in one of the files, or share eight words in a row with one there."""
    barred: dict[str, str] = {}
    for name in files:
        for question in _questions(Path(name)):
            barred |= dict.fromkeys(_ngrams(question), f"{name}: {question[:80]}")
    hits = {
        row["id"]: next((barred[n] for n in _ngrams(stem_of(row["question"])) if n in barred), "")
        for row in material.rows
    }
    return {key: found for key, found in hits.items() if found}


def _questions(path: Path) -> Iterator[str]:
    if path.suffix == ".txt":
        yield from filter(str.strip, text_lines(path))
        return
    for number, row in enumerate(read_jsonl(path), start=1):
        if not isinstance(row, dict) or "question" not in row:
            raise UserError(
                f"{path}, line {number}: no `question`: give a .txt of questions, or .jsonl with that field"
            )
        yield row["question"]


def _ngrams(text: str) -> list[str]:
    words = re.findall(r"\S+", fold(text))
    return [" ".join(words[start : start + NGRAM]) for start in range(max(1, len(words) - NGRAM + 1))]


# In the order in which they run; each is a key of `gates` in config.yaml, and is left out where that is false.
GATES: dict[str, Callable[[Material, Any], Dropped]] = {
    gate.__name__: gate
    for gate in (language, question_words, answer_words, overlaps, near_duplicates, similar_questions)
}


def through(material: Material, settings: dict[str, Any]) -> tuple[list[dict[str, str]], dict[str, dict[str, int]]]:
    """The rows that a gate stops, with the gate and the detail; and how many each kept and dropped."""
    stopped: list[dict[str, str]] = []
    counts: dict[str, dict[str, int]] = {}
    for name, gate in GATES.items():
        if not settings.get(name):
            continue
        dropped = gate(material, settings[name])
        stopped += [{"id": key, "reason": name.replace("_", " "), "detail": detail} for key, detail in dropped.items()]
        material = _without(material, dropped.keys())
        counts[name] = {"kept": len(material.rows), "dropped": len(dropped)}
    return stopped, counts


def _without(material: Material, dropped: Iterable[str]) -> Material:
    out = set(dropped)
    stay = [place for place, row in enumerate(material.rows) if row["id"] not in out]
    return Material([material.rows[place] for place in stay], material.vectors[stay])
