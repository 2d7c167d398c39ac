"""Summarise the bits of a data set's rows for its counts, card and report."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag_instruct.evidence.findings import as_intended
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.schema import Row, Weighed
from rag_instruct.statistics import wilson
from rag_instruct.tables import frame

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
WORST = 5  # rows of each paradigm that the report lists


def summary_of(weighed: Sequence[Weighed]) -> dict[str, Any]:
    """Return the numbers of the measured rows, by the paradigm that they were written for, or {} if there is none."""
    if not weighed:
        return {}
    parts = {name: [one for one in weighed if one.intended == name] for name in PARADIGMS}
    return {
        "rows": len(weighed),
        "paradigms": {name: _numbers(part) for name, part in parts.items() if part},
        "unrelated": _quantiles([one.unrelated for one in weighed]),
        "superfluous": sum(len(one.lost) - len(one.needed) for one in weighed),
        "answering_noise": sum(len(one.answering) for one in weighed),
    }


def _numbers(part: Sequence[Weighed]) -> dict[str, Any]:
    intended = sum(map(as_intended, part))
    return {
        "rows": len(part),
        "as_intended": intended,
        "interval": [round(bound, 3) for bound in wilson(intended, len(part))],
        "found": dict(Counter(one.found for one in part).most_common()),
        "help": _quantiles([one.help for one in part]),
        "share": _quantiles([one.gain.share for one in part]),
    }


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(value), 2) for value in np.quantile(values, QUANTILES)]


def evidence_table(evidence: Mapping[str, Any]) -> "pd.DataFrame":
    """Return for each paradigm how many measured rows are as intended, the QUANTILES of `help`, and the median `share`.

    `help` says how much the documents help, in bits per token. `share` is the share of the answer's bits that documents
    save. A row is as intended if the bits show its paradigm and no noise document states its answer.
    """
    heads = ["written for", "as intended", "95 % interval"]
    heads += ["help, 5 %", "25 %", "median", "75 %", "95 %", "share, median"]
    rows = []
    for name, one in evidence["paradigms"].items():
        interval = "{} to {}".format(*one["interval"])
        shown = [f"{value:.2f}" for value in (*one["help"], one["share"][2])]
        rows.append([name, f"{one['as_intended']} of {one['rows']}", interval, *shown])
    return frame(heads, rows)


def worst(rows: Iterable[Row]) -> list[Row]:
    """Return the rows whose `help` speaks most against their paradigm: WORST of each paradigm, the worst first.

    Documents of useless_doc rows should not help. So the worst of these rows have the highest `help`. In all other
    paradigms, the worst rows have the lowest `help`.
    """
    measured = [row for row in rows if row.evidence]
    found: list[Row] = []
    for name in PARADIGMS:
        sign = -1 if name == "useless_doc" else 1
        part = [row for row in measured if row.paradigm == name]
        found += sorted(part, key=lambda row: (sign * _help(row), row.id))[:WORST]
    return found


def _help(row: Row) -> float:
    return row.evidence.help if row.evidence else 0.0
