"""Build results/<dataset>/evaluation.json: results, sample disagreements and published scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.records import Description, Disagreement, Disagreements, Output, Published, Summary
from rag_instruct.evaluation.results import Cell, Disputed, Evaluation
from rag_instruct.files import digest, read_jsonl, read_text
from rag_instruct.schema import Question

SHOWN = 20  # disagreements in evaluation.json


class Answers:
    """The questions and the outputs of an evaluation, by id."""

    def __init__(self, outputs: Sequence[Path], questions: Sequence[Path]) -> None:
        self.questions: dict[str, dict[str, Question]] = {
            path.parent.name: {question.id: question for question in read_questions(path)} for path in questions
        }
        self.outputs: dict[Cell, dict[str, Output]] = {
            Cell.of(path): {row["id"]: row for row in read_jsonl(path)} for path in outputs
        }

    def joined(self, disputed: Disputed) -> Disagreement:
        """Return the disagreement with its question, answers and output."""
        cell, question = disputed.cell, self.questions[disputed.cell.benchmark][disputed.id]
        return Disagreement(
            benchmark=cell.benchmark,
            given=cell.given,
            model=cell.model,
            id=question.id,
            ours=disputed.ours,
            paper=disputed.paper,
            question=question.question,
            answers=list(question.answers),
            output=self.outputs[cell][question.id]["output"],
        )


def published(path: Path, benchmarks: Mapping[str, Any]) -> list[Published]:
    """Return the published scores in the YAML file `path` for these benchmarks."""
    rows = [
        Published(label=row["label"], scores={k: v for k, v in row["scores"].items() if k in benchmarks})
        for row in yaml.safe_load(read_text(path))["models"]
    ]
    return [row for row in rows if row["scores"]]


def summary(
    evaluation: Evaluation,
    described: Description,
    retrieval: Mapping[str, dict[str, Any]],
    disagreements: Sequence[Disagreement],
    others: Sequence[Published],
) -> Summary:
    """Return the content of evaluation.json. Its sample of disagreements is the same in every build."""
    results = evaluation.results()
    sizes = {result["benchmark"]: result["n"] for result in results}
    drawn = sorted(disagreements, key=lambda row: digest(row["benchmark"], row["id"], row["model"], row["given"]))
    return Summary(
        dataset=described["dataset"],
        models=described["models"],
        benchmarks={name: {**about, "n": sizes[name]} for name, about in described["benchmarks"].items()},
        asked=described["asked"],
        results=results,
        gains=evaluation.gains(),
        retrieval=dict(retrieval),
        disagreements=Disagreements(count=len(disagreements), first=drawn[:SHOWN]),
        published=list(others),
    )
