"""Read from job logs how long the stages of a data set took."""

import re
from collections.abc import Iterable
from pathlib import Path

from rag_instruct.logs import TOOK

SAID = re.compile("^" + TOOK.replace("{:.1f}", r"(\d+\.\d)") + "$", re.M)
SECTION = re.compile(r"^(?:corpora|exemplar_sets|benchmarks)_")  # begins the log names of downloads


def stage_times(logs: Path, names: Iterable[str], others: Iterable[str]) -> dict[str, list[float]]:
    """Return for each rule the seconds of its jobs' last runs, from the logs `logs`/<rule>/<name>....log.

    `names` are the names of the data set and of its corpus, exemplar sets and benchmarks. `others` are all other names
    in config.yaml. If several names match a log, the longest counts. Logs of unfinished jobs are ignored.
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
