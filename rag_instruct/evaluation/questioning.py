"""Build the tasks for a model under test: the question's wording, its options and its documents."""

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
    asked = list(questions)
    if documents is None:
        return [Task(question.id, wording(question), ()) for question in asked]
    rows = list(read_jsonl(documents))
    if [row["id"] for row in rows] != [question.id for question in asked]:
        raise UserError(
            f"{documents}: the {len(rows):,} rows do not match the {len(asked):,} questions: delete this file and run "
            "again"
        )
    return [
        Task(question.id, wording(question), tuple(row["documents"])) for question, row in zip(asked, rows, strict=True)
    ]


def wording(question: Question) -> str:
    """Return the question with its options. If the options have letters, it asks for the letter."""
    return f"{question.asked}\n{CHOOSE}" if has_options(question) else question.asked


def has_options(question: Question) -> bool:
    """Return whether the question has options with letters. The options of a closed set (yes, no) have none."""
    return any(label != text for label, text in question.choices)


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
