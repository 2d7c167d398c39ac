"""Gather the figures that performance/gpu.sh has measured, as gpu.json and a table. A part may have none.

python -m performance.gpu_table FOLDER
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

PARTS = ("search", "embedding", "evidence", "training", "largest")


@dataclass
class Figure:
    """A measurement: how much a second, of which limit, in how much of the device's memory."""

    part: str
    what: str
    rate: float
    unit: str
    share: float | None  # of the limit
    limit: str
    gigabytes: float | None
    device: str


def gathered(folder: Path) -> str:
    """Write gpu.json with the figures of all parts, and return them as Markdown."""
    paths = [path for part in PARTS if (path := folder / f"{part}.json").exists()]
    found = [Figure(**figure) for path in paths for figure in json.loads(path.read_text())]
    (folder / "gpu.json").write_text(json.dumps([asdict(figure) for figure in found], indent=1))
    devices = sorted({figure.device for figure in found})
    lines = ["; ".join(devices), "", "| part | what | rate | of | GB |", "|---|---|---:|---:|---:|"]
    for one in found:
        rate = f"{one.rate:,.0f}" if one.rate >= 1000 else f"{one.rate:.3g}"
        share = "-" if one.share is None else f"{one.share:.0%} of {one.limit}"
        memory = "-" if one.gigabytes is None else f"{one.gigabytes:.1f}"
        lines.append(f"| {one.part} | {one.what} | {rate} {one.unit} | {share} | {memory} |")
    missing = [part for part in PARTS if part not in {one.part for one in found}]
    return "\n".join([*lines, *(["", f"without figures: {', '.join(missing)}"] if missing else [])])


if __name__ == "__main__":
    print(gathered(Path(sys.argv[1])))
