"""HotpotQA (Yang et al., 2018), dev split: questions that need two Wikipedia articles."""

from functools import partial

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import MULTI_HOP_COLUMNS, multi_hop_question, questions_of_files
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open

BENCHMARK = Benchmark(
    "hotpotqa", "HotP", "multi_hop", "accuracy", size=7405,
    questions=partial(questions_of_files, build=multi_hop_question, columns=MULTI_HOP_COLUMNS),
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
