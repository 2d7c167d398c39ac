"""The keys that a run needs are found before it begins: all of them, of endpoints and of the hub."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from gated_hub import BROKEN, MISSING, SHUT, SLOW, gated_hub

from rag_instruct.errors import UserError
from rag_instruct.graph import keys
from rag_instruct.graph.keys import missing_keys, missing_keys_of, refuse_missing_keys
from rag_instruct.settings.config import read_config


@pytest.fixture(scope="module")
def hub():
    with gated_hub() as served:
        yield served


@pytest.fixture
def settings(monkeypatch, tmp_path, hub):
    """Of the workflow itself, in an empty folder, without keys and without a token that this machine may keep."""
    for variable in ("OPENAI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "RAG_INSTRUCT_REPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    settings = read_config(ROOT)
    monkeypatch.chdir(tmp_path)
    return settings


def job(rule, made="made", recipe="", **names):
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule),
        wildcards=SimpleNamespace(**names),
        output=[made],
        input=SimpleNamespace(recipe=recipe),
    )


SYNTHESIS = job("synthesise", "results/b.jsonl", dataset="rag_instruct_40k")
LMSYS = job("download_from_hub", "downloads/files.json", section="exemplar_sets", name="lmsys")
LLAMA = job("train", "results/model", str(ROOT / "resources/recipes/llama_3_1_8b.yaml"))


def test_all_missing_keys_are_named_at_once_with_what_needs_them_and_the_remedy(settings):
    with pytest.raises(UserError) as error:
        refuse_missing_keys([SYNTHESIS, LMSYS, LLAMA], settings)
    hub, openai, nothing = str(error.value).splitlines()
    assert openai.startswith(
        "OPENAI_API_KEY is not set, and gpt-4o needs it to make results/b.jsonl: export OPENAI_API_KEY=..."
    )
    assert hub.startswith(
        "HF_TOKEN is not set, and lmsys/lmsys-chat-1m needs it to make downloads/files.json (meta-llama/Llama-3.1-8B too): accept the terms"
    )
    assert nothing == "Nothing was run."


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("embed_queries", {"queries": "exemplars"}),
        ("embed_queries", {"queries": "evaluation_arc"}),
        ("rerank_run", {"queries": "exemplars"}),
        ("measure_evidence", {}),
    ],
)
def test_every_rule_that_loads_a_gated_model_needs_the_token(settings, rule, names):
    data_set = settings["datasets"]["rag_instruct_40k"]
    settings["encoders"]["gated"] = {"model": "google/embeddinggemma-300m"}
    data_set["encoder"], data_set["rerank"] = "gated", {"model": "google/gemma-2b"}
    data_set["evidence"] = {"model": "llama_3_1_8b"}
    assert "HF_TOKEN is not set" in missing_keys([job(rule, dataset="rag_instruct_40k", **names)], settings)[0]


@pytest.mark.parametrize("free", ["download", "assemble", "load_exemplars", "report"])
def test_other_jobs_need_no_key(settings, free):
    assert missing_keys([job(free)], settings) == []


@pytest.mark.parametrize(("section", "name"), [("exemplar_sets", "alpaca"), ("benchmarks", "popqa")])
def test_what_is_open_on_the_hub_needs_no_token(settings, section, name):
    assert missing_keys([job("download_from_hub", section=section, name=name)], settings) == []


def test_a_gated_model_is_needed_by_what_loads_it(settings):
    (said,) = missing_keys([job("generate_local", model="llama_3_1_8b")], settings)
    assert "meta-llama/Llama-3.1-8B needs it" in said
    assert missing_keys([job("generate_local", model="smollm2")], settings) == []
    gated = {**settings, "encoders": {"g": {"model": "google/embeddinggemma-300m"}}}
    (said,) = missing_keys([job("embed", encoder="g")], gated)
    assert "google/embeddinggemma-300m needs it" in said


@pytest.mark.parametrize(
    ("model", "needs"), [("me/new-model", True), (SHUT, True), ("me/open", False), (MISSING, False), (BROKEN, False)]
)
def test_the_hub_itself_says_what_is_gated(settings, model, needs):
    """A list of names would age. What the hub does not say is found by the download."""
    given = {**settings, "encoders": {"g": {"model": model}}}
    assert bool(missing_keys([job("embed", encoder="g")], given)) == needs


def test_the_hub_is_asked_for_a_short_time_and_without_a_token_and_not_at_all_with_one(settings, monkeypatch, hub):
    given = {**settings, "encoders": {"g": {"model": SLOW}}}
    monkeypatch.setattr(keys, "PATIENCE", 0.2)
    before, began = len(hub.asked), time.monotonic()
    assert missing_keys([job("embed", encoder="g")], given) == []
    assert time.monotonic() - began < 0.9
    assert hub.asked[before:] == [(f"/api/models/{SLOW}", None)]
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    assert missing_keys([LMSYS, LLAMA], settings) == []
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert missing_keys([LMSYS, LLAMA], settings) == []
    assert len(hub.asked) == before + 1


def test_what_is_on_this_machine_needs_no_token(settings, tmp_path):
    """A folder of that name, or the model in the hub's cache."""
    Path("meta-llama/Llama-3.1-8B").mkdir(parents=True)
    assert missing_keys([LLAMA], settings) == []
    Path("meta-llama/Llama-3.1-8B").rmdir()
    assert missing_keys([LLAMA], settings)
    cached = tmp_path / "cache/models--meta-llama--Llama-3.1-8B"
    (cached / "snapshots/abc").mkdir(parents=True)
    (cached / "snapshots/abc/config.json").write_text("{}")
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text("abc")
    assert missing_keys([LLAMA], settings) == []


def test_a_token_that_the_hubs_login_has_kept_counts(settings, tmp_path):
    (tmp_path / "token").write_text("hf_x\n")
    assert missing_keys([LMSYS], settings) == []


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_key_is_none(settings, monkeypatch, blank):
    monkeypatch.setenv("OPENAI_API_KEY", blank)
    monkeypatch.setenv("HF_TOKEN", blank)
    said = missing_keys([SYNTHESIS, LMSYS], settings)
    assert [one.split(",")[0] for one in said] == ["HF_TOKEN is not set", "OPENAI_API_KEY is not set"]


@pytest.mark.parametrize("key", ["sk-x", " sk-x\n", "sk-x\r\n"])
def test_spaces_around_a_key_do_not_count(settings, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    assert missing_keys([SYNTHESIS], settings) == []


@pytest.mark.parametrize("key", ["sk-\nx", "sk\tx", "sk-é", "sk-\u200bx"])
def test_a_key_that_no_request_can_carry_is_said_without_showing_it(settings, monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    (said,) = missing_keys([SYNTHESIS], settings)
    assert said.startswith("OPENAI_API_KEY has a line break or a sign that no key has, and gpt-4o needs it")
    assert key not in said


def test_replay_needs_no_key(settings, monkeypatch):
    monkeypatch.setenv("RAG_INSTRUCT_REPLAY", "1")
    assert missing_keys([SYNTHESIS], settings) == []


def test_every_endpoint_of_a_teacher_has_its_key(settings):
    places = [
        {"base_url": "http://a/v1", "key_variable": "KEY_A"},
        {"base_url": "http://b/v1", "key_variable": "KEY_B"},
    ]
    settings = {**settings, "teachers": {"gpt-4o": {"model": "m", "endpoints": places}}}
    assert [said.split(" ")[0] for said in missing_keys([SYNTHESIS], settings)] == ["KEY_A", "KEY_B"]


def test_a_preview_names_the_keys_of_what_is_still_to_be_bought_and_downloaded(settings):
    both = missing_keys_of(settings, "rag_instruct_40k", {"gpt-4o"})
    assert [said.split(" ")[0] for said in both] == ["OPENAI_API_KEY", "HF_TOKEN"]
    Path("downloads/exemplar_sets/lmsys").mkdir(parents=True)
    Path("downloads/exemplar_sets/lmsys/files.json").write_text("{}")
    assert missing_keys_of(settings, "rag_instruct_40k", set()) == []
    assert missing_keys_of(settings, "rag_instruct_demo", {"SmolLM2-135M-Instruct.Q4_1"}) == []


def test_a_rule_has_another_name_in_the_workflow_that_uses_this_one_as_a_module(settings):
    renamed = SimpleNamespace(**vars(SYNTHESIS))
    renamed.rule = SimpleNamespace(name="rag_synthesise", shellcmd="python -m scripts.synthesise {input:q}")
    assert missing_keys([renamed], settings) == missing_keys([SYNTHESIS], settings)
    training = SimpleNamespace(**vars(LLAMA))
    training.rule = SimpleNamespace(name="rag_train", shellcmd="{params.launch}")
    assert missing_keys([training], settings, {"rag_train": "train"}) == missing_keys([LLAMA], settings) != []
