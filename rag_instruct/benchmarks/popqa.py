"""PopQA (Mallen et al., 2023), long tail: questions about a subject whose page has under 100 views a month."""

from functools import partial
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import questions_of_files
from rag_instruct.records import member
from rag_instruct.records.values import listed, name_of, unique
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open

LONG_TAIL = 100  # questions are left out if the subject's page has at least this many views a month
COLUMNS = ("id", "question", "possible_answers", "s_pop", "s_wiki_title")


def build(record: Any, number: int) -> Question | None:
    if int(member(record, "s_pop")) >= LONG_TAIL:
        return None
    return Question(
        id=name_of(member(record, "id"), "id"),
        question=member(record, "question"),
        answers=unique(listed(member(record, "possible_answers"), "possible_answers")),
        gold_titles=unique([record.get("s_wiki_title") or ""]),
    )


BENCHMARK = Benchmark(
    "popqa", "PQA", "open", "accuracy", size=1399,
    questions=partial(questions_of_files, build=build, columns=COLUMNS),
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
