"""Turn the records of a benchmark's files into questions. An error names the record that has another form."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.records import PLAIN, Form, Located, located_records, member
from rag_instruct.records.values import layout_hint, listed, name_of, shown, unique
from rag_instruct.schema import Question

Made = Question | list[Question] | None  # a list for the turns of a conversation; None: the record is left out
ITS_OWN = "is this the benchmark's own file, at the revision in config.yaml?"
Build = Callable[[Any, int], Made]  # takes a record and its number, from 1


def questions_of_files(
    paths: Iterable[Path], build: Build, columns: Sequence[str] = (), form: Form = PLAIN, remedy: str = ITS_OWN
) -> Iterator[Question]:
    """Yield the questions of all records. The records are numbered over all files.

    `columns` are the fields to read, or () for all. `form` says how the files are written. Its `under` and `keyed`
    apply to files of one JSON value and to archives only. `remedy` is what an error's message says to do.
    Raises UserError with file and place if a field is missing or has another form.
    """
    numbers = count(1)
    for path in paths:
        is_one_value = path.name.lower().endswith((".json", ".json.gz", ".json.zst", ".zip"))
        written = form if is_one_value else form._replace(under="", keyed="")
        yield from built(path, located_records(path, columns, written), build, remedy, numbers, written.under)


def built(
    path: Path,
    records: Iterable[Located],
    build: Build,
    remedy: str = ITS_OWN,
    numbers: Iterable[int] = (),
    under: str = "",
) -> Iterator[Question]:
    """Yield the questions of the records that were read from `path`. Raises UserError like questions_of_files."""
    for (place, record), number in zip(records, numbers or count(1), strict=False):
        try:
            if not isinstance(record, dict):
                raise TypeError(f"{shown(record)} is not an object with fields")
            made = build(record, number)
            questions = [made] if isinstance(made, Question) else made or []
            for question in questions:
                _check(question)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            fault = getattr(error, "msg", error.args[0] if error.args else type(error).__name__)
            hint = layout_hint(path, place, record, under) if isinstance(error, KeyError) else ""
            raise UserError(f"{path}, {place}: {fault}: {remedy}{hint}") from error
        yield from questions


def _check(question: Question) -> None:
    texts = {"question": question.question, **{f"answer {n}": a for n, a in enumerate(question.answers, start=1)}}
    texts |= {f"text of choice {label}": text for label, text in question.choices}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"the {name} must be a text, but is {shown(text)}")
    if not question.answers:
        raise ValueError("the question has no answer")
    labels = [label for label, _ in question.choices]
    if labels and not set(question.answers) <= set(labels):
        raise ValueError(
            f"the answer {', '.join(question.answers)} is not among the labels of the choices: {', '.join(labels)}"
        )


def id_of(record: Any, number: int, field: str = "id") -> str:
    """Return the record's id as a text. A record without one gets its number."""
    if field not in record:
        return str(number)
    found = name_of(record[field], field).strip()
    if not found:
        raise ValueError(f"the {field} is empty: fill it in, or remove the field")
    return found


def first_member(record: Any, *places: str) -> Any:
    """Return the value of the first of `places` that the record has, because copies of a benchmark differ in layout."""
    for place in places[:-1]:
        try:
            return member(record, place)
        except KeyError:
            continue
    return member(record, places[-1])


def choice_question(record: Any, number: int) -> Question:
    """Return the question of an ARC or OpenBookQA record. Labels 1, 2, 3 become A, B, C."""
    choices = first_member(record, "question.choices", "choices")  # a list of objects, or an object of lists
    old, texts = member(choices, "label"), member(choices, "text")
    labels = dict(zip(map(str, old), ascii_uppercase, strict=False))
    key = str(member(record, "answerKey")).strip()
    if key not in labels:
        raise ValueError(f"answerKey {key!r} is not among the labels of the choices: {', '.join(labels)}")
    return Question(
        id=id_of(record, number),
        question=first_member(record, "question.stem", "question_stem", "question"),
        answers=(labels[key],),
        choices=tuple(zip(labels.values(), texts, strict=True)),
    )


MULTI_HOP_COLUMNS = ("id", "_id", "question", "answer", "supporting_facts")


def multi_hop_question(record: Any, number: int) -> Question:
    """Return the question of a HotpotQA or 2WikiMultihopQA record. Supporting facts may have any known layout."""
    facts = member(record, "supporting_facts")
    facts = listed(facts, "supporting facts")
    titles = member(facts, "title") if isinstance(facts, Mapping) else [title for title, _ in facts]
    return Question(
        id=name_of(first_member(record, "id", "_id"), "id"),
        question=member(record, "question"),
        answers=unique([member(record, "answer")]),
        gold_titles=unique(titles),
    )
