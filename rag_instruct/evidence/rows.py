"""Draw the rows to measure, and choose the texts of each row that are measured."""

from collections.abc import Iterable

from rag_instruct.citations import plain_answer
from rag_instruct.evidence.weighing import RowTexts
from rag_instruct.files import digest
from rag_instruct.schema import Row
from rag_instruct.words import added_words, content, share

LEAST_SHARE = 0.3  # a noise document is measured if it has at least this share of the answer's words


def sampled(rows: Iterable[Row], most: int, seed: str) -> list[Row]:
    """Return at most `most` rows, chosen by a hash of the seed and the ids, in the order of the rows.

    We leave out rows that decline to answer: the document with the answer was withheld from them.
    """
    answered = [row for row in rows if not row.withheld_answer]
    chosen = {row.id for row in sorted(answered, key=lambda row: digest(seed, "evidence", row.id))[:most]}
    return [row for row in answered if row.id in chosen]


def row_texts(row: Row) -> RowTexts:
    """Return the texts of a row that are measured.

    We leave out noise documents with few of the answer's words, because they probably do not state the answer. Words of
    the question do not count, but words of its options do. We remove citations from the answer, because their numbers
    say which document helps.
    """
    answer = plain_answer(row)
    words = added_words(row.question, answer)
    documents: dict[str, dict[str, str]] = {"source": {}, "noise": {}}
    for passage, text in zip(row.passages, row.documents, strict=True):
        if passage.role == "source" or share(words, content(text)) >= LEAST_SHARE:
            documents[passage.role][passage.id] = text
    return RowTexts(row.id, row.paradigm, row.question, answer, documents["source"], documents["noise"])
