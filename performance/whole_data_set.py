"""Measure the stages that read all rows at once, on generated data sets of several sizes.

    python -m performance.whole_data_set --rows 4000 40000

The rows are those of performance/report.py. Every stage is the graph's own command, in a process of its own. Processor
times say how a stage grows; the exponent is 1 if it grows as the rows do.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from performance.measure import machine
from performance.report import generate
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.record_files import read_data_set, write_records
from rag_instruct.settings.dataset import QualityFilters
from rag_instruct.tables import frame, markdown


class Measured(NamedTuple):
    """What a process took."""

    seconds: float  # of the processor
    megabytes: float


def commands(folder: Path, rows: int, report: list[str]) -> dict[str, list[str]]:
    """Return the stages' commands, as arguments of `python -m`."""

    def of(pattern: str) -> list[str]:
        return [str(folder / pattern.format(name)) for name in PARADIGMS]

    filters = json.dumps(QualityFilters().model_dump(mode="json"))
    written = {name: f"--{name}={folder}/made_{name}.json" for name in ("stopped", "counts", "dataset", "rejects")}
    return {
        "filter_rows": ["scripts.filter_rows", *of("rows/{}.jsonl"), "--pairs", *of("pairs/{}.jsonl"),
                        "--vectors", *of("search/{}.npy"), "--quality-filters", filters,
                        written["stopped"], written["counts"]],
        "merge_dataset": ["scripts.merge_dataset", *of("rows/{}.jsonl"), "--paradigms",
                          *(f"{name}={rows}" for name in PARADIGMS), "--seed", "1",
                          *(written[name] for name in ("dataset", "rejects", "counts"))],
        "report": report,
    }  # fmt: skip


def measured(command: list[str]) -> Measured:
    process = subprocess.Popen(
        [sys.executable, "-m", "performance.run_measured", *command],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.read().split()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} ended with status {status}")
    return Measured(used.ru_utime + used.ru_stime, float(said[-1]))


def measure(rows: int) -> dict[str, Measured]:
    """Generate a data set, and run each stage on it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        report = generate(folder, rows)
        made = read_data_set(folder / "generated.jsonl")
        (folder / "rows").mkdir()
        for name in PARADIGMS:
            write_records(folder / f"rows/{name}.jsonl", (row for row in made if row.paradigm == name))
        return {stage: measured(command) for stage, command in commands(folder, rows, report).items()}


def main(sizes: Sequence[int]) -> None:
    found = {rows: measure(rows) for rows in sorted(sizes)}
    lines = []
    for stage in next(iter(found.values())):
        cells = [
            text for one in found.values() for text in (f"{one[stage].seconds:.1f}", f"{one[stage].megabytes:,.0f}")
        ]
        steps = [
            math.log(found[b][stage].seconds / found[a][stage].seconds) / math.log(b / a) for a, b in pairwise(found)
        ]
        lines.append([stage, *cells, " ".join(f"{step:.2f}" for step in steps)])
    columns = [text for rows in found for text in (f"{rows:,} rows: processor, s", "MB")]
    print(f"{machine()}\n\n{markdown(frame(['stage', *columns, 'exponent'], lines))}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[4_000, 40_000])
    main(parser.parse_args().rows)
