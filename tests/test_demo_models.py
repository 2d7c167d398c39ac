"""`make train-demo` and `make eval-demo` with the demo's real model: what a user then has."""

import json
import math
import shutil

import forked
import pytest
import yaml
from browsing import opened
from conftest import TARGET, Project

NAME = "results/rag_instruct_demo"
CURVE, MODEL, PAGE = f"{NAME}/training/smollm2_135m.svg", f"{NAME}/models/smollm2_135m", f"{NAME}/evaluation.html"
RECIPE, QUESTIONS = "resources/recipes/smollm2_135m.yaml", "resources/demo/questions.jsonl"
ASKED = "Who discovered the moons of Mars?"


@pytest.fixture(scope="module")
def whole(demo, tmp_path_factory):
    """The demo after `make train-demo`."""
    return trained(copy(demo, tmp_path_factory))


@pytest.fixture(scope="module")
def short(demo, tmp_path_factory):
    """The same with a few short rows, one step a row, and a recipe as short."""
    project = copy(demo, tmp_path_factory)
    rows = [json.loads(line) for line in (project.folder / TARGET).read_text("utf-8").splitlines()]
    some = sorted(rows, key=needed)[:4]
    (project.folder / TARGET).write_text("".join(json.dumps(row) + "\n" for row in some), "utf-8")
    project.edit("config.yaml", "validation: 0.15", "validation: 0")  # the recipe's share decides
    recipe = yaml.safe_load((project.folder / RECIPE).read_text())
    recipe |= {"max_length": 224, "epochs": 1, "accumulation": 1, "saves": 2, "validation": 0.4, "learning_rate": 3e-4}
    (project.folder / RECIPE).write_text(yaml.safe_dump(recipe))
    return trained(project)


def copy(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "demo"
    shutil.copytree(demo.folder, folder)
    return Project(folder, built=True)


def needed(row):
    """Letters of what a row needs: all but its noise."""
    sources = [t for t, p in zip(row["documents"], row["passages"], strict=True) if p["role"] == "source"]
    return sum(map(len, [row["question"], row["answer"], *sources]))


def make(project, target):
    ran = project.snakemake("--cores", "2", "--", target)
    assert ran.returncode == 0, ran.stdout


def trained(project):
    make(project, CURVE)
    return project


def learnt(project):
    """Assert that the training's losses fell, and that they are drawn; what the training says of itself."""
    told = json.loads((project.folder / MODEL / "training.json").read_text())
    log = [json.loads(line) for line in (project.folder / MODEL / "training_log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in log if "loss" in line]
    assert len(losses) == told["steps"]
    assert all(map(math.isfinite, losses))
    assert told["validation_loss"][-1] < told["validation_loss"][0]
    assert "validation" in (project.folder / CURVE).read_text()
    return told, losses


def answered(project, *options):
    """What the trained model says to a question in the terminal."""
    environment = project.environment(**forked.AS_PRELOADED)
    ran = forked.run("scripts.ask", [MODEL, ASKED, *options], project.folder, environment)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def tabulated(project, benchmarks, models):
    """Assert that the table has every benchmark and model, with documents and without, and numbers that can be."""
    told = json.loads((project.folder / NAME / "evaluation.json").read_text())
    cells = {(row["benchmark"], row["model"], row["given"]) for row in told["results"]}
    assert cells == {(b, m, given) for b in benchmarks for m in models for given in ("closed_book", "with_documents")}
    for row in told["results"]:
        assert row["failed"] == 0
        for score in row["scores"].values():
            assert 0 <= score["low"] <= score["value"] <= score["high"] <= 100
    shown = (project.folder / NAME / "evaluation.md").read_text()
    for part in [
        *(told["benchmarks"][name]["label"] for name in benchmarks),
        *(told["models"][m]["label"] for m in models),
    ]:
        assert part in shown
    return told


@pytest.mark.slow
def test_the_packages_own_model_is_trained(short):
    """From its GGUF file, by accelerate's launcher, as a folder that answers."""
    told, losses = learnt(short)
    assert len(losses) == told["counts"]["train"] >= 2
    assert told["recipe"]["model"].endswith(".gguf")
    said = answered(short, "--tokens", "3", "--documents", "1")
    assert "[1] Mars" in said


@pytest.mark.slow
def test_the_trained_model_is_evaluated(short):
    """One benchmark, whose questions bring their documents; the base model's part is in the long tier."""
    short.edit("config.yaml", "[demo_open, demo_closed, demo_multi_hop, demo_own_context]", "[demo_own_context]")
    short.edit("config.yaml", "models: [smollm2, smollm2_trained]", "models: [smollm2_trained]")
    short.edit("config.yaml", "max_new_tokens: 64", "max_new_tokens: 3")
    questions = (short.folder / QUESTIONS).read_text("utf-8").splitlines(keepends=True)
    some = [line for line in questions if json.loads(line)["kind"] == "own_context"][:2]
    (short.folder / QUESTIONS).write_text("".join(some), "utf-8")
    make(short, PAGE)
    told = tabulated(short, ["demo_own_context"], ["smollm2_trained"])
    assert all(row["n"] == 2 for row in told["results"])
    assert "SmolLM2-135M trained" in (short.folder / PAGE).read_text("utf-8")


@pytest.mark.long
def test_make_train_demo(whole):
    _, losses = learnt(whole)
    half = len(losses) // 2
    assert sum(losses[half:]) / len(losses[half:]) < sum(losses[:half]) / half
    said = answered(whole)
    assert "[10]" in said
    assert said.split("[1]")[0].strip(" →\n"), "it answers"


@pytest.mark.long
def test_make_eval_demo(whole, browser):
    make(whole, PAGE)
    benchmarks = ["demo_open", "demo_closed", "demo_multi_hop", "demo_own_context"]
    told = tabulated(whole, benchmarks, ["smollm2", "smollm2_trained"])
    assert {gain["kind"] for gain in told["gains"]} == {"documents", "training"}
    with opened(browser, whole.folder / PAGE) as page:
        for benchmark in told["benchmarks"].values():
            assert page.get_by_text(benchmark["label"]).count()
