"""The graph with an encoder behind an endpoint: previewed, bought once, the same bytes on one core and two."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import Project
from stage import KEY
from vector_endpoint import vector, vector_endpoint

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.costs.embedding_preview import preview_embedding
from rag_instruct.costs.inputs import current_files
from rag_instruct.files import read_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.prices import Price, Prices
from rag_instruct.llm.segments import tokens_of
from rag_instruct.retrieval.runs import Run
from rag_instruct.settings.config import read_config
from scripts import ask

pytestmark = pytest.mark.slow
SET = "results/rag_instruct_demo"
RUNS = [f"{SET}/search/{name}.parquet" for name in ("exemplars", "evaluation_demo_open")]
PRICES = Prices(date="2026-01-01", models={"v": Price(input=1000, output=0)})
PASSAGES = 150
EVALUATED = "[demo_open, demo_closed, demo_multi_hop, demo_own_context]"


@pytest.fixture(scope="module")
def served():
    with vector_endpoint() as running:
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory, served):
    return made(tmp_path_factory.mktemp("vectors"), served)


def made(folder, served):
    """The demo with fewer passages, its encoder behind the endpoint."""
    found = Project(folder)
    passages = folder / "resources/demo/passages.tsv"
    passages.write_text("".join(passages.read_text("utf-8").splitlines(keepends=True)[: PASSAGES + 1]), "utf-8")
    remote = {"model": "v", "base_url": served.base_url, "key_variable": "TEST_KEY", "texts_a_request": 16}
    remote |= {"price": {"input": 1000, "output": 0}, "sampling": {"user": "tests"}}
    elsewhere = {"teacher": "vectors", "normalize": True, "query_prefix": "query: "}
    elsewhere |= {"query_parameters": {"input_type": "query"}, "passage_parameters": {"input_type": "document"}}
    found.edit("config.yaml", "\nencoders:\n", f"\nencoders:\n\n  remote: {json.dumps(elsewhere)}\n")
    found.edit("config.yaml", "\nteachers:\n", f"\nteachers:\n\n  vectors: {json.dumps(remote)}\n")
    found.edit(
        "config.yaml",
        "rag_instruct_demo:\n    corpus: demo\n    encoder: minilm",
        "rag_instruct_demo:\n    corpus: demo\n    encoder: remote",
    )
    found.edit("config.yaml", EVALUATED, "[demo_open]")
    return found


def previewed(folder):
    """Stage -> the preview's estimate, by the settings of the last run."""
    settings = max((folder / ".snakemake/settings").iterdir(), key=lambda path: path.stat().st_mtime)
    store, account = AnswerStore(folder / "answers"), BudgetAccount("rag_instruct_demo", "preview", PRICES)
    given, results = job_settings(settings), folder / "results"
    current = current_files(given, "rag_instruct_demo", results, None, ())
    found = preview_embedding(given, "rag_instruct_demo", results, store, account, current)
    return {one.stage: one for one in found}


def test_the_whole_way(project, served, monkeypatch, caplog):
    folder, inputs = project.folder, [f"{SET}/exemplars/kept.jsonl", f"{SET}/evaluation/demo_open/queries.jsonl"]
    ran = project.snakemake("--cores", "2", "--", *RUNS)
    assert ran.returncode != 0
    assert "TEST_KEY is not set, and v needs it to make" in ran.stdout
    assert not served.requests
    before = previewed(folder)
    assert "passages.arrow: missing or stale, so the price of its vectors is not included" in caplog.text
    assert list(before) == ["embedding queries"]
    assert before["embedding queries"].requests > 100, "the exemplars that are drawn"
    assert not before["embedding queries"].counted

    ran = project.snakemake("--cores", "1", "--", *RUNS, TEST_KEY=KEY)
    assert ran.returncode == 0, ran.stdout
    queries = [text for name in inputs for text in texts_of(folder / name)]
    billed = Counter(served.billed)
    assert billed.pop("dimension") == 2, "one for each kind of text, whose parameters differ"
    assert billed == Counter({*passages_of(folder), *(f"query: {text}" for text in queries)})
    assert {request["input_type"] for request in served.requests} == {"query", "document"}
    assert {request["user"] for request in served.requests} == {"tests"}
    assert max(len(request["input"]) for request in served.requests) == 16
    assert served.keys == {f"Bearer {KEY}"}

    store = AnswerStore(folder / "answers")
    assert {(record["stage"], record["for"]) for record in store.records()} == {("embedding", "rag_instruct_demo")}
    assert sum(tokens_of(record["reply"])["prompt"] for record in store.records()) == served.tokens
    bought = previewed(folder)["embedding demo"]
    assert (bought.stored, bought.requests) == (PASSAGES, 0)
    (unbought := folder / "answers").rename(folder / "elsewhere")
    assert previewed(folder)["embedding demo"].requests == PASSAGES
    (folder / "elsewhere").rename(unbought)

    kept = {one["id"]: one["instruction"] for one in read_jsonl(folder / inputs[0])}
    run = Run(folder / RUNS[0], folder / "results/corpora/demo/passages.arrow")
    for name in list(kept)[:5]:
        hits = [hit.row for hit in run.hits(name)]
        assert hits == best(f"query: {kept[name]}", passages_of(folder), len(hits))

    bytes_before, bought = [(folder / run).read_bytes() for run in RUNS], len(served.requests)
    shard = folder / "results/corpora/demo/remote/shard_00.npy"
    made_at = shard.stat().st_mtime_ns
    again = ["embed_endpoint", "embed_queries_endpoint"]
    ran = project.snakemake("--cores", "2", "--forcerun", *again, "--", *RUNS, TEST_KEY=KEY)
    assert ran.returncode == 0, ran.stdout
    assert shard.stat().st_mtime_ns > made_at
    assert len(served.requests) == bought, "nothing is paid twice"
    assert [(folder / run).read_bytes() for run in RUNS] == bytes_before

    monkeypatch.chdir(folder)
    monkeypatch.setenv("TEST_KEY", KEY)
    asked = []
    ask.with_index(
        read_config(Path.cwd()), "rag_instruct_demo", lambda index: asked.append(index.best("moons of Mars", 3))
    )
    assert [hit.row for hit in asked[0]] == best("query: moons of Mars", passages_of(folder), 3)
    assert served.billed[-1] == "query: moons of Mars"


def texts_of(path):
    return [one.get("instruction") or one["question"] for one in read_jsonl(path)]


def passages_of(folder):
    store = PassageStore(folder / "results/corpora/demo/passages.arrow")
    return [f"{passage.title} {passage.text}" for passage in store.slice(0, len(store))]


def best(query, texts, k):
    """The rows of the nearest texts; stored vectors have half precision."""
    vectors = np.stack([vector(text).astype(np.float64) for text in texts])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32).astype(np.float16)
    return np.argsort(-vectors.astype(np.float64) @ vector(query), kind="stable")[:k].tolist()
