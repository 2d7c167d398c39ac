"""The notebooks in examples/: they run on a built data set, and nothing of a machine is in them."""

import json
import re

import notebook
import pytest
from conftest import ROOT
from test_evaluation import evaluation_in

from rag_instruct.evaluation.tables import every_score
from rag_instruct.files import write_json

RESULTS = ROOT / "examples/results.ipynb"


@pytest.mark.slow
def test_the_results_of_the_demo_are_opened_with_pandas(copied, tmp_path, monkeypatch):
    """With its ledger, and an evaluation by hand: the demo's own takes minutes."""
    ran = copied.snakemake("--cores", "1", "--", "results/rag_instruct_demo/ledger.json")
    assert ran.returncode == 0, ran.stdout
    folder, evaluated = copied.folder / "results/rag_instruct_demo", evaluation_in(tmp_path)[4]
    write_json(folder / "evaluation.json", evaluated)
    every_score(evaluated).to_csv(folder / "evaluation.csv", index=False)
    monkeypatch.chdir(copied.folder)
    names = notebook.run(json.loads(RESULTS.read_text("utf-8")))
    counts = json.loads((folder / "counts.json").read_text())
    assert len(names["rows"]) == counts["rows"]
    assert names["documents"]["role"].value_counts().sum() == sum(names["rows"]["documents"].map(len))
    assert len(names["rejects"]) == sum(sum(reasons.values()) for reasons in counts["rejects"].values())
    assert set(names["ledger"]["stage"]) == {"synthesis"}
    assert list(names["gains"]["value"]) == [gain["value"] for gain in evaluated["gains"]]


def test_outputs_are_kept_and_name_no_machine():
    cells = [cell for cell in json.loads(RESULTS.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in cells)
    assert not re.search(r"/(?:home|root|tmp|work|Users)/", json.dumps(cells))
