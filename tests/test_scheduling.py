"""The tests' own scheduler: a worker that dies costs its test, and the run ends."""

import subprocess
import sys

import pytest
from conftest import ROOT

CONFTEST = """
import sys
sys.path.insert(0, {tests!r})
from scheduling import ByFile
def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)
"""
DIES = "import os\ndef test_dies(): os.kill(os.getpid(), 9)\n"
PASSES = "import pytest\n@pytest.mark.parametrize('n', range({n}))\ndef test_passes(n): pass\n"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("dies_in", [0, 2, 4])
def test_a_run_ends_after_a_worker_has_died(tmp_path, workers, dies_in):
    (tmp_path / "conftest.py").write_text(CONFTEST.format(tests=str(ROOT / "tests")))
    sizes = [3, 1, 2, 1, 5]
    for place, size in enumerate(sizes):
        text = PASSES.format(n=size)
        (tmp_path / f"test_{place}.py").write_text(
            text + (DIES + text.replace("passes", "more") if place == dies_in else "")
        )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--dist=loadscope", "-n", str(workers)]
    run = subprocess.run(
        [*command, "--no-loadscope-reorder"], cwd=tmp_path, timeout=120, text=True, stdout=subprocess.PIPE
    )
    assert f"1 failed, {sum(sizes) + sizes[dies_in]} passed" in run.stdout, run.stdout
    assert f"FAILED test_{dies_in}.py::test_dies" in run.stdout
