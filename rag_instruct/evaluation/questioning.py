"""Build the tasks for a model under test: the question's wording, its options and its documents."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rag_instruct.errors import UserError
from rag_instruct.evaluation.records import Output
from rag_instruct.files import read_jsonl
from rag_instruct.models.templates import DEFAULT
from rag_instruct.schema import Question

R = TypeVar("R", bound=Mapping[str, Any])  # a row with the id of its question
CHOOSE = "Answer with the letter of the right option."


class Task(NamedTuple):
    """A question as models get it, with its documents, the best first."""

    id: str
    question: str
    documents: tuple[str, ...]

    def prompt(self, documents: int) -> str:
        """Return the user's message with the first `documents` documents, in a prompt style that training also uses."""
        return DEFAULT.render(self.question, self.documents[:documents])


def tasks(questions: Iterable[Question], documents: Path | None) -> list[Task]:
    """Return the tasks with the documents in the file `documents`, or without documents if it is None.

    Raises UserError if the file belongs to other questions.
    """
    if documents is None:
        return [Task(question.id, wording(question), ()) for question in questions]
    found = list(questions)
    rows = checked_rows(read_jsonl(documents), found, str(documents))
    return [
        Task(question.id, wording(question), tuple(row["documents"])) for question, row in zip(found, rows, strict=True)
    ]


def checked_rows(rows: Iterable[R], questions: Sequence[Question], place: str) -> list[R]:
    """Return the rows of a file if they have the ids of the questions, in the same order. Otherwise raise UserError."""
    found = list(rows)
    if [row["id"] for row in found] != [question.id for question in questions]:
        raise UserError(
            f"{place}: the ids of the {len(found):,} rows do not match those of the {len(questions):,} questions: "
            "delete this file and run again; stored answers are not generated again"
        )
    return found


def wording(question: Question) -> str:
    """Return the question with its options. If the options have letters, it asks for the letter."""
    return f"{question.asked}\n{CHOOSE}" if has_options(question) else question.asked


def has_options(question: Question) -> bool:
    """Return whether the question has options with letters. The options of a closed set (yes, no) have none."""
    return bool(question.choices) and not question.is_closed


def output(
    task: Task, text: str, finish_reason: str, documents: int, request_key: str = "", failure: str = ""
) -> Output:
    """Return the row of an outputs file. `documents` is the number of documents in the prompt."""
    left_out = len(task.documents) - documents
    made = Output(id=task.id, output=text, finish_reason=finish_reason, documents=documents, left_out=left_out)
    if request_key:
        made["request_key"] = request_key
    if failure:
        made["failure"] = failure
    return made
