"""An evaluation by Snakemake: what is asked, what is made again after a change, and what never is."""

import json
import re

import pytest
from conftest import Project, plan
from loopback import endpoint
from tiny import model_folder

from rag_instruct.files import read_jsonl, write_jsonl

pytestmark = pytest.mark.slow
TESTED = """
  tested:
    <<: *demo
    evaluation:
      benchmarks: [rivers, prices]
      models: [remote, tiny]
      documents: 2
      max_new_tokens: 20
      contexts: {prices: prices_contexts.json}
    runs: {evaluation_rivers: rivers.trec}

  rag_instruct_40k:"""
BENCHMARKS = """
benchmarks:

  rivers: {schema: own, path: rivers.jsonl, label: Rivers}
  prices: {schema: own, path: prices.jsonl, label: Prices}
"""
MODELS = """
models:

  remote: {teacher: remote, label: Remote}
  tiny: {model: tiny_model, label: Tiny}
"""
REMOTE = """
teachers:

  remote: {model: m, base_url: "URL", key_variable: TEST_KEY, sampling: {temperature: 1.0}}
"""
TARGET = "results/tested/evaluation.html"
ANSWERS = {"Which river flows through Vienna?": "The Danube does.", "Is the Nile long?": "It is."}


def answer(request):
    """From a table; without documents, nothing useful."""
    text = request["messages"][0]["content"]
    question = text.rsplit("Question: ", 1)[-1]
    return ANSWERS.get(question, "B. 14 euros") if text != question else "I do not know."


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project after one build, the endpoint still there, and what the build said."""
    project = Project(tmp_path_factory.mktemp("evaluation"))
    folder = project.folder
    rivers = [
        {"id": f"r{n}", "question": question, "answers": [word], "gold_passage_ids": ["1"]}
        for n, (question, word) in enumerate(zip(ANSWERS, ("Danube", "yes"), strict=True))
    ]
    write_jsonl(folder / "rivers.jsonl", rivers)
    write_jsonl(
        folder / "prices.jsonl",
        [
            {"question": "What does a cable cost?", "choices": {"A": "9 euros", "B": "14 euros"}, "answers": ["B"]},
            {"question": "And a chain?", "answers": ["32 euros"], "context": "Price list\nA chain costs 32 euros."},
        ],
    )
    contexts = [{"question": "What does a cable cost?", "ctxs": [{"title": "List", "text": "A cable: 14 euros."}] * 3}]
    (folder / "prices_contexts.json").write_text(json.dumps(contexts))
    (folder / "rivers.trec").write_text("".join(f"r{n} Q0 {p} 1 {1 / p} x\n" for n in range(2) for p in (1, 2, 3)))
    model_folder(folder / "tiny_model", family="smollm2", positions=1024)
    project.edit("config.yaml", "  rag_instruct_demo:\n", "  rag_instruct_demo: &demo\n")
    project.edit("config.yaml", "\n  rag_instruct_40k:", TESTED)
    project.edit("config.yaml", "\nbenchmarks:\n", BENCHMARKS)
    project.edit("config.yaml", "\nmodels:\n", MODELS)
    with endpoint(answer) as served:
        project.edit("config.yaml", "\nteachers:\n", REMOTE.replace("URL", served.base_url))
        ran = project.snakemake("--cores", "2", "--", TARGET, TEST_KEY="sk-1")
        assert ran.returncode == 0, ran.stdout[-4000:]
        yield project, served, ran.stdout


def table(project):
    return json.loads((project.folder / "results/tested/evaluation.json").read_text())


def test_all_is_scored_and_the_documents_are_those_that_were_given(built):
    project, served, said = built
    results = {(r["benchmark"], r["model"], r["given"]): r for r in table(project)["results"]}
    assert len(results) == 8
    assert results["rivers", "remote", "with_documents"]["scores"]["accuracy"]["value"] == 50
    assert results["rivers", "remote", "closed_book"]["scores"]["accuracy"]["value"] == 0
    assert results["prices", "remote", "with_documents"]["n"] == 2
    assert len(served.requests) == 8
    prompts = {request["messages"][0]["content"] for request in served.requests}
    cable = next(prompt for prompt in prompts if "cable cost" in prompt and "List" in prompt)
    assert cable.count("A cable: 14 euros.") == 2, "as many documents as config.yaml says"
    assert "A. 9 euros\nB. 14 euros\nAnswer with the letter" in cable
    assert any("Price list\nA chain costs" in prompt for prompt in prompts)
    assert sum("the second-longest river in Europe" in prompt for prompt in prompts) == 2
    assert all(request["temperature"] == 0 for request in served.requests), "greedy, whatever the teacher's own is"
    assert "embed" not in re.findall(r"^(\w+) +\d+$", said, re.M), "nothing is searched that was retrieved already"


def test_recall_of_known_passages_is_in_the_table(built):
    text = (built[0].folder / "results/tested/evaluation.md").read_text()
    assert re.search(r"\| Rivers +\| +2 \|", text)


def test_a_second_run_does_nothing_and_a_new_scorer_generates_nothing(built):
    project = built[0]
    assert plan(project, TARGET) == {}
    path = project.folder / "rag_instruct/scoring/scores.py"
    before = path.read_text()
    path.write_text(before.replace("GUESSES = 5", "GUESSES = 6"))
    try:
        jobs = plan(project, TARGET)
    finally:
        path.write_text(before)
    assert jobs["score"] == 8
    assert "load_benchmark" not in jobs, "scorers decide nothing of what is asked"
    assert not any(rule.startswith("generate") for rule in jobs), jobs


def test_lost_results_are_made_from_the_kept_answers(built):
    project, served, _ = built
    asked, before = len(served.requests), (project.folder / "results/tested/evaluation.json").read_bytes()
    for path in (project.folder / "results/tested/evaluation").rglob("*.outputs.jsonl"):
        path.unlink()
    kept = {path: path.stat().st_size for path in (project.folder / "answers").rglob("*.jsonl")}
    ran = project.snakemake("--cores", "2", "--", TARGET, TEST_KEY="sk-1")
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert len(served.requests) == asked
    assert {path: path.stat().st_size for path in (project.folder / "answers").rglob("*.jsonl")} == kept
    assert (project.folder / "results/tested/evaluation.json").read_bytes() == before


def test_answers_of_weights_are_not_bought_and_keys_are_nowhere(built):
    project, served, said = built
    records = list(read_jsonl(next((project.folder / "answers/generated").glob("*.jsonl"))))
    assert {record["request"]["model"].split(":")[0] for record in records} == {"tiny_model"}
    assert served.keys == {"Bearer sk-1"}
    assert "sk-1" not in said
    for path in (project.folder / "results").rglob("*"):
        assert path.is_dir() or b"sk-1" not in path.read_bytes(), path


def test_a_missing_key_stops_before_anything_runs(built):
    project = built[0]
    project.edit("config.yaml", "max_new_tokens: 20", "max_new_tokens: 21")
    try:
        ran = project.snakemake("--cores", "1", "--", TARGET)
    finally:
        project.edit("config.yaml", "max_new_tokens: 21", "max_new_tokens: 20")
    assert ran.returncode != 0
    assert "TEST_KEY is not set" in ran.stdout
    assert "Nothing was run" in ran.stdout


def test_an_evaluation_of_nothing_says_what_to_name(built):
    ran = built[0].snakemake("-n", "--", "results/rag_instruct_40k_no_noise/evaluation.md")
    assert ran.returncode == 0, "an ablation inherits the evaluation"
    built[0].edit("config.yaml", "      models: [remote, tiny]\n", "      models: []\n")
    try:
        ran = built[0].snakemake("-n", "--", TARGET)
    finally:
        built[0].edit("config.yaml", "      models: []\n", "      models: [remote, tiny]\n")
    assert ran.returncode != 0
    assert "datasets.tested.evaluation.models is empty: name at least one" in ran.stdout
