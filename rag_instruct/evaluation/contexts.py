"""Find the documents of a benchmark's questions: in the benchmark, by a search, or in a file of retrieved contexts."""

from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.evaluation.questioning import has_options
from rag_instruct.evaluation.records import Context, Passage
from rag_instruct.logs import logger
from rag_instruct.records import located_records, shown
from rag_instruct.records.values import is_missing, listed, name_of, text_of
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question
from rag_instruct.words import fold

# The keys of Self-RAG, RAG-Instruct, ALCE and Ragas. The first that a record has counts.
CONTEXTS = ("ctxs", "retrieval_ctxs", "docs", "retrieved_contexts")
QUESTIONS = ("question", "instruction", "user_input")
IDS = ("id", "q_id", "qid")


class FileRecord(NamedTuple):
    """The documents that a file lists for one question."""

    place: str  # file and line, for messages
    ids: list[str]
    questions: list[str]  # normalized question texts, one for each key of QUESTIONS that the record has
    contexts: list["Retrieved"]

    def may_ask(self, question: Question, all_texts: Container[str]) -> bool:
        """Return whether the record may be about this question, judged by the texts. True for a record without text.

        The texts must be equal, or one must contain the other, such as when the record adds an instruction. A text
        that equals another question's text does not count. `all_texts` has the normalized texts of all questions.
        """
        if not self.questions:
            return True
        own = fold(question.question)
        alike = [text for text in self.questions if text in own or own in text]
        return own in alike or any(text not in all_texts for text in alike)


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

    A record matches by its id, or else by the question's words. Raises UserError if a record has another form, if a
    record has the same id but another question, or if the file lacks questions.
    """
    found = _ByQuestion(path, questions)
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


def _of_file(question: Question, found: "_ByQuestion", count: int) -> Context | None:
    record = found.record(question)
    if record is None:
        return None
    best = record.contexts[:count]
    passages = [Passage(id=one.id, rank=rank, score=one.score) for rank, one in enumerate(best, start=1)]
    return Context(id=question.id, origin="file", documents=[one.document for one in best], passages=passages)


class _ByQuestion:
    """The records of a file, by id and by the words of their question."""

    def __init__(self, path: Path, questions: Sequence[Question]) -> None:
        self._texts = {fold(question.question) for question in questions}
        self._by_id: dict[str, FileRecord] = {}
        self._by_words: dict[str, FileRecord] = {}
        self._rivals: dict[str, FileRecord] = {}  # by words: a later record with this question and other documents
        for place, fields in located_records(path):
            self._add(_file_record(f"{path}, {place}", fields), len(questions))

    def _add(self, record: FileRecord, question_count: int) -> None:
        if not record.ids and not record.questions:
            raise UserError(f"{record.place}: the record has neither id nor question: add `id` or `question`")
        # Such ids often number the records of the file. Without a question text we cannot tell whether they fit.
        number = next((name for name in record.ids if name.isdecimal() and int(name) <= question_count), "")
        if number and not record.questions:
            raise UserError(
                f"{record.place}: the id {number} may be only a record number, and the record has no question: "
                "add `question` to the record"
            )
        for name in record.ids:
            earlier = self._by_id.setdefault(name, record)
            if earlier.contexts != record.contexts:
                raise UserError(
                    f"{record.place} has the id {name!r} of another record, {earlier.place}, and other documents: make "
                    "the ids unique"
                )
        for text in record.questions:
            if self._by_words.setdefault(text, record).contexts != record.contexts:
                self._rivals[text] = record

    def record(self, question: Question) -> FileRecord | None:
        """Return the record of a question, by its id or else by its words. Raises UserError if it is not certain."""
        record = self._by_id.get(question.id)
        if record and not record.may_ask(question, self._texts):
            raise UserError(
                f"{record.place} has the id {question.id!r} and asks {record.questions[0]!r:.80}, but the benchmark's "
                f"question with this id is {question.question!r:.80}: give the file of this benchmark, or remove the "
                "ids from the file; then records match by the question's words"
            )
        words = fold(question.question)
        if record is None and words in self._rivals:
            raise UserError(
                f"{self._rivals[words].place} asks the same as {self._by_words[words].place} and has other documents: "
                f"give the records the ids of the benchmark; this question's id is {question.id!r}"
            )
        return record or self._by_words.get(words)


def _file_record(place: str, fields: Any) -> FileRecord:
    name = next((name for name in CONTEXTS if isinstance(fields, dict) and name in fields), None)
    if name is None:
        raise UserError(
            f"{place}: the record has none of {', '.join(CONTEXTS)}: is this a file with retrieved contexts?"
        )
    try:
        given = listed(fields[name], name)
        if not isinstance(given, list):
            raise TypeError(f"{name} must be a list of documents, but is {shown(given)}")
        ids = [name_of(fields[key], key) for key in IDS if key in fields]
        questions = [fold(text_of(fields[key], key)) for key in QUESTIONS if key in fields]
        contexts = [_retrieved(context, name) for context in given]
    except TypeError as error:
        raise UserError(f"{place}: {error}: correct the record") from error
    return FileRecord(place, [one for one in ids if one], [one for one in questions if one], contexts)


def _retrieved(context: Any, name: str) -> Retrieved:
    context = {"text": context} if isinstance(context, str) else context
    text = text_of(context.get("text"), f"text in {name}") if isinstance(context, dict) else ""
    if not text.strip():
        raise TypeError(f"{shown(context)} in {name} has no `text`")
    title = text_of(context.get("title"), f"title in {name}")
    score = context.get("score")
    if not isinstance(score, str | int | float | None):
        raise TypeError(f"the score in {name} must be a number, but is {shown(score)}")
    document = f"{title}\n{text}" if title else text
    return Retrieved(document, name_of(context.get("id"), f"id in {name}"), None if is_missing(score) else score)
