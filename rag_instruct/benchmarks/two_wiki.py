"""2WikiMultihopQA (Ho et al., 2020), dev split: questions that need two or more Wikipedia articles."""

from collections.abc import Iterator
from pathlib import Path

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import MULTI_HOP_COLUMNS, multi_hop_question, questions_of_files
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open


def questions(paths: list[Path]) -> Iterator[Question]:
    return questions_of_files(paths, multi_hop_question, MULTI_HOP_COLUMNS)


BENCHMARK = Benchmark(
    "two_wiki", "2WIKI", "multi_hop", "accuracy", size=12_576, questions=questions,
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
