"""What an evaluation says: scores with intervals, gains with tests, outputs that two scorers judge differently."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from rag_instruct.benchmarks import read_questions
from rag_instruct.errors import UserError
from rag_instruct.evaluation.intervals import interval, paired
from rag_instruct.files import digest, read_jsonl, read_text
from rag_instruct.schema import Question

SHOWN = 20  # disagreements in the tables
RULES = ("accuracy", "exact_match", "f1", "paper")
Scored = dict[str, Any]  # id, finish_reason, left_out, and a score from 0 to 1 by each of RULES


class Cell(NamedTuple):
    """Who was asked what, and how."""

    benchmark: str
    given: str
    model: str

    @classmethod
    def of(cls, path: Path) -> "Cell":
        """From a file's place, .../<benchmark>/<given>/<model>.scores.jsonl."""
        return cls(path.parent.parent.name, path.parent.name, path.name.split(".")[0])


class Comparison(NamedTuple):
    """Two cells over the same questions: what the second gained over the first."""

    kind: str  # documents: over closed book; training: over the base model
    before: Cell
    after: Cell


def scored(
    questions: Sequence[Question],
    outputs: Iterable[dict[str, Any]],
    score: Callable[[Question, str], dict[str, float]],
    paper_score: Callable[[Question, str], float],
) -> Iterator[Scored]:
    """A row of scores for every output. Raises UserError when the outputs are of other questions."""
    rows = list(outputs)
    if [row["id"] for row in rows] != [question.id for question in questions]:
        raise UserError(
            f"{len(rows):,} outputs are not those of the {len(questions):,} questions: delete the file of outputs; "
            "answers that are kept already are not made again"
        )
    for question, row in zip(questions, rows, strict=True):
        yield {
            "id": question.id,
            **score(question, row["output"]),
            "paper": paper_score(question, row["output"]),
            "finish_reason": row["finish_reason"],
            "left_out": row["left_out"],
        }


class Evaluation:
    """All scores of a data set's evaluation; `described` says of models and benchmarks what config.yaml does."""

    def __init__(self, scores: Sequence[Path], described: Mapping[str, Any]) -> None:
        self.metrics = {name: benchmark["metric"] for name, benchmark in described["benchmarks"].items()}
        self.bases = {name: model.get("base", "") for name, model in described["models"].items()}
        self.rows = {Cell.of(path): list(read_jsonl(path)) for path in scores}

    def values(self, cell: Cell, rule: str) -> np.ndarray:
        """The scores of a cell by one rule, in the order of the questions."""
        return np.array([row[rule] for row in self.rows[cell]], dtype=float)

    def results(self) -> list[dict[str, Any]]:
        """One entry a cell: its scores by every rule with their intervals, in percent, and what was counted."""
        return [self._result(cell) for cell in self.rows]

    def _result(self, cell: Cell) -> dict[str, Any]:
        rows = self.rows[cell]
        return {
            **cell._asdict(),
            "n": len(rows),
            "metric": self.metrics[cell.benchmark],
            "scores": {rule: _summary(self.values(cell, rule)) for rule in RULES},
            "failed": sum(row["finish_reason"] == "failed" for row in rows),
            "cut_off": sum(row["finish_reason"] == "length" for row in rows),
            "documents_left_out": sum(row["left_out"] for row in rows),
        }

    def comparisons(self) -> Iterator[Comparison]:
        """Documents against none, then trained against base, wherever both were asked."""
        for cell in self.rows:
            if cell.given == "with_documents" and (bare := cell._replace(given="closed_book")) in self.rows:
                yield Comparison("documents", bare, cell)
        for cell in self.rows:
            base = cell._replace(model=self.bases.get(cell.model, ""))
            if base in self.rows:
                yield Comparison("training", base, cell)

    def gains(self) -> list[dict[str, Any]]:
        """The comparisons by each benchmark's own rule, in percentage points, with a paired test."""
        return [self._gain(comparison) for comparison in self.comparisons()]

    def _gain(self, comparison: Comparison) -> dict[str, Any]:
        before, after = comparison.before, comparison.after
        rule = self.metrics[after.benchmark]
        made = paired(self.values(before, rule), self.values(after, rule))
        return {
            "kind": comparison.kind,
            "benchmark": after.benchmark,
            "before": {"model": before.model, "given": before.given},
            "after": {"model": after.model, "given": after.given},
            "n": len(self.rows[after]),
            **percent(made.difference, made.low, made.high),
            "p": round(made.p, 4),
        }

    def disagreements(self) -> Iterator[dict[str, Any]]:
        """Where the paper's rule and ours of the same benchmark differ, by cell and question."""
        for cell, rows in self.rows.items():
            rule = self.metrics[cell.benchmark]
            for row in rows:
                if row[rule] != row["paper"]:
                    yield {**cell._asdict(), "id": row["id"], "ours": row[rule], "paper": row["paper"]}


class Answers:
    """The outputs and the questions behind the scores, for those who read them."""

    def __init__(self, outputs: Sequence[Path], questions: Sequence[Path]) -> None:
        self.questions = {path.parent.name: {q.id: q for q in read_questions(path)} for path in questions}
        self.outputs = {Cell.of(path): {row["id"]: row for row in read_jsonl(path)} for path in outputs}

    def joined(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a cell and question with what was asked, what was said and what was wanted."""
        question = self.questions[row["benchmark"]][row["id"]]
        said = self.outputs[Cell(row["benchmark"], row["given"], row["model"])][row["id"]]
        return {**row, "question": question.question, "answers": list(question.answers), "output": said["output"]}


def published(path: Path, described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What others published on the benchmarks of this evaluation."""
    rows = [
        {"label": row["label"], "scores": {k: v for k, v in row["scores"].items() if k in described["benchmarks"]}}
        for row in yaml.safe_load(read_text(path))["models"]
    ]
    return [row for row in rows if row["scores"]]


def table(
    evaluation: Evaluation,
    described: Mapping[str, Any],
    retrieval: Mapping[str, Any],
    disagreements: Sequence[dict[str, Any]],
    others: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """All that results/<dataset>/evaluation.json has."""
    results = evaluation.results()
    sizes = {result["benchmark"]: result["n"] for result in results}
    drawn = sorted(disagreements, key=lambda row: digest(row["benchmark"], row["id"], row["model"], row["given"]))
    return {
        **described,
        "benchmarks": {name: {**about, "n": sizes[name]} for name, about in described["benchmarks"].items()},
        "results": results,
        "gains": evaluation.gains(),
        "retrieval": dict(retrieval),
        "disagreements": {"count": len(disagreements), "first": drawn[:SHOWN]},
        "published": list(others),
    }


def _summary(values: np.ndarray) -> dict[str, float]:
    stderr = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {**percent(float(values.mean()), *interval(values)), "stderr": round(100 * stderr, 4)}


def percent(value: float, low: float, high: float) -> dict[str, float]:
    """A share as a percentage with its interval."""
    return {"value": round(100 * value, 2), "low": round(100 * low, 2), "high": round(100 * high, 2)}
