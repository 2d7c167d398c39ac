"""Build the report's HTML page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag_instruct.dataset.shortfall import shortfall
from rag_instruct.evidence.summary import evidence_table, worst
from rag_instruct.html import render
from rag_instruct.report import curves, figures
from rag_instruct.report.diversity import SIDE, diversity, flat_map, opening_words
from rag_instruct.report.rows import ROWS_A_BLOCK, Replies, shown
from rag_instruct.report.trained import evaluation, loss_curves
from rag_instruct.schema import Row


@dataclass
class Material:
    """The contents of a data set's files. `vectors` (n, d) of the questions and `lengths` are in the rows' order."""

    dataset: Path
    rows: Sequence[Row]
    vectors: np.ndarray
    counts: Mapping[str, Any]
    quality_filters: Mapping[str, Mapping[str, int]]
    ledger: Mapping[str, Any]
    lengths: Mapping[str, Any]
    times: Mapping[str, Sequence[float]]
    made_of: Mapping[str, Any]
    replies: Replies


def page(material: Material, template: Path) -> str:
    """Return the page as HTML that needs no other file."""
    questions = [row.question for row in material.rows]
    places, variance = flat_map(material.vectors)
    embedded = shown(material.rows, places, material.lengths["tokens"], material.replies)
    return render(
        template,
        name=material.dataset.stem,
        total=len(material.rows),
        teacher=material.made_of["teacher"],
        made_of=figures.described(material.made_of),
        **_numbers(material),
        diversity=diversity(questions),
        openings=opening_words(questions),
        variance=variance,
        embedded=embedded,
        rows_a_block=ROWS_A_BLOCK,
        side=SIDE,
        curves=list(loss_curves(material.dataset)),
        evaluation=evaluation(material.dataset),
    )


def _numbers(material: Material) -> dict[str, Any]:
    counts, tokens = material.counts, material.lengths["tokens"]
    composition, times = figures.composition(material.rows), figures.times(material.times)
    return {
        "composition": composition,
        "wanted": sum(one["wanted"] for one in counts["paradigms"].values()),
        "wanted_and_made": figures.wanted_and_made(counts),
        "shortfall": shortfall(material.dataset.stem, counts),
        "documents": sum(len(row.documents) for row in material.rows),
        "paradigms": list(composition["set"].index),
        "exemplar_steps": figures.exemplar_steps(counts["exemplars"]),
        "exemplar_sets": figures.exemplar_sets(counts["exemplars"]),
        "candidate_steps": figures.candidate_steps(counts),
        "sent": figures.sent_to_teacher(counts),
        "rejects": figures.rejects(counts),
        "acceptance": figures.acceptance(counts),
        "verification": counts["verification"],
        "evidence": counts.get("evidence", {}),
        "evidence_table": evidence_table(counts["evidence"]) if counts.get("evidence") else None,
        "worst": worst(material.rows),
        "quality_filters": figures.checks(material.quality_filters),
        "lengths": {**material.lengths, "quantiles": np.quantile(tokens, [0.05, 0.5, 0.95]).tolist()},
        "length_plot": curves.length_plot(tokens, material.lengths["limit"]),
        "score_plot": curves.score_plot(material.rows),
        "ledger": material.ledger,
        "calls": figures.calls(material.ledger),
        "times": figures.shown_times(times),
        "seconds": times["in all"].sum(),
    }
