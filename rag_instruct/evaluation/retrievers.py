"""Compare retrievers by the gold passages of benchmarks: recall and nDCG with intervals, a table and a plot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ir_measures
import numpy as np
from ir_measures import Measure, Qrel, R, ScoredDoc, nDCG

from rag_instruct.evaluation.intervals import interval
from rag_instruct.evaluation.retrieval_quality import DEPTHS, gold_of, ranking, title_of
from rag_instruct.figures import new_figure, save_svg
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question
from rag_instruct.tables import frame, markdown

MEASURES: tuple[Measure, ...] = (*(R @ depth for depth in DEPTHS), nDCG @ 10)
RECALLS = {f"recall@{depth}" for depth in DEPTHS}
COLUMNS = ("recall@1", "recall@5", "recall@20", "recall@100", "nDCG@10")
LEGEND = """\
*recall@k* is the percentage of a question's gold passages that are among the first k passages. *nDCG@10* also counts
their ranks. Both are means over the questions, with 95 % bootstrap intervals. If a benchmark names its gold passages by
the titles of articles, any passage of the article counts, and an article counts once."""
UNMEASURED = "These benchmarks name no gold passages, so retrieval for them is not measured: "


class Measurement(NamedTuple):
    """A retriever's value of one measure on a benchmark, in percent, with its 95 % interval."""

    benchmark: str
    retriever: str
    measure: str
    questions: int
    value: float
    low: float
    high: float


def measurements(benchmark: str, questions: Sequence[Question], retriever: str, run: Run) -> Iterator[Measurement]:
    """Yield the run's value of each measure. Without questions that count, yield nothing.

    Questions with gold passages count. Those with their own documents do not: no search is made for them.
    """
    asked = [question for question in questions if gold_of(question) and not question.documents]
    if not asked:
        return
    qrels = [Qrel(question.id, gold, 1) for question in asked for gold in gold_of(question)]
    found = [scored for question in asked for scored in _scored_documents(question, run)]
    values: dict[str, dict[str, float]] = {name_of(measure): {} for measure in MEASURES}
    for metric in ir_measures.iter_calc(MEASURES, qrels, found):
        values[name_of(metric.measure)][metric.query_id] = metric.value
    for name, of_query in values.items():
        scores = np.array([of_query[question.id] for question in asked])
        low, high = interval(scores)
        mean = float(scores.mean())
        yield Measurement(benchmark, retriever, name, len(asked), value=100 * mean, low=100 * low, high=100 * high)


def name_of(measure: Measure) -> str:
    """Return the name in tables."""
    return str(measure).replace("R@", "recall@")


def _scored_documents(question: Question, run: Run) -> Iterator[ScoredDoc]:
    rows = run.ranking(question.id)["row"]
    by_id = bool(question.gold_passage_ids)
    names = run.store.ids(rows) if by_id else [title_of(passage.document) for passage in run.store[rows]]
    return ranking(question.id, names)


def page(dataset: str, labels: Mapping[str, str], found: Sequence[Measurement], plot: str) -> str:
    """Return the comparison as a Markdown page. `labels` are the benchmarks' names in tables."""
    parts = [f"# Retrievers of {dataset}", LEGEND, f"![Recall by depth]({plot})"]
    without = []
    for benchmark, label in labels.items():
        rows = [one for one in found if one.benchmark == benchmark]
        if rows:
            parts += [f"## {label}, {rows[0].questions:,} questions", markdown(_table(rows))]
        else:
            without.append(label)
    if without:
        parts.append(f"{UNMEASURED}{', '.join(without)}.")
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[Measurement]) -> Any:
    cells: dict[str, dict[str, str]] = {}
    for one in rows:
        cells.setdefault(one.retriever, {})[one.measure] = f"{one.value:.1f} ({one.low:.1f}-{one.high:.1f})"
    return frame(["retriever", *COLUMNS], [[name, *(of[measure] for measure in COLUMNS)] for name, of in cells.items()])


def draw_recall(labels: Mapping[str, str], found: Sequence[Measurement], path: Path) -> None:
    """Write the recall of each retriever by depth as an SVG, with one panel for each benchmark."""
    names = list(dict.fromkeys(one.benchmark for one in found))
    figure = new_figure((3.6 * len(names) + 1, 3.6))
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        for retriever in dict.fromkeys(one.retriever for one in found):
            part = [
                one for one in found if one.benchmark == name and one.retriever == retriever and one.measure in RECALLS
            ]
            if not part:  # not every retriever has a run for each benchmark: some runs come from the user
                continue
            values = np.array([one.value for one in part])
            # Rounding may put an end of an interval a little beyond its mean, which errorbar refuses.
            below = np.maximum([one.value - one.low for one in part], 0)
            above = np.maximum([one.high - one.value for one in part], 0)
            axes.errorbar(DEPTHS, values, (below, above), marker="o", markersize=3, label=retriever)
        axes.set_xscale("log")
        axes.set_xticks(DEPTHS, list(map(str, DEPTHS)), minor=False)
        axes.set(title=labels[name], xlabel="first k passages", xlim=(0.8, 125))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("recall, %")
    panels[-1].legend(frameon=False, loc="lower right")
    save_svg(figure, path)
