"""Measure retrieval: the recall of known gold passages, and how often the documents contain an answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import ir_measures
from ir_measures import Qrel, R, ScoredDoc

from rag_instruct.evaluation.records import Context
from rag_instruct.schema import Question
from rag_instruct.scoring.mentions import forms, mentions
from rag_instruct.scoring.spelling import canonical

DEPTHS = (1, 5, 10, 20, 50, 100)


def quality(questions: Sequence[Question], contexts: Iterable[Context]) -> dict[str, Any]:
    """Return the recall@k of gold passages, and the share of questions whose first k documents contain an answer.

    Both are shares from 0 to 1, by depth k, beside the numbers of questions that they are means over.

    The benchmark names gold passages by id or by article title. With a title, any passage of the article counts.
    Questions with their own documents are ignored. The share with an answer is DPR's top-k accuracy, which needs no
    gold passages.
    """
    retrieved = {context["id"]: context for context in contexts if context["origin"] != "own"}
    asked = [question for question in questions if question.id in retrieved]
    with_gold = [question for question in asked if question.gold_passage_ids or question.gold_titles]
    most = max((len(context["documents"]) for context in retrieved.values()), default=0)
    depths = sorted({most, *(depth for depth in DEPTHS if depth <= most)} - {0})
    open_ones = [question for question in asked if not question.choices]
    return {
        "questions": len(with_gold),
        "recall": {depth: _recall(with_gold, retrieved, depth) for depth in depths if with_gold},
        "questions_with_free_answers": len(open_ones),
        "answer_in_documents": {depth: _answered(open_ones, retrieved, depth) for depth in depths if open_ones},
    }


def _recall(questions: Sequence[Question], retrieved: Mapping[str, Context], depth: int) -> float:
    """Return the mean share of gold passages (or articles) that are among the first `depth` documents."""
    qrels = [Qrel(question.id, gold, 1) for question in questions for gold in gold_of(question)]
    run = [scored for question in questions for scored in _ranking(question, retrieved[question.id])]
    return round(ir_measures.calc_aggregate([R @ depth], qrels, run)[R @ depth], 4) if run else 0.0


def gold_of(question: Question) -> list[str]:
    """Return the ids of the question's gold passages, or else the titles of their articles, or nothing."""
    return list(question.gold_passage_ids) or list(dict.fromkeys(map(title_of, question.gold_titles)))


def _ranking(question: Question, context: Context) -> Iterator[ScoredDoc]:
    by_id = bool(question.gold_passage_ids)
    names = [passage["id"] for passage in context["passages"]] if by_id else map(title_of, context["documents"])
    return ranking(question.id, names)


def ranking(question: str, names: Iterable[str]) -> Iterator[ScoredDoc]:
    """Yield a question's documents by their passage ids, or by titles if the gold is titles.

    A repeated title keeps its rank but counts for nothing, because an article counts once.
    """
    seen: set[str] = set()
    for rank, name in enumerate(names):
        yield ScoredDoc(question, f"{name}\n{rank}" if name in seen else name, -rank)
        seen.add(name)


def title_of(document: str) -> str:
    """Return a document's title as gold titles are compared."""
    return " ".join(document.split("\n", 1)[0].casefold().replace("_", " ").split())


def _answered(questions: Sequence[Question], retrieved: Mapping[str, Context], depth: int) -> float:
    hits = sum(_has_answer(question, retrieved[question.id]["documents"][:depth]) for question in questions)
    return round(hits / len(questions), 4)


def _has_answer(question: Question, documents: Sequence[str]) -> bool:
    accepted = forms(question.answers)
    return any(True for document in documents for _ in mentions(canonical(document), accepted))
