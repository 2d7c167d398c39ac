"""Find the thresholds that separate labelled pairs best, and how often they are right."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.evidence.findings import Thresholds, as_intended, paradigm_found
from rag_instruct.evidence.weighing import RowTexts
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.records import located_records
from rag_instruct.schema import Weighed
from rag_instruct.statistics import wilson
from rag_instruct.tables import frame

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("id", "paradigm", "question", "answer", "documents", "needed")
WEIGHTS = tuple(round(0.1 * step, 1) for step in range(11))  # weights of the question's bits that are tried
RESAMPLES = 1000


class Labelled(NamedTuple):
    """A pair whose paradigm is known, and perhaps which documents it needs (None: in doubt)."""

    texts: RowTexts
    needed: Mapping[str, bool | None]


def read_labelled(paths: Iterable[Path]) -> list[Labelled]:
    """Read labelled pairs, without those that have no answer or that nobody should keep.

    Records of the same id are parts of one pair, also in several files.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        for place, record in located_records(path, FIELDS):
            if "id" not in record:
                raise UserError(f"{path}, {place}: no `id`: give each pair one")
            found.setdefault(record["id"], {}).update(record)
    pairs = [_labelled(record) for record in found.values() if record.get("answer") and record.get("should_keep", True)]
    if not any(pair.texts.intended == "useless_doc" for pair in pairs):
        raise UserError("the pairs have no useless_doc: thresholds need pairs whose documents help, and pairs without")
    return pairs


def _labelled(record: Mapping[str, Any]) -> Labelled:
    if missing := [name for name in ("paradigm", "question", "documents") if not record.get(name)]:
        raise UserError(f"pair {record['id']}: no {', '.join(missing)}: give every pair its fields")
    sources = {str(number): text for number, text in enumerate(record["documents"])}
    needed = record.get("needed") or [None] * len(sources)
    if len(needed) != len(sources):
        raise UserError(f"pair {record['id']}: {len(sources)} documents, but `needed` has {len(needed)} labels")
    texts = RowTexts(record["id"], record["paradigm"], record["question"], record["answer"], sources, {})
    return Labelled(texts, dict(zip(sources, needed, strict=True)))


def auc(above: Sequence[float], below: Sequence[float]) -> float:
    """Return how often a value of `above` is the greater one in a pair with a value of `below`. A tie counts half."""
    high, low = np.array(above)[:, None], np.array(below)[None]
    return float(((high > low) + 0.5 * (high == low)).mean())


def auc_interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of `auc`."""
    draws = np.random.default_rng(0)
    found = [
        auc(draws.choice(above, len(above)).tolist(), draws.choice(below, len(below)).tolist())
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def best_threshold(above: Sequence[float], below: Sequence[float]) -> tuple[float, int]:
    """Return the threshold with the fewest errors, and their number. Of several, it is the middle of the widest gap."""
    values = sorted({*above, *below})
    cuts = [(low + high) / 2 for low, high in pairwise(values)] or values
    gaps = [high - low for low, high in pairwise(values)] or [0.0]
    errors = [sum(value < cut for value in above) + sum(value >= cut for value in below) for cut in cuts]
    place = min(range(len(cuts)), key=lambda place: (errors[place], -gaps[place]))
    return cuts[place], errors[place]


def calibrated(pairs: Sequence[Labelled], weighed: Sequence[Weighed]) -> Thresholds:
    """Return the thresholds with the fewest errors on these pairs."""
    helped, useless = _parts(weighed, lambda one: one.intended != "useless_doc")
    trials = []
    for weight in WEIGHTS:
        cut, errors = best_threshold(_help_of_each(helped, weight), _help_of_each(useless, weight))
        trials.append((errors, -auc(_help_of_each(helped, weight), _help_of_each(useless, weight)), weight, cut))
    _, _, weight, help_cut = min(trials)
    stated, hinted = _parts(helped, lambda one: one.intended.endswith("_answer"))
    share_cut = best_threshold([one.gain.share for one in stated], [one.gain.share for one in hinted])[0]
    needed, spare = needed_losses(pairs, weighed)
    loss_cut = best_threshold(needed, spare)[0] if needed and spare else Thresholds().needed
    return Thresholds(round(help_cut, 2), weight, round(share_cut, 2), round(loss_cut, 1))


def _parts(weighed: Iterable[Weighed], first: Callable[[Weighed], bool]) -> tuple[list[Weighed], list[Weighed]]:
    every = list(weighed)
    return [one for one in every if first(one)], [one for one in every if not first(one)]


def _help_of_each(weighed: Iterable[Weighed], weight: float) -> list[float]:
    return [one.gain.clear + weight * one.gain.question for one in weighed]


def needed_losses(pairs: Sequence[Labelled], weighed: Sequence[Weighed]) -> tuple[list[float], list[float]]:
    """Return the lost bits of the documents that are labelled as needed, and of those labelled as superfluous."""
    lost: dict[bool, list[float]] = {True: [], False: []}
    for pair, one in zip(pairs, weighed, strict=True):
        for name, label in pair.needed.items():
            if label is not None and len(one.lost) > 1:
                lost[bool(label)].append(one.lost[name])
    return lost[True], lost[False]


def separations(pairs: Sequence[Labelled], weighed: Sequence[Weighed], thresholds: Thresholds) -> "pd.DataFrame":
    """Return how well the measures separate paradigms, and needed documents from superfluous ones."""
    by = {name: [one for one in weighed if one.intended == name] for name in PARADIGMS}
    lines = []
    for name in PARADIGMS:
        if name != "useless_doc":
            above, below = ([thresholds.help_of(one.gain) for one in by[part]] for part in (name, "useless_doc"))
            lines.append(("help", name, "useless_doc", above, below))
    for kind in ("single_doc", "multi_doc"):
        above, below = ([one.gain.share for one in by[f"{kind}_{part}"]] for part in ("answer", "support"))
        lines.append(("share", f"{kind}_answer", f"{kind}_support", above, below))
    lines.append(("lost bits", "needed document", "superfluous document", *needed_losses(pairs, weighed)))
    rows = []
    for measure, higher, lower, above, below in lines:
        if above and below:
            interval = "{:.2f} to {:.2f}".format(*auc_interval(above, below))
            rows.append(
                [measure, higher, lower, f"{len(above)} and {len(below)}", f"{auc(above, below):.3f}", interval]
            )
    return frame(["measure", "higher", "lower", "labelled", "AUC", "95 % interval"], rows)


def accuracy(pairs: Sequence[Labelled], weighed: Sequence[Weighed], thresholds: Thresholds) -> "pd.DataFrame":
    """Return how many labelled pairs and documents the thresholds get right.

    One column uses `thresholds`. The other uses, for each pair, thresholds calibrated on all other pairs. So it says
    what to expect of new pairs.
    """
    rows = []
    others = [calibrated(_without(pairs, place), _without(weighed, place)) for place in range(len(weighed))]
    for name in PARADIGMS:
        places = [place for place, one in enumerate(weighed) if one.intended == name]
        if places:
            right = sum(as_intended(name, weighed[place].found) for place in places)
            held_out = sum(_right(weighed[place], others[place]) for place in places)
            rows.append([name, len(places), *_shares(right, len(places)), *_shares(held_out, len(places))])
    for label, title in ((True, "needed documents"), (False, "superfluous documents")):
        marks = [
            ((one.lost[name] >= thresholds.needed) == label, (one.lost[name] >= other.needed) == label)
            for pair, one, other in zip(pairs, weighed, others, strict=True)
            for name, said in pair.needed.items()
            if said is label and len(one.lost) > 1
        ]
        if marks:
            right, held_out = (sum(part) for part in zip(*marks, strict=True))
            rows.append([title, len(marks), *_shares(right, len(marks)), *_shares(held_out, len(marks))])
    return frame(["labelled", "of", "right", "95 % interval", "right, held out", "95 % interval"], rows)


def _without(values: Sequence[Any], place: int) -> list[Any]:
    return [*values[:place], *values[place + 1 :]]


def _shares(right: int, of: int) -> tuple[int, str]:
    return right, "{:.2f} to {:.2f}".format(*wilson(right, of))


def _right(one: Weighed, thresholds: Thresholds) -> bool:
    """Return whether thresholds find the labelled paradigm."""
    needed = max(1, sum(lost >= thresholds.needed for lost in one.lost.values()))
    return as_intended(one.intended, paradigm_found(one.gain, needed, thresholds))
