"""ARC-Challenge (Clark et al., 2018), test split: school science questions that search and word statistics fail on."""

from collections.abc import Iterator
from pathlib import Path

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import choice_question, questions_of_files
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import lone_letter_is_answer
from rag_instruct.scoring.scores import score_choice


def questions(paths: list[Path]) -> Iterator[Question]:
    return questions_of_files(paths, choice_question)


BENCHMARK = Benchmark(
    "arc", "ARC", "choice", "exact_match", size=1172, questions=questions,
    score=score_choice, paper_score=lone_letter_is_answer,
)  # fmt: skip
