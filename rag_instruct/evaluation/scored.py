"""The scores of outputs, by the benchmark's own rules and by the paper's."""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from rag_instruct.benchmarks import Benchmark
from rag_instruct.errors import UserError
from rag_instruct.evaluation.records import Output, ScoredOutput
from rag_instruct.schema import Question


def scored(questions: Sequence[Question], outputs: Iterable[Output], benchmark: Benchmark) -> Iterator[ScoredOutput]:
    """Yield the scores of every output. Raises UserError when the outputs belong to other questions."""
    rows = list(outputs)
    if [row["id"] for row in rows] != [question.id for question in questions]:
        raise UserError(
            f"{len(rows):,} outputs are not those of the {len(questions):,} questions: delete the file of outputs and "
            "run again; kept answers are not generated again"
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
