"""Find the documents of a benchmark's questions: in the benchmark, by a search, or in a file of retrieved contexts."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.evaluation.questioning import has_options
from rag_instruct.evaluation.records import Context, Passage
from rag_instruct.logs import logger
from rag_instruct.records import located_records
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question
from rag_instruct.words import fold

CONTEXTS = ("ctxs", "retrieval_ctxs")  # Self-RAG's key, and RAG-Instruct's key
QUESTIONS = ("question", "instruction")
IDS = ("id", "q_id", "qid")


class FileRecord(NamedTuple):
    """The documents that a file lists for one question."""

    place: str  # file and line, for messages
    questions: list[str]  # normalized question texts, one for each key of QUESTIONS that the record has
    contexts: list["Retrieved"]

    def asks(self, question: Question) -> bool:
        """Return whether one question text contains the other. A record without a question text matches any."""
        own = fold(question.question)
        return not self.questions or any(text in own or own in text for text in self.questions if text)


class Retrieved(NamedTuple):
    """One document from a file of retrieved contexts."""

    document: str
    id: str
    score: Any


def queries(questions: Iterable[Question]) -> list[dict[str, str]]:
    """Return the search queries of the questions without documents. Raises UserError if all have documents."""
    found = [
        {"id": question.id, "question": question.asked if has_options(question) else question.question}
        for question in questions
        if not question.documents
    ]
    if not found:
        raise UserError(
            "every question has its own documents, so no search is needed: set `kind: own_context` for the benchmark "
            "in config.yaml"
        )
    return found


def from_search(questions: Sequence[Question], run: Run | None, count: int) -> Iterator[Context]:
    """Yield each question's own documents, or else the best `count` documents of the search `run`.

    Raises UserError if a question has no documents and `run` is None.
    """
    for question in questions:
        if question.documents:
            yield _own(question)
            continue
        if run is None:
            raise UserError(
                f"question {question.id} has no documents, and no search was made: change the benchmark's kind "
                "from own_context to another in config.yaml"
            )
        hits = run.hits(question.id)[:count]
        passages = [Passage(id=hit.passage.id, rank=hit.rank, score=round(hit.score, 6)) for hit in hits]
        documents = [hit.passage.document for hit in hits]
        yield Context(id=question.id, origin="search", documents=documents, passages=passages)


def from_file(questions: Sequence[Question], path: Path, count: int) -> Iterator[Context]:
    """Yield each question's own documents, or else the first `count` that the file at `path` lists for the question.

    A record matches by id or by the question's words. Raises UserError if a record has another form, if a record has
    the same id but another question, or if the file lacks questions.
    """
    found = _by_question(path, len(questions))
    rows = [_own(question) if question.documents else _of_file(question, found, count) for question in questions]
    lacking = [question.id for question, row in zip(questions, rows, strict=True) if row is None]
    if lacking:
        raise UserError(
            f"{path}: no documents for {len(lacking):,} of {len(questions):,} questions, the first is {lacking[0]!r}: "
            "is it the file of this benchmark? A record matches by its id, or by the question's words"
        )
    short = sum(len(row["documents"]) < count for row in rows if row and row["origin"] == "file")
    if short:
        logger.warning("%s: %d questions have fewer than %d documents", path, short, count)
    yield from (row for row in rows if row)


def _own(question: Question) -> Context:
    return Context(id=question.id, origin="own", documents=list(question.documents), passages=[])


def _of_file(question: Question, found: dict[str, FileRecord], count: int) -> Context | None:
    record = found.get(f"id {question.id}")
    if record and not record.asks(question):
        raise UserError(
            f"{record.place} has the id {question.id!r} and asks {record.questions[0]!r:.80}, but the benchmark's "
            f"question with this id is {question.question!r:.80}: give the file of this benchmark, or remove the ids "
            "from the file; then records match by the question's words"
        )
    record = record or found.get(f"question {fold(question.question)}")
    if record is None:
        return None
    best = record.contexts[:count]
    passages = [Passage(id=one.id, rank=rank, score=one.score) for rank, one in enumerate(best, start=1)]
    return Context(id=question.id, origin="file", documents=[one.document for one in best], passages=passages)


def _by_question(path: Path, count: int) -> dict[str, FileRecord]:
    """Return the file's records by "id <id>" and by "question <words>". `count` is the benchmark's questions."""
    found: dict[str, FileRecord] = {}
    for place, fields in located_records(path):
        record = _file_record(f"{path}, {place}", fields)
        ids = [str(fields[key]) for key in IDS if key in fields]
        if not ids and not record.questions:
            raise UserError(f"{record.place}: the record has neither id nor question: add `id` or `question`")
        if not record.questions and any(name.isdecimal() and int(name) <= count for name in ids):
            raise UserError(
                f"{record.place}: the id {ids[0]} may be only a record number, and the record has no question: "
                "add `question` to the record"
            )
        for key in [*(f"id {name}" for name in ids), *(f"question {text}" for text in record.questions)]:
            found.setdefault(key, record)
    return found


def _file_record(place: str, fields: Any) -> FileRecord:
    name = next((name for name in CONTEXTS if isinstance(fields, dict) and name in fields), None)
    if name is None:
        raise UserError(
            f"{place}: the record has neither {' nor '.join(CONTEXTS)}: is this a file with retrieved contexts?"
        )
    contexts = [_retrieved(context, f"{place}, {name}") for context in fields[name]]
    return FileRecord(place, [fold(fields[key]) for key in QUESTIONS if isinstance(fields.get(key), str)], contexts)


def _retrieved(context: Any, place: str) -> Retrieved:
    text = context.get("text") if isinstance(context, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{place}: {json.dumps(context)[:80]} has no `text`")
    title = context.get("title") or ""
    return Retrieved(f"{title}\n{text}" if title else text, str(context.get("id", "")), context.get("score"))
