"""The benchmarks, one file each: how a record becomes a question, and how an output is scored.

Each file in this folder is a benchmark with the file's name and a `BENCHMARK`, except the shared modules.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import Question
from rag_instruct.settings import hint

SHARED = {"records", "settings", "comparison"}  # modules of this folder that are not benchmarks


class Benchmark(NamedTuple):
    """A benchmark: its questions, and the scores of an output."""

    name: str
    label: str  # the paper's short name
    kind: str  # open, choice, closed, multi_hop or own_context
    metric: str  # which score is the table's: accuracy or exact_match
    size: int  # questions of the whole set; 0: any number
    questions: Callable[[list[Path]], Iterator[Question]]
    score: Callable[[Question, str], dict[str, float]]  # accuracy, exact_match and f1, each 0 to 1
    paper_score: Callable[[Question, str], float]  # by the rules of the paper's code, for comparison


def names() -> list[str]:
    """Return the known benchmarks."""
    return sorted({module.name for module in pkgutil.iter_modules(__path__)} - SHARED)


def benchmark(name: str) -> Benchmark:
    """Return the benchmark of a file in this folder. Raises UserError for another name."""
    if name not in names():
        raise UserError(
            f"config.yaml: benchmarks: no benchmark {name!r}: {hint(name, names())} (for a new one add "
            f"rag_instruct/benchmarks/{name}.py, or set `schema: own` for a file with question and answers)"
        )
    found: Benchmark = importlib.import_module(f"{__name__}.{name}").BENCHMARK
    return found


def write(path: Path, questions: Iterable[Question]) -> int:
    """Write questions as JSON lines without empty fields, and return their number."""
    return write_records(path, questions)


def read_questions(path: Path) -> Iterator[Question]:
    """Yield the questions that `write` wrote."""
    return read_records(path, Question)


def refuse_repeated_ids(questions: Iterable[Question], place: str) -> None:
    """Raise UserError when two questions have the same id, by which their outputs are found."""
    twice = [name for name, count in Counter(q.id for q in questions).items() if count > 1]
    if twice:
        raise UserError(f"{place}: {len(twice)} ids occur twice, {twice[0]!r} among them: make ids unique")
