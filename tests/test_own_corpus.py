"""The example of one's own corpus in examples/own_corpus/: what it ships, and a whole build of it."""

import json
import shutil

import pytest
import yaml
from conftest import ROOT, Project
from faulty import Running
from stage import KEY

from rag_instruct.files import read_jsonl
from rag_instruct.jobs import REPLAY

EXAMPLE = ROOT / "examples/own_corpus"
CONFIG = "examples/own_corpus/config.yaml"
TARGET = "results/ardholm/report.html"


def test_it_ships_forty_notes_and_forty_instructions():
    notes = sorted((EXAMPLE / "notes").iterdir())
    assert len(notes) == 40
    assert {path.suffix for path in notes} == {".txt", ".md", ".pdf"}
    for path in notes:
        if path.suffix != ".pdf":
            assert 100 <= len(path.read_text("utf-8").split()) <= 200, path.name
    instructions = [one["instruction"] for one in read_jsonl(EXAMPLE / "instructions.jsonl")]
    assert len(set(instructions)) == 40


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project with the example, built with a teacher behind HTTP, what the run said, and the server's bill."""
    project = Project(tmp_path_factory.mktemp("own"))
    shutil.copytree(EXAMPLE, project.folder / "examples/own_corpus")
    with Running("--latency", 0.01) as served:
        teacher = {
            "model": "m",
            "base_url": served.base_url,
            "key_variable": "TEST_KEY",
            "price": {"input": 2.0, "output": 10.0},
        }
        # Its questions are all alike and state facts, so some are dropped, and some paradigms stay short.
        other = {"teacher": "remote", "prompts": "full", "oversample": 0, "evidence": {"model": False}}
        change = {"teachers": {"remote": teacher}, "datasets": {"ardholm": other}}
        (project.folder / "test.yaml").write_text(yaml.safe_dump(change))
        ran = project.snakemake("--cores", "2", "--configfile", CONFIG, "test.yaml", "--", TARGET, TEST_KEY=KEY)
        assert ran.returncode == 0, ran.stdout[-3000:]
        yield project, ran.stdout, served.bill()


def content(project):
    folder = project.folder / "results"
    return [(folder / name).read_bytes() for name in ("ardholm.jsonl", "ardholm/rejects.jsonl", "ardholm/counts.json")]


@pytest.mark.slow
def test_rows_are_of_the_notes_and_what_is_missing_is_said(built):
    project, _, _ = built
    rows = list(read_jsonl(project.folder / "results/ardholm.jsonl"))
    counts = json.loads((project.folder / "results/ardholm/counts.json").read_text())
    assert counts["wanted"] == 15
    assert counts["rows"] == len(rows) >= 5
    files = {passage["id"].split("#")[0].rsplit("-", 1)[0] for row in rows for passage in row["passages"]}
    assert files <= {path.name for path in (EXAMPLE / "notes").iterdir()}
    report = (project.folder / TARGET).read_text("utf-8")
    assert (f"ardholm has {len(rows)} of 15 wanted rows" in report) == (len(rows) < 15)


@pytest.mark.slow
def test_the_refill_tries_what_was_not_tried_and_no_answer_is_bought_twice(built):
    project, _, bill = built
    folder = project.folder / "results/ardholm"
    assert bill["billed"] == bill["distinct"]
    first = [json.loads(line) for path in folder.glob("synthesis/*/chunk_??*.jsonl") for line in path.open()]
    tried = {(one["paradigm"], one["slot"], one["attempt"]) for one in first}
    again = [one for name in ("refill", "refill.rejects") for one in read_jsonl(folder / f"pairs/{name}.jsonl")]
    assert again, "the test says nothing if no slot is tried again"
    assert not tried & {(one["paradigm"], one["slot"], one["attempt"]) for one in again}


@pytest.mark.slow
def test_a_refill_that_is_made_again_has_the_same_bytes_and_buys_nothing(built):
    project, _, _ = built
    before = content(project)
    forced = ["--forcerun", "refill", "--configfile", CONFIG, "test.yaml", "--", "results/ardholm.jsonl"]
    ran = project.snakemake("--cores", "1", *forced, **{REPLAY: "1"})
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert "rule refill" in ran.stdout or "Rule: refill" in ran.stdout
    assert content(project) == before


@pytest.mark.slow
def test_a_refill_that_its_budget_ended_goes_on_with_another(built, tmp_path):
    """Its answers are taken from the store, and the budget is what was spent on the others."""
    whole, _, _ = built
    shutil.copytree(whole.folder, tmp_path / "copy")
    project = Project(tmp_path / "copy", built=True)
    folder = project.folder / "results/ardholm/pairs"
    refilled = [*read_jsonl(folder / "refill.jsonl"), *read_jsonl(folder / "refill.rejects.jsonl")]
    bought = {key for one in refilled for key in one.get("request_keys", ())}
    left = 0
    for segment in (project.folder / "answers").glob("*.jsonl"):
        kept = [line for line in segment.read_text("utf-8").splitlines() if json.loads(line).get("key") not in bought]
        segment.write_text("".join(f"{line}\n" for line in kept), "utf-8")
        left += len(kept)

    def build(requests, *options):
        settings = yaml.safe_load((project.folder / "test.yaml").read_text())
        settings["datasets"]["ardholm"]["budget"] = {"requests": requests}
        (project.folder / "test.yaml").write_text(yaml.safe_dump(settings))
        options = [*options, "--configfile", CONFIG, "test.yaml", "--", "results/ardholm.jsonl"]
        ran = project.snakemake("--cores", "2", *options, TEST_KEY=KEY)
        assert ran.returncode == 0, ran.stdout[-3000:]
        return ran.stdout

    assert "is used up" in build(left, "--forcerun", "refill")
    assert content(project) != content(whole)
    assert "refill" not in build(left), "the same budget tries nothing again"
    build(10_000)
    assert content(project) == content(whole)


@pytest.mark.long
def test_it_builds_with_its_own_teacher(project):
    shutil.copytree(EXAMPLE, project.folder / "examples/own_corpus")
    ran = project.snakemake("--cores", "2", "--configfile", CONFIG, "--", TARGET)
    assert ran.returncode == 0, ran.stdout[-3000:]
    rows = list(read_jsonl(project.folder / "results/ardholm.jsonl"))
    assert rows
    report = (project.folder / TARGET).read_text("utf-8")
    assert (f"ardholm has {len(rows)} of 15 wanted rows" in report) == (len(rows) < 15)
