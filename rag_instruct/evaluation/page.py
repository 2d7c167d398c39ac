"""An evaluation as one static page: scores, plots of what was gained, and outputs to read with their documents."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_instruct.evaluation.results import Answers, Cell, Evaluation
from rag_instruct.evaluation.table import GIVEN, METRICS, by_contestant, main_table
from rag_instruct.files import digest, read_jsonl
from rag_instruct.html import render

SAMPLED = 12  # questions of a benchmark
PLOTS = {
    "documents": ("What documents add", "With documents, over the same model's closed-book answers."),
    "training": ("What training adds", "The trained model, over its base model asked alike."),
}
OUTCOMES = {"some": "some right", "none": "all wrong", "all": "all right"}


def page(table: Mapping[str, Any], samples: Sequence[dict[str, Any]], template: Path) -> str:
    """The page. The template escapes all that it is given: outputs are anybody's text."""
    _, rows = main_table(dict(table))
    plots = [made for kind in PLOTS if (made := plot(table, kind))]
    shown = {"table": table, "rows": rows, "plots": plots, "samples": samples}
    return render(template, **shown, metrics=METRICS, outcomes=OUTCOMES)


def plot(table: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The gains of one kind as places along an axis, in percent of its width; by benchmark, a mark a comparison."""
    gains = [gain for gain in table["gains"] if gain["kind"] == kind]
    if not gains:
        return None
    ticks = _ticks(min(gain["low"] for gain in gains), max(gain["high"] for gain in gains))
    first, last = ticks[0], ticks[-1]

    def place(points: float) -> float:
        return round(100 * (points - first) / (last - first), 2)

    series = list(dict.fromkeys((gain["after"]["model"], gain["after"]["given"]) for gain in gains))
    marks = [
        {
            **gain,
            "x": {name: place(gain[name]) for name in ("value", "low", "high")},
            "series": series.index((gain["after"]["model"], gain["after"]["given"])),
        }
        for gain in gains
    ]
    title, said = PLOTS[kind]
    return {
        "title": title,
        "said": said,
        "series": [f"{table['models'][model]['label']}, {GIVEN[given]}" for model, given in series],
        "ticks": [(f"{tick:+d}" if tick else "0", place(tick)) for tick in ticks],
        "zero": place(0),
        "rows": {
            table["benchmarks"][name]["label"]: [mark for mark in marks if mark["benchmark"] == name]
            for name in table["benchmarks"]
        },
    }


def _ticks(low: float, high: float) -> list[int]:
    """Whole numbers around low, 0 and high, so few that they fit beside each other on a phone."""
    low, high = min(low, 0.0), max(high, 0.0)
    step = next(step for step in (1, 2, 5, 10, 20, 50) if (high - low) / step <= 5)
    return list(range(int(low // step) * step, int(-(-high // step)) * step + 1, step))


def samples(
    table: Mapping[str, Any], evaluation: Evaluation, answers: Answers, documents: Sequence[Path]
) -> list[dict[str, Any]]:
    """Some questions of each benchmark with what every model said to them."""
    shown = {path.parent.name: {row["id"]: row for row in read_jsonl(path)} for path in documents}
    contestants = [contestant for contestant, _ in by_contestant(dict(table))]
    found = []
    for name in table["benchmarks"]:
        cells = [Cell(name, given, model) for model, given in contestants]
        found += [
            _sample(table, evaluation, answers, cells, number, shown[name]) for number in drawn(evaluation, cells)
        ]
    return found


def drawn(evaluation: Evaluation, cells: Sequence[Cell]) -> list[int]:
    """Numbers of questions, half of them such as tell the models apart, by digest."""
    outcomes = [_outcome(evaluation, cells, number) for number in range(len(evaluation.rows[cells[0]]))]
    order = sorted(range(len(outcomes)), key=lambda number: digest("sample", cells[0].benchmark, number))
    quotas = {"some": SAMPLED // 2, "none": SAMPLED // 4, "all": SAMPLED // 4}
    chosen = [n for outcome, quota in quotas.items() for n in [m for m in order if outcomes[m] == outcome][:quota]]
    chosen += [number for number in order if number not in chosen][: SAMPLED - len(chosen)]
    return sorted(chosen)


def _outcome(evaluation: Evaluation, cells: Sequence[Cell], number: int) -> str:
    rule = evaluation.metrics[cells[0].benchmark]
    right = [evaluation.rows[cell][number][rule] >= 1 for cell in cells]
    return "all" if all(right) else "some" if any(right) else "none"


def _sample(
    table: Mapping[str, Any],
    evaluation: Evaluation,
    answers: Answers,
    cells: Sequence[Cell],
    number: int,
    documents: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    benchmark = cells[0].benchmark
    question = list(answers.questions[benchmark].values())[number]
    rule = evaluation.metrics[benchmark]
    said = []
    for cell in cells:
        row = evaluation.rows[cell][number]
        said.append(
            {
                "model": table["models"][cell.model]["label"],
                "given": GIVEN[cell.given],
                "right": row[rule] >= 1,
                "paper_right": row["paper"] >= 1,
                **answers.outputs[cell][question.id],
            }
        )
    return {
        "benchmark": benchmark,
        "label": table["benchmarks"][benchmark]["label"],
        "outcome": _outcome(evaluation, cells, number),
        "disagree": any(row["right"] != row["paper_right"] for row in said),
        "question": question,
        "documents": list(_documents(documents[question.id], question.gold_passage_ids, question.gold_titles)),
        "said": said,
    }


def _documents(row: Mapping[str, Any], gold_ids: Sequence[str], gold_titles: Sequence[str]) -> Iterator[dict[str, Any]]:
    passages = row["passages"] or [{} for _ in row["documents"]]
    for rank, (document, passage) in enumerate(zip(row["documents"], passages, strict=True), start=1):
        title, found, text = document.partition("\n")
        yield {
            "rank": rank,
            "title": title if found else "",
            "text": text if found else document,
            "gold": passage.get("id") in gold_ids or (bool(found) and title in gold_titles),
            "id": passage.get("id", ""),
        }
