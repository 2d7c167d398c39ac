"""OpenBookQA (Mihaylov et al., 2018), test split: school science with four options, without the book's facts."""

from functools import partial

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import choice_question, questions_of_files
from rag_instruct.scoring.paper import lone_letter_is_answer
from rag_instruct.scoring.scores import score_choice

BENCHMARK = Benchmark(
    "openbookqa", "OBQA", "choice", "exact_match", size=500,
    questions=partial(questions_of_files, build=choice_question),
    score=score_choice, paper_score=lone_letter_is_answer,
)  # fmt: skip
