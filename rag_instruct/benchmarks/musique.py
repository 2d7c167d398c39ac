"""MuSiQue, answerable (Trivedi et al., 2022): two to four hops that cannot be skipped; dev."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import questions_of_files, unique
from rag_instruct.records import member
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open


def build(record: Any, number: int) -> Question:
    if not member(record, "answerable"):
        raise ValueError("it is not answerable: musique_ans_v1.0_dev.jsonl is wanted, not musique_full")
    supporting = [paragraph for paragraph in member(record, "paragraphs") if member(paragraph, "is_supporting")]
    return Question(
        id=str(member(record, "id")),
        question=member(record, "question"),
        answers=unique([member(record, "answer"), *member(record, "answer_aliases")]),
        gold_titles=unique(member(supporting, "title")),
    )


def questions(paths: list[Path]) -> Iterator[Question]:
    return questions_of_files(paths, build)


BENCHMARK = Benchmark(
    "musique", "MSQ", "multi_hop", "accuracy", size=2417, questions=questions,
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
