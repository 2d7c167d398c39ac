"""Counts what each step did with the exemplars, from the records of each set to the exemplars kept."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.logs import logger
from rag_instruct.schema import DroppedExemplar, Exemplar
from rag_instruct.tables import frame, markdown

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = 5  # exemplars that the report shows for each reason
STEPS = ("records", "left out", "not looked at", "cleaned out", "drawn", "filtered out", "kept")
DROPS = ("left out", "cleaned out", "filtered out")  # steps that count by reason
Funnel = dict[str, dict[str, Any]]


def log_filtered(kept: list[Exemplar], dropped: list[DroppedExemplar]) -> None:
    """Log how many exemplars of each set a filter kept, and why it dropped the others."""
    by_set = Counter(exemplar.source for exemplar in kept)
    reasons = Counter(exemplar.reason for exemplar in dropped)
    logger.info("kept %d of %d exemplars: %s", len(kept), len(kept) + len(dropped), dict(sorted(by_set.items())))
    logger.info("dropped: %s", dict(reasons.most_common()))


def funnel(
    summaries: Iterable[Mapping[str, Any]],
    drawn: Mapping[str, Mapping[str, Any]],
    kept: Iterable[Exemplar],
    dropped: Iterable[DroppedExemplar],
) -> Funnel:
    """Return the counts of all steps by set, and each set's licence and origin.

    Raises UserError if the counts of a set do not add up.
    """
    stayed = Counter(exemplar.source for exemplar in kept)
    filtered: dict[str, Counter[str]] = {}
    for exemplar in dropped:
        filtered.setdefault(exemplar.source, Counter())[exemplar.reason] += 1
    found: Funnel = {}
    for summary in summaries:
        name, counts = summary["set"], drawn[summary["set"]]
        found[name] = {
            "license": summary["license"],
            "from": f"{summary['hub']}@{summary['commit']}" if "hub" in summary else summary["file"],
            "records": summary["records"],
            "left out": summary["left_out"],
            "not looked at": counts["not looked at"],
            "cleaned out": counts["dropped"],
            "drawn": counts["drawn"],
            "wanted": counts["wanted"],
            "filtered out": dict(filtered.get(name, Counter()).most_common()),
            "kept": stayed[name],
        }
        _check(name, found[name])
    return found


def _check(name: str, one: Mapping[str, Any]) -> None:
    out = sum(one["left out"].values()) + one["not looked at"] + sum(one["cleaned out"].values())
    if one["records"] != out + one["drawn"] or one["drawn"] != sum(one["filtered out"].values()) + one["kept"]:
        raise UserError(
            f"{name}: the counts do not add up: delete results/<dataset>/exemplars and run again. Counts: {dict(one)}"
        )


def table(found: Funnel) -> "pd.DataFrame":
    """Return a table with a column for each set, and a line for each step.

    A step that drops exemplars has a line for each reason.
    """
    columns = [_flat(one) for one in found.values()]
    every = dict.fromkeys(label for column in columns for label in column)
    labels = sorted(every, key=lambda label: STEPS.index(step_of(label)))
    return frame(["step", *found], ([label, *(column.get(label, 0) for column in columns)] for label in labels))


def _flat(one: Mapping[str, Any]) -> dict[str, int]:
    reasons = {f"{step}: {name}": count for step in DROPS for name, count in one[step].items()}
    return {step: one[step] for step in STEPS if step not in DROPS} | reasons


def step_of(label: str) -> str:
    """Return the step that a line's label belongs to."""
    return label.split(": ", 1)[0]


def shown(found: Funnel) -> str:
    """Return the funnel as Markdown; lines without a reason are bold."""
    return markdown(table(found), {"step": lambda label: f"**{label}**" if label in STEPS else str(label)})


def report(name: str, filtered_by: str, found: Funnel, parts: Mapping[str, Sequence[Exemplar]], seed: str) -> str:
    """Return the funnel as Markdown, with samples of each part. `parts` has the exemplars by heading ("Kept")."""
    sets = "\n".join(f"- {source}: {one['from']}, {one['license']}" for source, one in found.items())
    text = [f"# Exemplars of {name}", sets, f"Filtered by {filtered_by}.", shown(found)]
    for title, exemplars in parts.items():
        by_reason: dict[str, list[Exemplar]] = {}
        for exemplar in sorted(exemplars, key=lambda one: digest(seed, "sample", one.id)):
            by_reason.setdefault(getattr(exemplar, "reason", ""), []).append(exemplar)
        text.append(f"## {title}: {len(exemplars):,}")
        text += [_samples(reason, rows) for reason, rows in sorted(by_reason.items())]
    return "\n\n".join(text) + "\n"


def _samples(reason: str, rows: list[Exemplar]) -> str:
    heading = f"### {reason}: {len(rows):,}\n\n" if reason else ""
    shown = rows[: SAMPLES if reason else 4 * SAMPLES]
    return heading + "\n".join(f"- `{one.id}` {_shown(one)}" for one in shown)


def _shown(exemplar: Exemplar) -> str:
    detail = f" ({exemplar.detail})" if isinstance(exemplar, DroppedExemplar) and exemplar.detail else ""
    return textwrap.shorten(f"{exemplar.instruction}{detail}".replace("|", "\\|").replace("`", "'"), 200)
