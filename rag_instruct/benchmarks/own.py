"""A user's own benchmark: records with `question` and `answers`. Choices and documents are optional."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import first_member, questions_of_files, unique
from rag_instruct.records import member
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import own_rule
from rag_instruct.scoring.scores import score_by_form


def build(record: Any, number: int) -> Question:
    choices = _choices(record.get("choices"))
    given = first_member(record, "answers", "answer")
    answers = unique([given] if isinstance(given, str | int | float) else given)
    return Question(
        id=str(record.get("id", number)),
        question=member(record, "question"),
        answers=_label(answers, choices) if choices else answers,
        choices=choices,
        documents=_documents(record.get("documents") or record.get("context")),
        gold_titles=unique(record.get("gold_titles") or []),
        gold_passage_ids=unique(record.get("gold_passage_ids") or []),
    )


def _choices(given: Any) -> tuple[tuple[str, str], ...]:
    """Return (label, text) pairs. A record has a list of texts, an object of texts by label, or a list of pairs."""
    if not given:
        return ()
    if isinstance(given, Mapping):
        return tuple((str(label), str(text)) for label, text in given.items())
    pairs = [
        option if isinstance(option, list) else [label, option]
        for label, option in zip(ascii_uppercase, given, strict=False)
    ]
    return tuple((str(label), str(text)) for label, text in pairs)


def _label(answers: tuple[str, ...], choices: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return the labels of the right options. The record has their labels or their texts."""
    named = [label for label, _ in choices if label in answers]
    return tuple(named or (label for label, text in choices if text in answers))


def _documents(given: Any) -> tuple[str, ...]:
    """Return the question's documents. The record has one text, a list of texts, or objects with title and text."""
    if not given:
        return ()
    return tuple(_document(part) for part in (given if isinstance(given, list) else [given]))


def _document(given: Any) -> str:
    if isinstance(given, Mapping):
        return "\n".join(part for part in (given.get("title"), member(given, "text")) if part)
    return str(given)


def questions(paths: list[Path]) -> Iterator[Question]:
    return questions_of_files(paths, build)


BENCHMARK = Benchmark(
    "own", "own", "open", "accuracy", size=0, questions=questions, score=score_by_form, paper_score=own_rule
)
