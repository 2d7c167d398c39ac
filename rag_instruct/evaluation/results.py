"""Compute an evaluation's results: means with intervals, gains with paired tests, disagreements of two rules."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rag_instruct.evaluation.intervals import interval, paired
from rag_instruct.evaluation.records import Contestant, Description, Estimate, Gain, Result, Score, ScoredOutput
from rag_instruct.files import read_jsonl

RULES = ("accuracy", "exact_match", "f1", "paper")


class Cell(NamedTuple):
    """One model on one benchmark, with documents or without."""

    benchmark: str
    given: str
    model: str

    @classmethod
    def of(cls, path: Path) -> "Cell":
        """Return the cell of a file .../<benchmark>/<given>/<model>.<scores or outputs>.jsonl."""
        return cls(path.parent.parent.name, path.parent.name, path.name.split(".")[0])

    @property
    def contestant(self) -> Contestant:
        """Return the cell without its benchmark."""
        return Contestant(model=self.model, given=self.given)


class Disputed(NamedTuple):
    """An output that the benchmark's own rule and the paper's rule score differently, by its id only.

    `Answers.joined` adds the texts, which makes it a Disagreement.
    """

    cell: Cell
    id: str
    ours: float
    paper: float


class Evaluation:
    """All scores of a data set's evaluation."""

    def __init__(self, scores: Sequence[Path], described: Description) -> None:
        self.metrics = {name: str(benchmark["metric"]) for name, benchmark in described["benchmarks"].items()}
        self.bases = {name: str(model.get("base", "")) for name, model in described["models"].items()}
        self.rows: dict[Cell, list[ScoredOutput]] = {Cell.of(path): list(read_jsonl(path)) for path in scores}

    def values(self, cell: Cell, rule: str) -> np.ndarray:
        """Return the scores of a cell by one rule, in the order of the questions."""
        rows: Sequence[Mapping[str, Any]] = self.rows[cell]
        return np.array([row[rule] for row in rows], dtype=float)

    def own(self, cell: Cell) -> np.ndarray:
        """Return the scores of a cell by its benchmark's own rule."""
        return self.values(cell, self.metrics[cell.benchmark])

    def results(self) -> list[Result]:
        """Return for each cell the scores by every rule, in percent with intervals, and the counts."""
        return [self._result(cell) for cell in self.rows]

    def _result(self, cell: Cell) -> Result:
        rows = self.rows[cell]
        return Result(
            benchmark=cell.benchmark,
            given=cell.given,
            model=cell.model,
            n=len(rows),
            metric=self.metrics[cell.benchmark],
            scores={rule: _mean(self.values(cell, rule)) for rule in RULES},
            failed=sum(row["finish_reason"] == "failed" for row in rows),
            cut_off=sum(row["finish_reason"] == "length" for row in rows),
            documents_left_out=sum(row["left_out"] for row in rows),
        )

    def gains(self) -> list[Gain]:
        """Return all gains by each benchmark's own rule, in percentage points, with a paired test.

        Gains of documents over closed book come first, then those of trained over base models. Both cells must exist.
        """
        documents = [
            self._gain("documents", bare, cell)
            for cell in self.rows
            if cell.given == "with_documents" and (bare := cell._replace(given="closed_book")) in self.rows
        ]
        training = [
            self._gain("training", base, cell)
            for cell in self.rows
            if (base := cell._replace(model=self.bases.get(cell.model, ""))) in self.rows
        ]
        return documents + training

    def _gain(self, kind: str, before: Cell, after: Cell) -> Gain:
        made = paired(self.own(before), self.own(after))
        return Gain(
            kind=kind,
            benchmark=after.benchmark,
            before=before.contestant,
            after=after.contestant,
            n=len(self.rows[after]),
            **_percent(made.difference, made.low, made.high),
            p=round(made.p, 4),
        )

    def disputed(self) -> Iterator[Disputed]:
        """Yield the outputs that the benchmark's own rule and the paper's rule score differently."""
        for cell, rows in self.rows.items():
            for row, ours in zip(rows, self.own(cell), strict=True):
                if ours != row["paper"]:
                    yield Disputed(cell, row["id"], float(ours), row["paper"])


def _mean(values: np.ndarray) -> Score:
    stderr = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Score(**_percent(float(values.mean()), *interval(values)), stderr=round(100 * stderr, 4))


def _percent(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=round(100 * value, 2), low=round(100 * low, 2), high=round(100 * high, 2))
