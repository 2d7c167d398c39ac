"""Build the report's tables: a data set's content, drops by reason, checks, costs and times."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag_instruct.exemplars.funnel import STEPS, Funnel, step_of
from rag_instruct.exemplars.funnel import table as funnel
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.reasons import WITHOUT_REQUEST, Reason, explain
from rag_instruct.report.rows import set_of
from rag_instruct.schema import Row
from rag_instruct.statistics import wilson
from rag_instruct.tables import duration, formatted, frame, percent

if TYPE_CHECKING:
    import pandas as pd

SENT = "sent to the teacher"
STEP_LABELS = {"records": "records of the sets", "kept": "exemplars kept"}


@dataclass(frozen=True)
class Step:
    """A line of a funnel: how many were left after a step, or were dropped for a reason."""

    label: str
    count: int
    drop: bool  # False: a step, True: a drop
    reason: Reason | None = None


def composition(rows: Sequence[Row]) -> dict[str, "pd.DataFrame"]:
    """Return two tables of row counts: paradigm by exemplar set, and paradigm by kind of task."""
    import pandas as pd

    about = [(row.paradigm, set_of(row), row.kind) for row in rows]
    table = pd.DataFrame(about, columns=["paradigm", "set", "kind"])
    present = [name for name in PARADIGMS if name in set(table["paradigm"])]
    return {
        field: pd.crosstab(table["paradigm"], table[field]).loc[
            present, list(dict(Counter(table[field]).most_common()))
        ]
        for field in ("set", "kind")
    }


def wanted_and_made(counts: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the wanted rows and the rows of each paradigm, also of paradigms without a row."""
    rows = [[_words(name), one["wanted"], one["rows"]] for name, one in counts["paradigms"].items()]
    return formatted(frame(["paradigm", "wanted", "made"], rows))


def exemplar_steps(exemplars: Funnel) -> list[Step]:
    """Return the exemplars' funnel, summed over all sets: each step, and the drops by reason."""
    if not exemplars:
        return []
    table = funnel(exemplars)
    totals = dict(zip(table["step"], table.drop(columns="step").sum(axis=1), strict=True))
    order = {step: place for place, step in enumerate(STEPS)}
    found = []
    for label in sorted(totals, key=lambda label: (order[step_of(label)], -totals[label])):
        reason = label.partition(": ")[2]
        drop = bool(reason) or label == "not looked at"
        if totals[label] or not drop:
            found.append(Step(STEP_LABELS.get(label, label), totals[label], drop, explain(reason)))
    return found


def candidate_steps(counts: Mapping[str, Any]) -> list[Step]:
    """Return the funnel from candidates to rows. If some candidates were never sent, a step counts those that were."""
    reasons = sum((Counter(reasons) for reasons in counts["rejects"].values()), Counter[str]())
    drops = [Step(name, count, True, explain(name)) for name, count in reasons.most_common()]
    unasked = [step for step in drops if step.label in WITHOUT_REQUEST]
    first = Step("candidates", counts["rows"] + reasons.total(), False)
    sent = [Step(SENT, sent_to_teacher(counts), False)] if unasked else []
    asked = [step for step in drops if step not in unasked]
    return [first, *unasked, *sent, *asked, Step("rows", counts["rows"], False)]


def sent_to_teacher(counts: Mapping[str, Any]) -> int:
    """Return the number of candidates that were sent to the teacher. The others had nothing to ask about."""
    rejects = [pair for part in counts["rejects"].values() for pair in part.items()]
    sent: int = counts["rows"] + sum(count for reason, count in rejects if reason not in WITHOUT_REQUEST)
    return sent


def exemplar_sets(exemplars: Funnel) -> "pd.DataFrame":
    """Return the funnel of each exemplar set. The column heads have the licences."""
    heads = {name: f"{name} ({one['license']})" for name, one in exemplars.items()}
    return formatted(funnel(exemplars).rename(columns=heads))


def rejects(counts: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the rejected candidates of each paradigm by reason, the most frequent reason first."""
    by_paradigm = {name: counts["rejects"].get(name, {}) for name in counts["paradigms"]}
    total = sum((Counter(reasons) for reasons in by_paradigm.values()), Counter[str]())
    rows = [[name, *(part.get(name, 0) for part in by_paradigm.values())] for name, _ in total.most_common()]
    return formatted(frame(["reason", *map(_words, by_paradigm)], rows))


def acceptance(counts: Mapping[str, Any]) -> "pd.DataFrame":
    """Return how many of the candidates that were sent to the teacher passed the checks of a single pair.

    A row counts for the paradigm that it was written for. The interval is Wilson's.
    """
    rows = []
    for name, one in counts["paradigms"].items():
        later = one["stopped"] + one["repeated"] + one["surplus"]
        moved = one["relabelled"] - one["gained"]  # the rejects of a row that moved are among those of its new paradigm
        passed = one["rows"] + later + moved
        rejected = {name: counts["rejects"].get(name, {})}
        candidates = sent_to_teacher({"rows": one["rows"] + moved, "rejects": rejected})
        low, high = map(percent, wilson(passed, candidates))
        rows.append([_words(name), candidates, passed, passed / max(candidates, 1), f"{low} to {high}"])
    table = frame(["paradigm", "candidates", "passed", "share", "95 % interval"], rows)
    return formatted(table, {"share": percent})


def checks(quality_filters: Mapping[str, Mapping[str, int]]) -> "pd.DataFrame":
    """Return how many rows each quality filter of the whole data set kept and stopped."""
    rows = ([_words(name), one["kept"], one["dropped"]] for name, one in quality_filters.items())
    return formatted(frame(["check", "kept", "stopped"], rows))


def calls(ledger: Mapping[str, Any]) -> "pd.DataFrame":
    """Return requests, tokens and dollars of each stage and model."""
    counted = ("requests", "prompt_tokens", "completion_tokens", "dollars")
    rows = ([stage, *(account.get(name, 0) for name in counted)] for stage, account in ledger["stages"].items())
    table = frame(["stage and model", "requests", "tokens in", "tokens out", "dollars"], rows)
    return formatted(table, {"dollars": "{:,.4f}".format})


def times(found: Mapping[str, Sequence[float]]) -> "pd.DataFrame":
    """Return the jobs of each stage and their seconds, the stage with the most seconds first."""
    rows = sorted((-sum(took), _words(rule), len(took), max(took)) for rule, took in found.items())
    columns = ["stage", "jobs", "in all", "longest"]
    return frame(columns, ([rule, jobs, -seconds, longest] for seconds, rule, jobs, longest in rows))


def shown_times(found: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table of times with readable units instead of seconds."""
    return formatted(found, {"in all": duration, "longest": duration})


def described(made_of: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the table of what a data set was made of."""
    return formatted(frame(["what", "value"], made_of.items()), {"value": str})


def _words(name: Any) -> str:
    return str(name).replace("_", " ")
