"""Measure retrieval: the recall of known gold passages, and how often the documents contain an answer."""

import html
import math
import unicodedata
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

    Both are means from 0 to 1, by depth k. Each has its number of questions.

    The benchmark names gold passages by id or by article title. With a title, any passage of the article counts.
    Questions with their own documents are ignored. The share with an answer is DPR's top-k accuracy, which needs no
    gold passages. Questions with the answer yes or no count too, so the share is low for HotpotQA and 2WikiMultihopQA.
    """
    retrieved = {context["id"]: context for context in contexts if context["origin"] != "own"}
    asked = [question for question in questions if question.id in retrieved]
    with_gold = [one for one in asked if gold_of(one) and not _lacks_ids(one, retrieved[one.id])]
    most = max((len(context["documents"]) for context in retrieved.values()), default=0)
    depths = sorted({most, *(depth for depth in DEPTHS if depth <= most)} - {0})
    with_free_answers = [question for question in asked if not question.choices]
    ranks = [_rank_of_answer(question, retrieved[question.id]["documents"]) for question in with_free_answers]
    return {
        "questions": len(with_gold),
        "recall": {depth: _recall(with_gold, retrieved, depth) for depth in depths if with_gold},
        "questions_with_free_answers": len(with_free_answers),
        "answer_in_documents": {
            depth: round(sum(rank < depth for rank in ranks) / len(ranks), 4) for depth in depths if ranks
        },
    }


def _lacks_ids(question: Question, context: Context) -> bool:
    """Return whether the gold has ids, but the retrieved passages have none, as in some files of contexts.

    A question for which nothing was retrieved counts with a recall of 0.
    """
    passages = context["passages"]
    return bool(question.gold_passage_ids) and bool(passages) and not any(passage["id"] for passage in passages)


def _recall(questions: Sequence[Question], retrieved: Mapping[str, Context], depth: int) -> float:
    """Return the mean share of gold passages (or articles) that are among the first `depth` documents."""
    qrels = [Qrel(question.id, gold, 1) for question in questions for gold in gold_of(question)]
    run = [scored for question in questions for scored in _scored_documents(question, retrieved[question.id])]
    return round(ir_measures.calc_aggregate([R @ depth], qrels, run)[R @ depth], 4) if run else 0.0


def gold_of(question: Question) -> list[str]:
    """Return the ids of the question's gold passages, or else the titles of their articles, or nothing."""
    return list(question.gold_passage_ids) or list(dict.fromkeys(map(title_of, question.gold_titles)))


def _scored_documents(question: Question, context: Context) -> Iterator[ScoredDoc]:
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
    """Return a document's title in the form in which we compare it with gold titles. HotpotQA writes & as &amp;."""
    title = html.unescape(unicodedata.normalize("NFC", document.split("\n", 1)[0]))
    return " ".join(title.casefold().replace("_", " ").split())


def _rank_of_answer(question: Question, documents: Sequence[str]) -> float:
    """Return the rank, from 0, of the first document that contains an answer, or infinity."""
    accepted = forms(question.answers)
    for rank, document in enumerate(documents):
        if any(mentions(canonical(document), accepted)):
            return rank
    return math.inf
