"""The numbers of the report: what is in a data set, what was dropped on the way, what was checked, bought and spent."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rag_instruct.html import Frame
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.report.rows import set_of
from rag_instruct.schema import Row
from rag_instruct.statistics import wilson

BINS = 40  # of lengths
RANKS = 50  # points of a curve at most
QUANTILES = (0.1, 0.5, 0.9)


def composition(rows: Sequence[Row]) -> dict[str, Any]:
    """How many rows there are of each paradigm, and of each by exemplar set and by kind of task."""
    paradigms = [name for name in PARADIGMS if any(row.paradigm == name for row in rows)]
    tables = {}
    for field, of in {"set": set_of, "kind": lambda row: row.kind}.items():
        counts = Counter((row.paradigm, of(row)) for row in rows)
        columns = [name for name, _ in Counter(map(of, rows)).most_common()]
        cells = {name: [counts[name, column] for column in columns] for name in paradigms}
        tables[field] = {"columns": columns, "cells": cells, "most": max(counts.values(), default=1)}
    return {"paradigms": dict(Counter(row.paradigm for row in rows)), "tables": tables}


def exemplar_steps(exemplars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The funnel of all sets together: what was left after each step, and each reason for which records went."""
    found: list[dict[str, Any]] = []
    for step in ("records", "left out", "not looked at", "cleaned out", "drawn", "filtered out", "kept"):
        values = [one[step] for one in exemplars.values()]
        if values and isinstance(values[0], dict):
            reasons = sum((Counter(value) for value in values), Counter[str]())
            found += [_step(f"{step}: {reason}", count, True) for reason, count in reasons.most_common()]
        elif values:
            label = {"records": "records of the sets", "kept": "exemplars kept"}.get(step, step)
            found.append(_step(label, sum(values), step == "not looked at"))
    return [step for step in found if step["count"] or not step["drop"]]


def candidate_steps(counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The funnel from candidates, each an exemplar with documents put to the teacher, to rows."""
    reasons = sum((Counter(reasons) for reasons in counts["rejects"].values()), Counter[str]())
    drops = [_step(reason, count, True) for reason, count in reasons.most_common()]
    return [_step("candidates", counts["rows"] + reasons.total(), False), *drops, _step("rows", counts["rows"], False)]


def _step(label: str, count: int, drop: bool) -> dict[str, Any]:
    return {"label": label, "count": count, "drop": drop}


def rejects(counts: Mapping[str, Any]) -> dict[str, list[int]]:
    """By reason, the most frequent first, how many candidates of each paradigm were rejected."""
    by_paradigm = {name: counts["rejects"].get(name, {}) for name in counts["paradigms"]}
    total = sum((Counter(reasons) for reasons in by_paradigm.values()), Counter[str]())
    return {reason: [part.get(reason, 0) for part in by_paradigm.values()] for reason, _ in total.most_common()}


def acceptance(counts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By paradigm: of how many candidates a pair came that the checks of a single pair let pass, with 95 % (Wilson)."""
    found = {}
    for name, one in counts["paradigms"].items():
        good = one["rows"] + one["stopped"] + one["repeated"] + one["surplus"]
        later = one["stopped"] + one["repeated"] + one["surplus"]
        candidates = good + sum(counts["rejects"].get(name, {}).values()) - later
        share = good / max(candidates, 1)
        found[name] = {"good": good, "candidates": candidates, "share": share, "interval": wilson(good, candidates)}
    return found


def length_plot(tokens: Sequence[int], limit: int) -> dict[str, Any]:
    """A histogram of the rows' lengths with the limit of training."""
    edges = np.linspace(0, 1.02 * max(*tokens, limit), BINS + 1)
    counts, _ = np.histogram(tokens, edges)
    frame = Frame((0, float(edges[-1])), (0, 1.05 * int(counts.max())), "tokens of a row", "rows")
    bars = [
        {
            "x": frame.across(left),
            "width": frame.across(right) - frame.across(left),
            "y": frame.down(int(count)),
            "over": left >= limit,
            "says": f"{left:,.0f} to {right:,.0f} tokens: {count:,} rows",
        }
        for left, right, count in zip(edges, edges[1:], counts, strict=False)
        if count
    ]
    return frame.described(bars=bars, limits=[(frame.across(limit), f"limit {limit:,}")])


def score_plot(rows: Iterable[Row]) -> dict[str, Any] | None:
    """Scores of the rows' documents by rank: the median and, as a band, a tenth to nine tenths of them."""
    found: dict[str, dict[int, list[float]]] = {"source": {}, "noise": {}}
    for row in rows:
        for passage in row.passages:
            found[passage.role].setdefault(passage.rank, []).append(passage.score)
    curves = {role: _curve(scores) for role, scores in found.items() if scores}
    if not curves:
        return None
    values = np.concatenate([curve["scores"].ravel() for curve in curves.values()])
    last = max(curve["ranks"][-1] for curve in curves.values())
    frame = Frame((0, last + 1), (float(values.min()), float(values.max())), "rank in its search", "score")
    bands, lines = [], []
    for series, (role, curve) in enumerate(curves.items()):
        low, middle, high = curve["scores"].T
        bands.append({"points": frame.band(curve["ranks"], low, high), "series": series})
        lines.append({"points": frame.line(zip(curve["ranks"], middle, strict=True)), "series": series, "name": role})
    return frame.described(bands=bands, lines=lines)


def _curve(scores: Mapping[int, Sequence[float]]) -> dict[str, Any]:
    """Quantiles (ranks, 3) of the scores at each rank, or of some ranks together where there are many."""
    ranks = sorted(scores)
    groups = np.array_split(np.array(ranks), min(RANKS, len(ranks)))
    values = [np.quantile(np.concatenate([scores[int(rank)] for rank in group]), QUANTILES) for group in groups]
    return {"ranks": [float(group.mean()) for group in groups], "scores": np.array(values)}


def times(found: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """By stage, the longest first: jobs, seconds of all and of the longest."""
    stages = [
        {"stage": rule.replace("_", " "), "jobs": len(took), "seconds": sum(took), "longest": max(took)}
        for rule, took in found.items()
    ]
    return sorted(stages, key=lambda stage: (-float(str(stage["seconds"])), stage["stage"]))


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
