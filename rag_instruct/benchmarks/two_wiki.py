"""2WikiMultihopQA (Ho et al., 2020), dev split: questions that need two or more Wikipedia articles."""

from functools import partial

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import MULTI_HOP_COLUMNS, multi_hop_question, questions_of_files
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open

BENCHMARK = Benchmark(
    "two_wiki", "2WIKI", "multi_hop", "accuracy", size=12_576,
    questions=partial(questions_of_files, build=multi_hop_question, columns=MULTI_HOP_COLUMNS),
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
