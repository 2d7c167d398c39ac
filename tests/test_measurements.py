"""The scripts in performance/ that measure whole runs: the dress rehearsal, and what the graph does on a GPU."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

from performance.gpu_table import PARTS, gathered
from performance.rehearsal import differences, evaluated, growth
from performance.rehearsal_inputs import BENCHMARKS
from performance.rehearsal_watch import Stage, declared

FIGURE = {"part": "search", "what": "a product", "rate": 1234.5, "unit": "TFLOP/s", "share": 0.5, "limit": "the peak",
          "gigabytes": 1.25, "device": "a GPU"}  # fmt: skip
STAGE = Stage(
    jobs=2, wall=3.0, processor=40.0, memory=900.0, memory_declared=1000.0, longest=2.0, minutes_declared=10.0,
    records_in=10, records_out=10, disk=1.0,
)  # fmt: skip


def test_the_table_of_a_gpu_has_the_parts_that_ran_and_names_the_others(tmp_path):
    (tmp_path / "search.json").write_text(json.dumps([FIGURE]))
    shown = gathered(tmp_path)
    assert "| search | a product | 1,234 TFLOP/s | 50% of the peak | 1.2 |" in shown
    assert shown.endswith("without figures: embedding, evidence, training, largest")
    assert json.loads((tmp_path / "gpu.json").read_text()) == [FIGURE]


STUB = """\
#!/bin/sh
case "$*" in
*gpu_table*) exec {python} "$@" ;;
*search*) echo "no GPU here"; exit 3 ;;
*embedding*) sleep 60 ;;
*evidence*) echo '[{figure}]' > "$5/evidence.json" ;;
esac
"""


@pytest.mark.slow
def test_a_part_that_fails_or_hangs_loses_no_figures_of_the_others(tmp_path):
    stub = tmp_path / "python"
    stub.write_text(STUB.format(python=sys.executable, figure=json.dumps({**FIGURE, "part": "evidence"})))
    stub.chmod(0o755)
    script = (ROOT / "performance/gpu.sh").read_text()
    hasty = tmp_path / "performance" / "gpu.sh"
    hasty.parent.mkdir()
    hasty.write_text(
        script.replace("within 60 embedding", "within 1 embedding").replace('"$(dirname "$0")/.."', str(ROOT))
    )
    run = subprocess.run(
        ["bash", str(hasty), str(tmp_path / "out")],
        env=os.environ | {"PYTHON": str(stub)},
        capture_output=True,
        text=True,
    )
    assert "search ended with 3" in run.stdout
    assert "embedding ended with 124" in run.stdout
    assert "| evidence | a product |" in run.stdout
    assert run.stdout.strip().endswith("without figures: search, embedding, training, largest")
    assert (tmp_path / "out/search.log").read_text() == "no GPU here\n"


def test_the_parts_of_a_gpu_and_its_table_take_less_than_ten_minutes():
    limits = re.findall(r"(?m)^ +within (\d+) ", (ROOT / "performance/gpu.sh").read_text())
    assert len(limits) == len(PARTS) + 2  # the packages before, and the table after them
    assert sum(map(int, limits)) < 600


@pytest.mark.long
def test_all_parts_of_a_gpu_run_on_the_processor(tmp_path):
    run = subprocess.run(
        [str(ROOT / "performance/gpu.sh"), str(tmp_path)],
        env=os.environ | {"PYTHON": sys.executable, "TINY": "yes"}, capture_output=True, text=True,
    )  # fmt: skip
    figures = json.loads((tmp_path / "gpu.json").read_text())
    assert {figure["part"] for figure in figures} == set(PARTS), run.stdout
    assert all(figure["rate"] > 0 for figure in figures)


def test_the_rehearsal_knows_what_rules_declare():
    found = declared()
    assert found["synthesise"] == (2000, 24 * 60)
    assert found["load_exemplars"] == (1000, 240)
    assert found["card"] == (4000, None)
    assert set(
        re.findall(r"python -m scripts\.(\w+)", "".join(p.read_text() for p in ROOT.glob("rules/*.smk")))
    ) == set(found)


def test_the_rehearsal_names_what_exceeds_the_declared_resources():
    assert differences({"card": STAGE}) == []
    assert differences({"card": STAGE._replace(memory=1001.0)}) == ["card: 1,001 MB, and its rule declares 1,000"]
    assert differences({"card": STAGE._replace(longest=660.0)}) == ["card: 11 minutes, and its rule declares 10"]


def test_the_rehearsal_prints_exponents_by_rows(tmp_path):
    def run(rows, processor):
        path = tmp_path / f"{rows}.json"
        stages = {"merge_dataset": STAGE._replace(processor=processor)._asdict()}
        path.write_text(json.dumps({"rows": rows, "stages": stages}))
        return path

    assert "1.00" in growth([run(100, 10.0), run(200, 20.0)])  # twice the rows in twice the time
    assert "2.00" in growth([run(100, 10.0), run(200, 40.0)])
    assert re.search(r"\| +1.0, 4.0 \| +- \|", growth([run(100, 1.0), run(200, 4.0)]))  # too short to say


def test_the_rehearsal_evaluates_as_large_a_share_of_the_questions_as_it_makes_rows():
    assert evaluated(400) == ["openbookqa"]
    assert sorted(evaluated(40_000)) == sorted(BENCHMARKS)


@pytest.mark.long
def test_a_small_rehearsal_with_a_kill_gives_the_bytes_of_one_without(tmp_path):
    def rehearse(name, *more):
        options = ["--rows", "50", "--passages", "3000", "--evidence", "0", "--latency", "0.05", "--name", name, *more]
        command = [sys.executable, "-m", "performance.rehearsal", str(tmp_path), *options]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    whole, killed = rehearse("whole"), rehearse("killed", "--kills", "2", "--kill-within", "60")
    assert whole.splitlines()[-1] == killed.splitlines()[-1]
    assert killed.count("killed after") == 2
    bill = json.loads((tmp_path / "killed.json").read_text())
    lost = sum(bill["bill"]["faults"].get(kind, 0) for kind in ("lost", "half a character"))
    assert bill["bill"]["billed"] <= bill["bill"]["distinct"] + lost + bill["unheard"]
