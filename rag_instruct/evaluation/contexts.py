"""The documents of every question of a benchmark: its own, retrieved ones, or a file's."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.evaluation.questioning import has_options
from rag_instruct.files import read_json, read_jsonl
from rag_instruct.logs import logger
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question

Row = dict[str, Any]  # id, origin, documents, passages
CONTEXTS = ("ctxs", "retrieval_ctxs")  # Self-RAG's name for them, and the original's
QUESTIONS = ("question", "instruction")
IDS = ("id", "q_id", "qid")


def queries(questions: Iterable[Question]) -> list[dict[str, str]]:
    """What is searched for: the questions that bring no documents of their own. Raises UserError when all do."""
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


def searched(questions: Sequence[Question], run: Run | None, count: int) -> Iterator[Row]:
    """Each question with its own documents, or the best `count` of a run over `queries`."""
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
        yield {
            "id": question.id,
            "origin": "search",
            "documents": [hit.passage.document for hit in hits],
            "passages": [{"id": hit.passage.id, "rank": hit.rank, "score": round(hit.score, 6)} for hit in hits],
        }


def given(questions: Sequence[Question], path: Path, count: int) -> Iterator[Row]:
    """Each question with the best `count` documents that a file has for it, in the file's order.

    Records are found by id, or else by the question's words. Raises UserError for a record of another form, and
    when questions are not in the file.
    """
    found = _contexts(path)
    rows = [_own(question) if question.documents else _given(question, found, count) for question in questions]
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


def _own(question: Question) -> Row:
    return {"id": question.id, "origin": "own", "documents": list(question.documents), "passages": []}


def _given(question: Question, found: dict[str, list[Row]], count: int) -> Row | None:
    contexts = found.get(f"id {question.id}") or found.get(f"question {_words(question.question)}")
    if contexts is None:
        return None
    best = contexts[:count]
    return {
        "id": question.id,
        "origin": "file",
        "documents": [context["document"] for context in best],
        "passages": [
            {"id": context["id"], "rank": rank, "score": context["score"]} for rank, context in enumerate(best, start=1)
        ],
    }


def _contexts(path: Path) -> dict[str, list[Row]]:
    """The documents by id and by question."""
    found: dict[str, list[Row]] = {}
    for number, record in enumerate(_records(path), start=1):
        place = f"{path}, record {number}"
        name = next((name for name in CONTEXTS if isinstance(record, dict) and name in record), None)
        if name is None:
            raise UserError(f"{place}: neither {' nor '.join(CONTEXTS)} in it: is this a file with retrieved contexts?")
        contexts = [_context(context, f"{place}, {name}") for context in record[name]]
        keys = [f"id {record[key]}" for key in IDS if key in record]
        keys += [f"question {_words(record[key])}" for key in QUESTIONS if isinstance(record.get(key), str)]
        if not keys:
            raise UserError(f"{place}: neither an id nor a question in it")
        for key in keys:
            found.setdefault(key, contexts)
    return found


def _records(path: Path) -> Iterator[Any]:
    """The records of JSON lines, or of one JSON list, as the original has it."""
    with path.open(encoding="utf-8") as file:
        first = file.read(1)
    if first != "[":
        return read_jsonl(path)
    records = read_json(path)
    return iter(records)


def _context(context: Any, place: str) -> Row:
    text = context.get("text") if isinstance(context, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{place}: {json.dumps(context)[:80]} has no `text`")
    title = context.get("title") or ""
    return {
        "document": f"{title}\n{text}" if title else text,
        "id": str(context.get("id", "")),
        "score": context.get("score"),
    }


def _words(question: str) -> str:
    return " ".join(question.casefold().split())
