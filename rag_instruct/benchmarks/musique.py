"""MuSiQue, answerable part (Trivedi et al., 2022), dev split: questions that need two to four reasoning steps."""

from functools import partial
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import questions_of_files
from rag_instruct.records import member
from rag_instruct.records.values import name_of, unique
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open


def build(record: Any, number: int) -> Question:
    if not member(record, "answerable"):
        raise ValueError("the question is not answerable: take musique_ans_v1.0_dev.jsonl, not musique_full")
    supporting = [paragraph for paragraph in member(record, "paragraphs") if member(paragraph, "is_supporting")]
    return Question(
        id=name_of(member(record, "id"), "id"),
        question=member(record, "question"),
        answers=unique([member(record, "answer"), *member(record, "answer_aliases")]),
        gold_titles=unique(member(supporting, "title")),
    )


BENCHMARK = Benchmark(
    "musique", "MSQ", "multi_hop", "accuracy", size=2417,
    questions=partial(questions_of_files, build=build),
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
