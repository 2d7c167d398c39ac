"""The exemplars' part of the graph, for real: own sets, benchmarks, and a set that cannot be had."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import plan

MINE = """
  mine:
    corpus: demo
    encoder: minilm
    exemplars: {demo_alpaca: 50, own: 50%s}
    exemplar_filter: heuristic
    decontaminate: [quiz]
    cleaning: {characters: false}
    teacher: smollm2
    prompts: compact
    paradigms: {single_doc_answer: {demo_alpaca: 2, own: 1}}

corpora:
"""
SETS = """
  own: {path: own.jsonl.zst, license: MIT, fields: {conversation: dialog.turns, role: who, text: said, human: [me]}}
  far: {hub: me/far, files: [far.json], schema: alpaca, license: MIT}

benchmarks:

  quiz: {path: quiz.json, under: Data, question: Question}
"""
REPORT = "results/mine/exemplars/report.md"
ASKED = ["What is a fjord?", "Why is the Dead Sea so salty?", "Fix my Python code.", "What is a   FJORD?", "Hola, ¿puedes explicarme qué es un fiordo y dónde se encuentran?"]  # fmt: skip


@pytest.fixture
def prepared(project):
    turns = [{"dialog": {"turns": [{"who": "it", "said": "Hello"}, {"who": "me", "said": text}]}} for text in ASKED]
    with pa.output_stream(project.folder / "own.jsonl.zst", compression="zstd") as file:
        file.write("".join(json.dumps(turn) + "\n" for turn in turns).encode())
    (project.folder / "quiz.json").write_text(json.dumps({"Data": [{"Question": "Why is the Dead Sea so salty?"}]}))
    project.edit("config.yaml", "\ncorpora:\n", MINE % "")
    project.edit("config.yaml", "\nbenchmarks:\n", SETS)
    return project


def counts(project):
    return json.loads((project.folder / "results/mine/exemplars/counts.json").read_text())


def built(project, **environment):
    ran = project.snakemake("--cores", "2", "--", REPORT, **environment)
    assert ran.returncode == 0, ran.stdout[-3000:]


def test_own_sets_and_benchmarks_and_what_cannot_be_had(prepared):
    built(prepared)
    own = counts(prepared)["own"]
    assert (own["records"], own["drawn"], own["kept"], own["from"]) == (5, 2, 1, "own.jsonl.zst")
    assert own["cleaned out"] == {"another language": 1, "in a benchmark": 1, "repeated": 1}
    assert own["filtered out"] == {"code": 1}
    report = (prepared.folder / REPORT).read_text()
    assert "Why is the Dead Sea so salty? (quiz: Why is the Dead Sea so salty?)" in report
    assert plan(prepared, REPORT) == {}
    kept = (prepared.folder / "results/mine/exemplars/kept.jsonl").read_text()

    # A set that the hub does not give up: it is said what to do, and what does not need it is made.
    for path in (prepared.folder / "results/exemplar_sets").iterdir():
        path.unlink()
    prepared.edit("config.yaml", "{demo_alpaca: 50, own: 50}", "{far: 50, demo_alpaca: 50, own: 50}")
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    ran = prepared.snakemake("--cores", "1", "--", REPORT, **nowhere)
    assert ran.returncode != 0
    assert "me/far: the hub cannot be reached" in ran.stdout
    assert "run again later, or give a local `path` in config.yaml" in ran.stdout
    assert {path.name for path in (prepared.folder / "results/exemplar_sets").iterdir()} == {
        "demo_alpaca.json", "demo_alpaca.parquet", "own.json", "own.parquet",
    }  # fmt: skip

    # The local file takes its place, at the end: the picks of the others stay.
    far = [{"instruction": "What is a fjord?", "input": ""}, {"instruction": "Who wrote the opera Aida?", "input": ""}]
    (prepared.folder / "far.json").write_text(json.dumps(far))
    prepared.edit("config.yaml", "hub: me/far, files: [far.json]", "path: far.json")
    prepared.edit("config.yaml", "{far: 50, demo_alpaca: 50, own: 50}", "{demo_alpaca: 50, own: 50, far: 50}")
    built(prepared)
    assert counts(prepared)["far"]["cleaned out"] == {"repeated": 1}
    assert (prepared.folder / "results/mine/exemplars/kept.jsonl").read_text().startswith(kept)

    # The sets' order says whose exemplar stays.
    prepared.edit("config.yaml", "{demo_alpaca: 50, own: 50, far: 50}", "{far: 50, demo_alpaca: 50, own: 50}")
    assert plan(prepared, REPORT)["draw_exemplars"] == 1
    built(prepared)
    assert counts(prepared)["own"]["cleaned out"]["repeated"] == 2


def test_a_set_of_several_local_files_is_read_in_the_order_of_their_names(prepared):
    prepared.edit("config.yaml", "hub: me/far, files: [far.json]", 'path: "far/*.json"')
    target = "results/exemplar_sets/far.json"
    ran = prepared.snakemake("-n", "--", target)
    assert ran.returncode != 0
    assert "far/*.json" in ran.stdout
    (prepared.folder / "far").mkdir()
    for number in (2, 1):
        rows = [{"instruction": f"What is {number}?", "input": ""}]
        (prepared.folder / f"far/{number}.json").write_text(json.dumps(rows))
    ran = prepared.snakemake("--cores", "1", "--", target)
    assert ran.returncode == 0, ran.stdout
    summary = json.loads((prepared.folder / target).read_text())
    assert (summary["file"], summary["instructions"]) == ("far/1.json, far/2.json", 2)
    rows = pq.read_table(prepared.folder / "results/exemplar_sets/far.parquet").to_pylist()
    assert rows == [{"row": number, "instruction": f"What is {number + 1}?"} for number in (0, 1)]
    (prepared.folder / "far/3.json").write_text(json.dumps(rows))
    assert plan(prepared, target) == {"load_exemplars": 1}
