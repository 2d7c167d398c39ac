"""The recorded sample: what a capable teacher makes, built from its answers without a model, a key or a search."""

import json
from collections import Counter

import pytest
from conftest import ROOT, Project

NAME = "rag_instruct_sample"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A folder in which the sample is built."""
    built = Project(tmp_path_factory.mktemp("sample"))
    ran = built.snakemake("--cores", "2", "--", f"results/{NAME}.jsonl")
    assert ran.returncode == 0, ran.stdout
    return built


def rows(sample):
    return [json.loads(line) for line in (sample.folder / f"results/{NAME}.jsonl").open(encoding="utf-8")]


@pytest.mark.slow
def test_the_recorded_answers_make_twelve_rows_of_each_paradigm_with_prompts_full(sample):
    made = rows(sample)
    counts = Counter(row["paradigm"] for row in made)
    assert len(counts) == 5
    assert min(counts.values()) >= 12
    assert {row["prompts"] for row in made} == {"full"}
    assert len({row["kind"] for row in made}) >= 5, "questions, claims, choices, commands, explanations, comparisons"
    linked = Counter(row["paradigm"] for row in made if row.get("links"))
    for name in ("multi_doc_answer", "multi_doc_support"):
        assert linked[name] == counts[name], "documents that belong together"


@pytest.mark.slow
def test_no_good_pair_of_the_sample_is_refused(sample):
    """Its author took all pairs for good, and readers agreed; what is refused is what the teacher skipped."""
    files = (sample.folder / f"results/{NAME}/pairs").glob("*.rejects.jsonl")
    rejects = [json.loads(line) for file in files for line in file.open(encoding="utf-8")]
    assert Counter(reject["reason"] for reject in rejects) == {"skipped": 6}


@pytest.mark.slow
def test_the_readme_shows_a_row_of_each_paradigm(sample):
    lines = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    shown = [row for row in rows(sample) if any(f"| {row['question']} | {row['answer']} |" in line for line in lines)]
    assert len(shown) == len({row["paradigm"] for row in shown}) == 5
