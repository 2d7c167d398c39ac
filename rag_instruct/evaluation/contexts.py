"""The documents of a benchmark's questions: their own, those of a search, or those of a file."""

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

CONTEXTS = ("ctxs", "retrieval_ctxs")  # Self-RAG's name for them, and the original's
QUESTIONS = ("question", "instruction")
IDS = ("id", "q_id", "qid")


class FileRecord(NamedTuple):
    """The documents that a file has for one question."""

    place: str
    questions: list[str]  # the question's folded words, by each name that the record has for it
    contexts: list["Retrieved"]

    def asks(self, question: Question) -> bool:
        """Return whether the record is of this question, as far as it says; either may have more words around it."""
        own = fold(question.question)
        return not self.questions or any(text in own or own in text for text in self.questions if text)


class Retrieved(NamedTuple):
    """A document of a file of retrieved contexts."""

    document: str
    id: str
    score: Any


def queries(questions: Iterable[Question]) -> list[dict[str, str]]:
    """Return the queries of the questions without documents. Raises UserError when all have documents."""
    found = [
        {"id": question.id, "question": question.asked if has_options(question) else question.question}
        for question in questions
        if not question.documents
    ]
    if not found:
        raise UserError(
            "every question has documents of its own, so there is nothing to search for: give the benchmark "
            "`kind: own_context` in config.yaml"
        )
    return found


def from_search(questions: Sequence[Question], run: Run | None, count: int) -> Iterator[Context]:
    """Yield each question with its own documents, or with the best `count` of a run over `queries`."""
    for question in questions:
        if question.documents:
            yield _own(question)
            continue
        if run is None:
            raise UserError(
                f"question {question.id} has no documents of its own, and there is no search: give the benchmark "
                "another kind than own_context in config.yaml"
            )
        hits = run.hits(question.id)[:count]
        passages = [Passage(id=hit.passage.id, rank=hit.rank, score=round(hit.score, 6)) for hit in hits]
        documents = [hit.passage.document for hit in hits]
        yield Context(id=question.id, origin="search", documents=documents, passages=passages)


def from_file(questions: Sequence[Question], path: Path, count: int) -> Iterator[Context]:
    """Yield each question with its own documents, or with the first `count` that a file has for it.

    A record is found by its id and asks the same question, or it is found by the question's words. Raises UserError for
    a record of another form, for an id whose record asks another question, and when the file lacks questions.
    """
    found = _by_question(path, len(questions))
    rows = [_own(question) if question.documents else _of_file(question, found, count) for question in questions]
    lacking = [question.id for question, row in zip(questions, rows, strict=True) if row is None]
    if lacking:
        raise UserError(
            f"{path}: no documents for {len(lacking):,} of {len(questions):,} questions, the first is {lacking[0]!r}: "
            "is it the file of this benchmark? Records are found by id, or by the question's words"
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
            f"{record.place} has the id {question.id!r} and asks {record.questions[0]!r:.80}, but the question of this "
            f"id is {question.question!r:.80}: give the file of this benchmark, or remove the ids: then records are "
            "found by the question's words"
        )
    record = record or found.get(f"question {fold(question.question)}")
    if record is None:
        return None
    best = record.contexts[:count]
    passages = [Passage(id=one.id, rank=rank, score=one.score) for rank, one in enumerate(best, start=1)]
    return Context(id=question.id, origin="file", documents=[one.document for one in best], passages=passages)


def _by_question(path: Path, count: int) -> dict[str, FileRecord]:
    """Return a file's records by the question's id, and by its words; `count` is the number of questions."""
    found: dict[str, FileRecord] = {}
    for place, fields in located_records(path):
        record = _file_record(f"{path}, {place}", fields)
        ids = [str(fields[key]) for key in IDS if key in fields]
        if not ids and not record.questions:
            raise UserError(f"{record.place}: neither an id nor a question in it: give it `id` or `question`")
        if not record.questions and any(name.isdecimal() and int(name) <= count for name in ids):
            raise UserError(
                f"{record.place}: the id {ids[0]} may be a mere number, and there is no question to compare: "
                "give the record its `question`"
            )
        for key in [*(f"id {name}" for name in ids), *(f"question {text}" for text in record.questions)]:
            found.setdefault(key, record)
    return found


def _file_record(place: str, fields: Any) -> FileRecord:
    name = next((name for name in CONTEXTS if isinstance(fields, dict) and name in fields), None)
    if name is None:
        raise UserError(f"{place}: neither {' nor '.join(CONTEXTS)} in it: is this a file with retrieved contexts?")
    contexts = [_retrieved(context, f"{place}, {name}") for context in fields[name]]
    return FileRecord(place, [fold(fields[key]) for key in QUESTIONS if isinstance(fields.get(key), str)], contexts)


def _retrieved(context: Any, place: str) -> Retrieved:
    text = context.get("text") if isinstance(context, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{place}: {json.dumps(context)[:80]} has no `text`")
    title = context.get("title") or ""
    return Retrieved(f"{title}\n{text}" if title else text, str(context.get("id", "")), context.get("score"))
