"""What a model under test is asked: the question, the form of its answer, and the documents that fit."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.evaluation.records import Output
from rag_instruct.files import read_jsonl
from rag_instruct.models.templates import DEFAULT
from rag_instruct.schema import Question

CHOOSE = "Answer with the letter of the right option."


class Task(NamedTuple):
    """One question to one model."""

    id: str
    question: str
    documents: tuple[str, ...]

    def prompt(self, documents: int) -> str:
        """Return the user's turn with the first `documents` documents, in a style that the training also uses."""
        return DEFAULT.render(self.question, self.documents[:documents])


def tasks(questions: Iterable[Question], documents: Path | None) -> list[Task]:
    """Return the questions with the documents of a file, or without any.

    Raises UserError when the file belongs to other questions.
    """
    asked = list(questions)
    if documents is None:
        return [Task(question.id, wording(question), ()) for question in asked]
    rows = list(read_jsonl(documents))
    if [row["id"] for row in rows] != [question.id for question in asked]:
        raise UserError(
            f"{documents}: its {len(rows):,} rows do not match the {len(asked):,} questions: delete it and run again"
        )
    return [
        Task(question.id, wording(question), tuple(row["documents"])) for question, row in zip(asked, rows, strict=True)
    ]


def wording(question: Question) -> str:
    """Return the question with its options and, if one must be chosen, how to name it."""
    return f"{question.asked}\n{CHOOSE}" if has_options(question) else question.asked


def has_options(question: Question) -> bool:
    """Return whether options have letters; a closed set such as yes and no has none."""
    return any(label != text for label, text in question.choices)


def output(
    task: Task, text: str, finish_reason: str, documents: int, request_key: str = "", failure: str = ""
) -> Output:
    """Return the row of an outputs file for a task that was shown `documents` documents."""
    left_out = len(task.documents) - documents
    made = Output(id=task.id, output=text, finish_reason=finish_reason, documents=documents, left_out=left_out)
    if request_key:
        made["request_key"] = request_key
    if failure:
        made["failure"] = failure
    return made
