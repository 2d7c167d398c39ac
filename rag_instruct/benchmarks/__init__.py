"""The benchmarks. Each has one file, which turns records into questions and says how outputs are scored.

A benchmark has the name of its file, and the file defines `BENCHMARK`. The modules in `SHARED` are not benchmarks.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.settings import hint

if TYPE_CHECKING:  # plans load this module and need no type of records
    from rag_instruct.schema import Question

SHARED = {"records", "settings", "comparison", "golds"}  # modules of this folder that are not benchmarks


class Benchmark(NamedTuple):
    """A benchmark: how to read its questions and to score outputs."""

    name: str
    label: str  # the paper's abbreviation
    kind: str  # open, choice, closed, multi_hop or own_context
    metric: str  # the score that tables show: accuracy or exact_match
    size: int  # number of questions in the complete set; 0: any number
    questions: "Callable[[list[Path]], Iterator[Question]]"
    score: "Callable[[Question, str], dict[str, float]]"  # accuracy, exact_match and f1, each 0 to 1
    paper_score: "Callable[[Question, str], float]"  # score by the rules of the paper's code, 0 to 1


def names() -> list[str]:
    """Return the names of all benchmarks, sorted."""
    return sorted({module.name for module in pkgutil.iter_modules(__path__)} - SHARED)


def refuse_unknown(name: str) -> None:
    """Raise UserError if this folder has no file for the benchmark."""
    if name not in names():
        raise UserError(
            f"config.yaml: benchmarks: no benchmark {name!r}: {hint(name, names())} (for a new benchmark add "
            f"rag_instruct/benchmarks/{name}.py; for your own file with question and answers set `schema: own`)"
        )


def benchmark(name: str) -> Benchmark:
    """Return the benchmark with this name. Raises UserError if this folder has no such file."""
    refuse_unknown(name)
    found: Benchmark = importlib.import_module(f"{__name__}.{name}").BENCHMARK
    return found


def refuse_repeated_ids(questions: "Iterable[Question]", place: str) -> None:
    """Raise UserError if two questions have the same id, because outputs are matched by id."""
    twice = [name for name, count in Counter(q.id for q in questions).items() if count > 1]
    if twice:
        raise UserError(
            f"{place}: {len(twice)} ids occur more than once, for example {twice[0]!r}: make the ids unique"
        )
