"""Score outputs by the benchmark's own rules and by the paper's rule."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from rag_instruct.benchmarks import Benchmark
from rag_instruct.evaluation.questioning import checked_rows
from rag_instruct.evaluation.records import ScoredOutput
from rag_instruct.files import read_jsonl
from rag_instruct.schema import Question


def scored(questions: Sequence[Question], outputs: Path, benchmark: Benchmark) -> Iterator[ScoredOutput]:
    """Yield the scores of each output in a .jsonl file. Raises UserError if the outputs belong to other questions."""
    for question, row in zip(questions, checked_rows(read_jsonl(outputs), questions, str(outputs)), strict=True):
        scores = {
            "id": question.id,
            **benchmark.score(question, row["output"]),
            "paper": benchmark.paper_score(question, row["output"]),
            "finish_reason": row["finish_reason"],
            "left_out": row["left_out"],
        }
        yield cast(ScoredOutput, scores)
