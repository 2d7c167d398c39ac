"""Find the thresholds that separate labelled pairs best, and how often they are right."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.evidence.findings import Thresholds, has_intended_paradigm, paradigm_found
from rag_instruct.evidence.weighing import RowTexts
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.records import located_records, shown
from rag_instruct.records.values import flag
from rag_instruct.schema import Weighed
from rag_instruct.statistics import wilson
from rag_instruct.tables import frame

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("id", "paradigm", "question", "answer", "documents", "needed", "should_keep")
WEIGHTS = tuple(round(0.1 * step, 1) for step in range(11))  # the weights that we try for the question's bits
RESAMPLES = 1000
# We need this many useless_doc pairs, and as many others: if one is held out, another must remain.
LEAST_PAIRS = 2
# Step of the thresholds. Gains have two decimals. Lost bits have one, so the middle of two lost bits has up to two.
RESOLUTION = 0.01


class Labelled(NamedTuple):
    """A pair with its labelled paradigm. `needed` says of each document whether it is needed; None: not known."""

    texts: RowTexts
    needed: Mapping[str, bool | None]


def read_labelled(paths: Iterable[Path]) -> list[Labelled]:
    """Read labelled pairs, without those that have no answer or whose `should_keep` is false.

    Records with the same id are merged into one pair, even if they come from different files. A null counts as missing,
    because Parquet has every field in every record.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        for place, record in located_records(path, FIELDS):
            if not isinstance(record, dict) or record.get("id") is None:
                raise UserError(f"{path}, {place}: no `id`: give each pair an `id`")
            known = {name: value for name, value in record.items() if value is not None}
            if "should_keep" in known:
                known["should_keep"] = flag(known, "should_keep", True, f"{path}, {place}")
            found.setdefault(str(record["id"]), {}).update({**known, "id": str(record["id"])})
    pairs = [_labelled(record) for record in found.values() if record.get("answer") and record.get("should_keep", True)]
    useless = sum(pair.texts.paradigm == "useless_doc" for pair in pairs)
    if min(useless, len(pairs) - useless) < LEAST_PAIRS:
        raise UserError(
            f"the pairs have {useless} of useless_doc and {len(pairs) - useless} whose documents help: thresholds need "
            f"at least {LEAST_PAIRS} of each"
        )
    return pairs


def _labelled(record: Mapping[str, Any]) -> Labelled:
    _refuse_wrong_fields(record)
    documents = record["documents"]
    needed = record.get("needed") or [None] * len(documents)
    if len(needed) != len(documents):
        raise UserError(f"pair {record['id']}: {len(documents)} documents, but `needed` has {len(needed)} labels")
    sources = {str(number): text for number, text in enumerate(documents)}
    labels = [None if label is None else bool(label) for label in needed]
    texts = RowTexts(record["id"], record["paradigm"], record["question"], record["answer"], sources, {})
    return Labelled(texts, dict(zip(sources, labels, strict=True)))


def _refuse_wrong_fields(record: Mapping[str, Any]) -> None:
    where = f"pair {record['id']}"
    if missing := [name for name in ("paradigm", "question", "documents") if not record.get(name)]:
        raise UserError(f"{where}: no {', '.join(missing)}: give every pair its fields")
    for name, may_be, meant in (
        ("paradigm", lambda value: value in list(PARADIGMS), f"one of {', '.join(PARADIGMS)}"),
        ("question", _is_text, "a text"),
        ("answer", _is_text, "a text"),
        ("documents", lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of texts"),
        ("needed", _are_labels, "a list of true, false and null"),
    ):
        if not may_be(record.get(name)):
            raise UserError(f"{where}: `{name}` must be {meant}, but is {shown(record[name])}: correct it")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_labels(value: Any) -> bool:
    """Return whether a value can be `needed`: None, or a list of labels. 1 and 0 count as true and false."""
    return value is None or (isinstance(value, list) and all(one in (True, False, None) for one in value))


def auc(above: Sequence[float], below: Sequence[float]) -> float:
    """Return how often a value of `above` exceeds a value of `below`, over all combinations. A tie counts half."""
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
    """Return the threshold with the fewest errors, and their number. Values at the threshold count as above.

    If several thresholds have the fewest errors, return the middle of the widest gap between two values, in steps of
    RESOLUTION. Raise UserError if both lists are empty.
    """
    values = sorted({*above, *below})
    if not values:
        raise UserError("no labelled values: give some, so that a threshold can lie above or below them")
    # Each cut is (width of its gap, threshold). The first two are the ends, without a gap: below and above all values.
    cuts = [(0.0, values[0]), (0.0, round(values[-1] + RESOLUTION, 6))]
    cuts += [(high - low, _between(low, high)) for low, high in pairwise(values)]
    errors = [sum(value < cut for value in above) + sum(value >= cut for value in below) for _, cut in cuts]
    place = min(range(len(cuts)), key=lambda place: (errors[place], -cuts[place][0]))
    return cuts[place][1], errors[place]


def _between(low: float, high: float) -> float:
    """Return the middle of two values in steps of RESOLUTION, or the high one if no step lies between them."""
    middle = round(round((low + high) / 2 / RESOLUTION) * RESOLUTION, 6)
    return middle if low < middle <= high else high


def calibrated(pairs: Sequence[Labelled], weighed: Sequence[Weighed]) -> Thresholds:
    """Return the thresholds, each with the fewest errors on its own comparison.

    The pairs must include useless_doc and other paradigms. For `states`, we use only single-document pairs, because the
    two multi-document paradigms count as one. `states` and `needed` keep their defaults if one of the two groups that
    they separate is empty. `lost` is chosen on the pairs for which it decides (`_needs_lost_bits`). It is 0 if none of
    these is a useless_doc pair, and keeps its default if all of them are. Pairs in doubt (`_in_doubt`) are used, too.
    """
    helped, useless = _divided(weighed, lambda one: one.intended != "useless_doc")
    trials = []
    for weight in WEIGHTS:
        cut, errors = best_threshold(_help_of_each(helped, weight), _help_of_each(useless, weight))
        trials.append((errors, -auc(_help_of_each(helped, weight), _help_of_each(useless, weight)), weight, cut))
    _, _, weight, help_cut = min(trials)
    shares = [
        [one.gain.share for one in weighed if one.intended == name]
        for name in ("single_doc_answer", "single_doc_support")
    ]
    default = Thresholds()
    share_cut = best_threshold(*shares)[0] if all(shares) else default.states
    losses = needed_losses(pairs, weighed)
    needed_cut = best_threshold(*losses)[0] if all(losses) else default.needed
    weak = [
        [one.without_any for one in part if _needs_lost_bits(one, Thresholds(help_cut, weight, states=share_cut))]
        for part in (helped, useless)
    ]
    lost_cut = best_threshold(*weak)[0] if all(weak) else default.lost if weak[1] else 0.0
    return Thresholds(helps=help_cut, question_weight=weight, lost=lost_cut, states=share_cut, needed=needed_cut)


def _needs_lost_bits(one: Weighed, thresholds: Thresholds) -> bool:
    """Return whether `lost` decides if documents help: there is one, its help is enough, and it states no answer."""
    helps = thresholds.help_of(one.gain) >= thresholds.helps
    return helps and one.gain.share < thresholds.states and not _has_several_sources(one)


def _divided(
    weighed: Sequence[Weighed], belongs_to_first: Callable[[Weighed], bool]
) -> tuple[list[Weighed], list[Weighed]]:
    return [one for one in weighed if belongs_to_first(one)], [one for one in weighed if not belongs_to_first(one)]


def _help_of_each(weighed: Iterable[Weighed], weight: float) -> list[float]:
    return [Thresholds(question_weight=weight).help_of(one.gain) for one in weighed]


def needed_losses(pairs: Sequence[Labelled], weighed: Sequence[Weighed]) -> tuple[list[float], list[float]]:
    """Return the lost bits of the documents that are labelled as needed, and of those labelled as superfluous."""
    lost: dict[bool, list[float]] = {True: [], False: []}
    for pair, one in zip(pairs, weighed, strict=True):
        for name, label in pair.needed.items():
            if label is not None and _has_several_sources(one):
                lost[label].append(one.lost[name])
    return lost[True], lost[False]


def _has_several_sources(one: Weighed) -> bool:
    """Return whether a row has several sources. A single source is always needed."""
    return len(one.lost) > 1


def separations(pairs: Sequence[Labelled], weighed: Sequence[Weighed], thresholds: Thresholds) -> "pd.DataFrame":
    """Return how well the measures separate paradigms, and needed documents from superfluous ones."""
    by_paradigm = {name: [one for one in weighed if one.intended == name] for name in PARADIGMS}
    lines = []
    for name in PARADIGMS:
        if name != "useless_doc":
            above, below = (
                [thresholds.help_of(one.gain) for one in by_paradigm[part]] for part in (name, "useless_doc")
            )
            lines.append(("help", name, "useless_doc", above, below))
    for kind in ("single_doc", "multi_doc"):
        above, below = ([one.gain.share for one in by_paradigm[f"{kind}_{part}"]] for part in ("answer", "support"))
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

    The column "right, held out" judges each pair as a new one, by thresholds that were calibrated without it. In all
    columns, a document counts as needed if leaving out only this document costs at least `Thresholds.needed` bits.
    `weigh` leaves out documents one after the other: of two documents that state the same, it keeps one. Pairs in doubt
    (`_in_doubt`) are left out of the lines for paradigms, but not of the lines for documents, nor of the calibration.
    """
    rows = []
    held_out_thresholds = [
        calibrated(_without(pairs, place), _without(weighed, place)) for place in range(len(weighed))
    ]
    for name in PARADIGMS:
        places = [place for place, pair in enumerate(pairs) if pair.texts.paradigm == name and not _in_doubt(pair)]
        if places:
            of, right = len(places), sum(_right(weighed[place], thresholds) for place in places)
            held_out = sum(_right(weighed[place], held_out_thresholds[place]) for place in places)
            rows.append([name, of, *_with_interval(right, of), *_with_interval(held_out, of)])
    for label, title in ((True, "needed documents"), (False, "superfluous documents")):
        measured = [
            (one.lost[name], limits.needed)
            for pair, one, limits in zip(pairs, weighed, held_out_thresholds, strict=True)
            for name, said in pair.needed.items()
            if said is label and _has_several_sources(one)
        ]
        if measured:
            of, right = len(measured), sum((lost >= thresholds.needed) == label for lost, _ in measured)
            held_out = sum((lost >= limit) == label for lost, limit in measured)
            rows.append([title, of, *_with_interval(right, of), *_with_interval(held_out, of)])
    return frame(["labelled", "of", "right", "95 % interval", "right, held out", "95 % interval"], rows)


def _in_doubt(pair: Labelled) -> bool:
    """Return whether a pair labelled multi_doc has fewer than two documents labelled as needed.

    Then it may be a single-document pair. If no document has a label, nothing speaks against the paradigm, so the pair
    is not in doubt.
    """
    labels = list(pair.needed.values())
    return pair.texts.paradigm.startswith("multi") and labels.count(None) < len(labels) and labels.count(True) < 2


def _without(values: Sequence[Any], place: int) -> list[Any]:
    return [*values[:place], *values[place + 1 :]]


def _with_interval(right: int, of: int) -> tuple[int, str]:
    return right, "{:.2f} to {:.2f}".format(*wilson(right, of))


def _right(one: Weighed, thresholds: Thresholds) -> bool:
    """Return whether the thresholds find the labelled paradigm. A row has at least one needed document."""
    needed = max(1, sum(lost >= thresholds.needed for lost in one.lost.values()))
    return has_intended_paradigm(one.intended, paradigm_found(one.gain, one.without_any, needed, thresholds))
