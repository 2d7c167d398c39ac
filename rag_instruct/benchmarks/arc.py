"""ARC-Challenge (Clark et al., 2018), test split: school science questions that search and word statistics fail on."""

from functools import partial

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import choice_question, questions_of_files
from rag_instruct.scoring.paper import lone_letter_is_answer
from rag_instruct.scoring.scores import score_choice

BENCHMARK = Benchmark(
    "arc", "ARC", "choice", "exact_match", size=1172,
    questions=partial(questions_of_files, build=choice_question),
    score=score_choice, paper_score=lone_letter_is_answer,
)  # fmt: skip
