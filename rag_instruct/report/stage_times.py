"""How long the stages of a data set took, from the last line of their jobs' logs."""

import re
from collections.abc import Iterable
from pathlib import Path

from rag_instruct.logs import TOOK

SAID = re.compile("^" + TOOK.replace("{:.1f}", r"(\d+\.\d)") + "$", re.M)
SECTION = re.compile(r"^(?:corpora|exemplar_sets|benchmarks)_")  # what a download's log begins with


def stage_times(logs: Path, names: Iterable[str], others: Iterable[str]) -> dict[str, list[float]]:
    """Return by rule the seconds of each job's last run, from `logs`/<rule>/<name>....log.

    `names` are the data set, its corpus, encoder and sets; `others` are all other names. If a log begins with two
    names, the longer one counts. Logs of unfinished jobs are ignored.
    """
    mine, known = set(names), sorted({*names, *others}, key=len, reverse=True)
    found: dict[str, list[float]] = {}
    for log in sorted(logs.rglob("*.log")):
        rule, *place = log.relative_to(logs).with_suffix("").parts
        stem = SECTION.sub("", "_".join(place))
        of = next((name for name in known if stem == name or stem.startswith(f"{name}_")), None)
        if of in mine and (said := SAID.findall(log.read_text("utf-8", "replace"))):
            found.setdefault(rule, []).append(float(said[-1]))
    return found
