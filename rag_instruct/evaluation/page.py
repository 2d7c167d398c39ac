"""Build an evaluation's page: scores, plots of the gains, and sample outputs with their documents."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_instruct.evaluation.records import Context, Gain, Passage, Summary
from rag_instruct.evaluation.results import Cell, Evaluation
from rag_instruct.evaluation.retrieval_quality import title_of
from rag_instruct.evaluation.summary import Answers, by_id
from rag_instruct.evaluation.tables import GAINS, LABELS, METRICS, by_contestant, scores
from rag_instruct.files import digest
from rag_instruct.html import render
from rag_instruct.plots import ticks_around
from rag_instruct.schema import Question

SAMPLED = 12  # sample questions for each benchmark
OUTCOMES = {"some": "some right", "none": "all wrong", "all": "all right"}


def page(summary: Summary, samples: Sequence[dict[str, Any]], template: Path) -> str:
    """Return the HTML. The template escapes all texts, because a model may write HTML."""
    plots = [made for kind in GAINS if (made := plot(summary, kind))]
    rows = scores(summary).to_numpy().tolist()
    shown = {"summary": summary, "rows": rows, "plots": plots, "samples": samples}
    return render(template, **shown, metrics=METRICS, outcomes=OUTCOMES)


def plot(summary: Summary, kind: str) -> dict[str, Any] | None:
    """Return the plot of one kind of gain, or None without gains. Places are in percent of the plot's width."""
    gains = [gain for gain in summary["gains"] if gain["kind"] == kind]
    if not gains:
        return None
    ticks = ticks_around(min(gain["low"] for gain in gains), max(gain["high"] for gain in gains))

    def place(points: float) -> float:
        return round(100 * (points - ticks[0]) / (ticks[-1] - ticks[0]), 2)

    series = list(dict.fromkeys(map(_contestant, gains)))
    marks = [
        {
            **gain,
            "x": {"value": place(gain["value"]), "low": place(gain["low"]), "high": place(gain["high"])},
            "series": series.index(_contestant(gain)),
        }
        for gain in gains
    ]
    title, about = GAINS[kind]
    return {
        "title": title,
        "about": about,
        "series": [f"{summary['models'][model]['label']}, {LABELS[given]}" for model, given in series],
        "ticks": [(f"{tick:+.0f}" if tick else "0", place(tick)) for tick in ticks],
        "zero": place(0),
        "rows": [
            (benchmark["label"], [mark for mark in marks if mark["benchmark"] == name])
            for name, benchmark in summary["benchmarks"].items()
        ],
    }


def _contestant(gain: Gain) -> tuple[str, str]:
    return gain["after"]["model"], gain["after"]["given"]


def samples(
    summary: Summary, evaluation: Evaluation, answers: Answers, documents: Sequence[Path]
) -> Iterator[dict[str, Any]]:
    """Yield sample questions of each benchmark with all models' outputs. `documents` are documents.jsonl files."""
    paths = {path.parent.name: path for path in documents}
    for name in summary["benchmarks"]:
        cells = [Cell(name, given, model) for model, given in by_contestant(summary)]
        numbers = drawn(evaluation, cells)
        ids = [evaluation.rows[cells[0]][number]["id"] for number in numbers]
        contexts: dict[str, Context] = by_id(paths[name], ids)
        outputs = {cell: answers.outputs(cell, ids) for cell in cells}
        for number, key in zip(numbers, ids, strict=True):
            question = answers.questions[name][key]
            said = [{**_said(summary, evaluation, cell, number), **outputs[cell][key]} for cell in cells]
            yield {
                "benchmark": name,
                "label": summary["benchmarks"][name]["label"],
                "outcome": _outcome([one["right"] for one in said]),
                "disagree": any(one["right"] != one["paper_right"] for one in said),
                "question": question,
                "documents": list(_documents(contexts[key], question)),
                "said": said,
            }


def drawn(evaluation: Evaluation, cells: Sequence[Cell]) -> list[int]:
    """Return the indices of the sample questions. They are the same in every build.

    Up to half of them are questions that some models answer right and others wrong.
    """
    outcomes = [_outcome(list(right)) for right in np.array([evaluation.own(cell) >= 1 for cell in cells]).T]
    order = sorted(range(len(outcomes)), key=lambda number: digest("sample", cells[0].benchmark, number))
    chosen: list[int] = []
    for outcome, quota in {"some": SAMPLED // 2, "none": SAMPLED // 4, "all": SAMPLED // 4}.items():
        chosen += [number for number in order if outcomes[number] == outcome][:quota]
    chosen += [number for number in order if number not in chosen][: SAMPLED - len(chosen)]
    return sorted(chosen)


def _outcome(right: Sequence[bool]) -> str:
    return "all" if all(right) else "some" if any(right) else "none"


def _said(summary: Summary, evaluation: Evaluation, cell: Cell, number: int) -> dict[str, Any]:
    row = evaluation.rows[cell][number]
    return {
        "model": summary["models"][cell.model]["label"],
        "given": LABELS[cell.given],
        "right": bool(evaluation.own(cell)[number] >= 1),
        "paper_right": row["paper"] >= 1,
    }


def _documents(context: Context, question: Question) -> Iterator[dict[str, Any]]:
    unknown = Passage(id="", rank=0, score=None)  # a question's own documents come from no passage of a corpus
    titles = set(map(title_of, question.gold_titles))
    passages = context["passages"] or [unknown] * len(context["documents"])
    for rank, (document, passage) in enumerate(zip(context["documents"], passages, strict=True), start=1):
        title, found, text = document.partition("\n")
        yield {
            "rank": rank,
            "title": title if found else "",
            "text": text if found else document,
            "gold": passage["id"] in question.gold_passage_ids or (bool(found) and title_of(title) in titles),
        }
