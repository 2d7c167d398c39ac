"""Score outputs by the benchmark's own rules and by the paper's rule."""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from rag_instruct.benchmarks import Benchmark
from rag_instruct.errors import UserError
from rag_instruct.evaluation.records import Output, ScoredOutput
from rag_instruct.schema import Question


def scored(questions: Sequence[Question], outputs: Iterable[Output], benchmark: Benchmark) -> Iterator[ScoredOutput]:
    """Yield the scores of each output. Raises UserError if the outputs belong to other questions."""
    rows = list(outputs)
    if [row["id"] for row in rows] != [question.id for question in questions]:
        raise UserError(
            f"the ids of the {len(rows):,} outputs do not match those of the {len(questions):,} questions: delete the "
            ".outputs.jsonl file and run again; answers in the store are not generated again"
        )
    for question, row in zip(questions, rows, strict=True):
        scores = {
            "id": question.id,
            **benchmark.score(question, row["output"]),
            "paper": benchmark.paper_score(question, row["output"]),
            "finish_reason": row["finish_reason"],
            "left_out": row["left_out"],
        }
        yield cast(ScoredOutput, scores)
