"""Records of a benchmark's files as questions, with an error that names a record of another form."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.records import foreign_records, member
from rag_instruct.schema import Question

Made = Question | list[Question] | None  # None leaves a record out; a conversation has a question for each turn
Build = Callable[[Any, int], Made]  # of a record and its number


def questions_of_files(
    paths: Iterable[Path], build: Build, columns: Sequence[str] = (), under: str = ""
) -> Iterator[Question]:
    """Yield the questions of all records; `under` is the key of the records in the authors' own .json.

    Raises UserError, with file and record, if a field is missing or has another form.
    """
    for path in paths:
        inside = under if path.suffix == ".json" else ""
        yield from built(path, foreign_records(path, columns, inside), build)


def built(path: Path, records: Iterable[Any], build: Build) -> Iterator[Question]:
    """Yield the questions of records that are already read."""
    for number, record in enumerate(records, start=1):
        try:
            made = build(record, number)
            questions = [made] if isinstance(made, Question) else made or []
            for question in questions:
                _check(question)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            fault = error.args[0] if error.args else type(error).__name__
            raise UserError(
                f"{path}, record {number}: {fault}: is this the benchmark's own file, at the revision in config.yaml?"
            ) from error
        yield from questions


def _check(question: Question) -> None:
    texts = {"question": question.question, **{f"answer {n}": a for n, a in enumerate(question.answers, start=1)}}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the {name} is {text!r}, but must be a text")
    if not question.answers:
        raise ValueError("it has no answer")
    labels = [label for label, _ in question.choices]
    if labels and not set(question.answers) <= set(labels):
        raise ValueError(f"the answer is {', '.join(question.answers)}, the choices are {', '.join(labels)}")


def first_member(record: Any, *places: str) -> Any:
    """Return the value at the first place that the record has, because layouts of one benchmark differ."""
    for place in places[:-1]:
        try:
            return member(record, place)
        except KeyError:
            continue
    return member(record, places[-1])


def choice_question(record: Any, number: int) -> Question:
    """Return the question of a record of ARC or OpenBookQA. Labels 1, 2, 3 become A, B, C."""
    choices = first_member(record, "question.choices", "choices")  # a list of pairs, or a pair of lists
    old, texts = member(choices, "label"), member(choices, "text")
    labels = dict(zip(map(str, old), ascii_uppercase, strict=False))
    key = str(member(record, "answerKey")).strip()
    if key not in labels:
        raise ValueError(f"answerKey is {key!r}, the labels are {', '.join(labels)}")
    return Question(
        id=str(record.get("id", number)),
        question=first_member(record, "question.stem", "question_stem", "question"),
        answers=(labels[key],),
        choices=tuple(zip(labels.values(), texts, strict=True)),
    )


MULTI_HOP_COLUMNS = ("id", "_id", "question", "answer", "supporting_facts")


def multi_hop_question(record: Any, number: int) -> Question:
    """Return the question of a record of HotpotQA or 2WikiMultihopQA, whose supporting facts have several layouts."""
    facts = member(record, "supporting_facts")
    facts = json.loads(facts) if isinstance(facts, str) else facts
    titles = member(facts, "title") if isinstance(facts, Mapping) else [title for title, _ in facts]
    return Question(
        id=str(first_member(record, "id", "_id")),
        question=member(record, "question"),
        answers=unique([member(record, "answer")]),
        gold_titles=unique(titles),
    )


def unique(texts: Iterable[Any]) -> tuple[str, ...]:
    """Return the non-empty texts, each once, in their order."""
    return tuple(dict.fromkeys(str(text).strip() for text in texts if str(text).strip()))
