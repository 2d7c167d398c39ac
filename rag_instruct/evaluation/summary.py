"""Build results/<dataset>/evaluation.json: results, sample disagreements and published scores."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from rag_instruct.evaluation.records import Description, Disagreement, Disagreements, Output, Published, Summary
from rag_instruct.evaluation.results import Cell, Disputed, Evaluation
from rag_instruct.files import digest, read_jsonl, read_text
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question

SHOWN = 20  # disagreements in evaluation.json


class Answers:
    """The questions of an evaluation by benchmark and id, and its outputs, which stay in their files."""

    def __init__(self, outputs: Sequence[Path], questions: Sequence[Path]) -> None:
        self.questions: dict[str, dict[str, Question]] = {
            path.parent.name: {question.id: question for question in read_records(path, Question)} for path in questions
        }
        self._outputs = {Cell.of(path): path for path in outputs}

    def outputs(self, cell: Cell, ids: Container[str]) -> dict[str, Output]:
        """Read the outputs of a cell for these questions. All outputs together may be larger than the memory."""
        return by_id(self._outputs[cell], ids)

    def joined(self, disputed: Iterable[Disputed]) -> Iterator[Disagreement]:
        """Yield the disagreements with their questions, answers and outputs.

        `disputed` has those of a cell one after another, so that each outputs file is read once.
        """
        for cell, found in groupby(disputed, lambda one: one.cell):
            ours = {one.id: one for one in found}
            outputs = self.outputs(cell, ours)
            for one in ours.values():
                question = self.questions[cell.benchmark][one.id]
                yield Disagreement(
                    benchmark=cell.benchmark,
                    given=cell.given,
                    model=cell.model,
                    id=one.id,
                    ours=one.ours,
                    paper=one.paper,
                    question=question.question,
                    answers=list(question.answers),
                    output=outputs[one.id]["output"],
                )


def by_id(path: Path, ids: Container[str]) -> dict[str, Any]:
    """Read the records of a .jsonl file that have one of these ids."""
    return {record["id"]: record for record in read_jsonl(path) if record["id"] in ids}


def published(path: Path, benchmarks: Mapping[str, Any]) -> list[Published]:
    """Return the published scores in the YAML file `path` for these benchmarks.

    A user's own set may have a benchmark's name, so only a set that the benchmark's own file reads has its scores.
    """
    named = {name for name, about in benchmarks.items() if about["schema"] == name}
    rows = [
        Published(label=row["label"], scores={k: v for k, v in row["scores"].items() if k in named})
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
    by_digest = sorted(disagreements, key=lambda row: digest(row["benchmark"], row["id"], row["model"], row["given"]))
    return Summary(
        dataset=described["dataset"],
        models=described["models"],
        benchmarks={name: {**about, "n": sizes[name]} for name, about in described["benchmarks"].items()},
        asked=described["asked"],
        results=results,
        gains=evaluation.gains(),
        retrieval=dict(retrieval),
        disagreements=Disagreements(count=len(disagreements), first=by_digest[:SHOWN]),
        published=list(others),
    )
