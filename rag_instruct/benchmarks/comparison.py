"""Compare our scorer, the paper's scorer and a careful human on the same outputs."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from msgspec import convert

from rag_instruct.benchmarks import benchmark
from rag_instruct.files import read_text
from rag_instruct.schema import Question
from rag_instruct.tables import frame, markdown


class Case(NamedTuple):
    """An output with a careful human's score and reason."""

    benchmark: str
    question: Question
    output: str
    human: int  # 0 or 1
    why: str
    missed: bool  # our rule is known to be wrong here

    @property
    def ours(self) -> float:
        """Return the score by the benchmark's own rule."""
        return benchmark(self.benchmark).score(self.question, self.output)[benchmark(self.benchmark).metric]

    @property
    def paper(self) -> float:
        """Return the score by the paper's rule."""
        return benchmark(self.benchmark).paper_score(self.question, self.output)


def cases(path: Path) -> Iterator[Case]:
    """Yield the cases in the file <benchmark>.yaml."""
    data = yaml.safe_load(read_text(path))
    questions = {name: convert({"id": name, **fields}, Question) for name, fields in data["questions"].items()}
    for name, output, human, why, *missed in data["cases"]:
        yield Case(path.stem, questions[name], output, human, why, bool(missed))


def summary(found: Sequence[Case]) -> str:
    """Return a Markdown table: how often each scorer agrees with the human, by benchmark."""
    parts = {name: [case for case in found if case.benchmark == name] for name in (case.benchmark for case in found)}
    rows = (
        [name, len(part), sum(c.ours == c.human for c in part), sum(c.paper == c.human for c in part)]
        for name, part in {**parts, "all": found}.items()
    )
    return markdown(frame(["benchmark", "outputs", "ours agrees", "the paper's rule agrees"], rows))


def differences(found: Iterable[Case]) -> str:
    """Return a Markdown table of the outputs that the two scorers judge differently."""
    rows = (
        [case.benchmark, _code(case.question.answers[0]), _code(case.output), case.human, ours, paper, case.why]
        for case in found
        if (ours := int(case.ours)) != (paper := int(case.paper))
    )
    return markdown(frame(["benchmark", "answer", "output", "human", "ours", "paper", "why"], rows))


def _code(text: str) -> str:
    """Return the text as Markdown code in one line."""
    shown = " / ".join(line.strip() for line in text.split("\n") if line.strip()).replace("`", "'")
    return f"`{shown}`" if shown else "(empty)"
