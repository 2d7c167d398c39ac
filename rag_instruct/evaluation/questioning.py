"""What a model under test is asked: the question, what form the answer has, and the documents that fit."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.errors import UserError
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
        """The user's turn with the first `documents` documents, in a style that the training mixes in too."""
        return DEFAULT.render(self.question, self.documents[:documents])


def tasks(questions: Iterable[Question], documents: Path | None) -> list[Task]:
    """The questions with the documents of a file, or none. Raises UserError when the file is of other questions."""
    asked = list(questions)
    if documents is None:
        return [Task(question.id, wording(question), ()) for question in asked]
    rows = list(read_jsonl(documents))
    if [row["id"] for row in rows] != [question.id for question in asked]:
        raise UserError(
            f"{documents}: its {len(rows):,} rows are not those of the {len(asked):,} questions: delete it, "
            "and it is made anew"
        )
    return [
        Task(question.id, wording(question), tuple(row["documents"])) for question, row in zip(asked, rows, strict=True)
    ]


def wording(question: Question) -> str:
    """The question with its options, and where one of them has to be chosen, how to name it."""
    return f"{question.asked}\n{CHOOSE}" if has_options(question) else question.asked


def has_options(question: Question) -> bool:
    """Whether there are options to choose from, and not only a few words that may be the answer."""
    return any(label != text for label, text in question.choices)


Output = dict[str, Any]


def output(task: Task, text: str, finish_reason: str, documents: int, **more: Any) -> Output:
    """A row of an outputs file; `finish_reason` is stop, length (cut off), or failed, with the `failure`.

    `documents` were shown; as many as `left_out` did not fit.
    """
    shown = {"documents": documents, "left_out": len(task.documents) - documents}
    return {"id": task.id, "output": text, "finish_reason": finish_reason, **shown, **more}
