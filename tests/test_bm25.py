import csv
import json
import os

import bm25s
import numpy as np
import pytest
from conftest import SHARED, needs_shared

from rag_instruct.corpus.importing import import_passages
from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl
from rag_instruct.retrieval.bm25 import Parameters, best, search
from rag_instruct.retrieval.terms import query_terms, terms
from rag_instruct.retrieval.word_index import MOST, Statistics, WordShard, index_words

WORDS = [f"word{n}" for n in range(120)]
K = 20


def made(tmp_path, texts):
    """A corpus of these texts."""
    lines = [json.dumps({"id": f"id{row}", "text": text, "title": ""}) for row, text in enumerate(texts)]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    import_passages(tmp_path / "p.jsonl", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    return tmp_path / "p.arrow"


def random_texts(count, seed=0):
    """Texts of common and rare words, of different lengths."""
    random = np.random.default_rng(seed)
    return [" ".join(WORDS[int(w) % 120] for w in random.zipf(1.3, random.integers(3, 40))) for _ in range(count)]


def indexed(folder, passages, shards):
    """The files of each shard: terms, postings, lengths."""
    files = []
    for shard in range(shards):
        files.append([folder / f"{shards}_{shard}.{name}" for name in ("arrow", "postings.npy", "lengths.npy")])
        index_words(passages, shard, shards, *files[-1])
    return files


def searched(files, asked, k):
    """The k best hits of all shards, by the definition of a merge."""
    found = []
    for shard, part in enumerate(files):
        statistics = Statistics([terms for terms, _, _ in files], {term for query in asked for term in query})
        found.append(search(asked, WordShard(*part), statistics, k, Parameters()))
        found[-1]["row"] += statistics.first_rows[shard]
    hits = np.concatenate(found, axis=1)
    return np.take_along_axis(hits, np.lexsort((hits["row"], -hits["score"]), axis=1)[:, :k], axis=1)


@pytest.mark.parametrize("shards", [1, 2, 7, 16])
def test_scores_are_bm25s_own_and_hits_equal_brute_force(tmp_path, shards):
    """Every passage stands there twice, so that equal scores straddle the borders of shards and of the best k."""
    texts = random_texts(150) * 2
    asked = [terms(text) for text in random_texts(30, seed=1)] + [["nowhere"], ["word1", "word1", "nowhere"]]
    hits = searched(indexed(tmp_path, made(tmp_path, texts), shards), asked, K)
    assert_equal_brute_force(hits, asked, brute_force(texts))


def brute_force(texts):
    """bm25s' own index of all texts in one piece."""
    whole = bm25s.BM25(k1=0.9, b=0.4)
    whole.index([terms(text) for text in texts], show_progress=False)
    return whole


def assert_equal_brute_force(hits, asked, whole):
    for query, found in zip(asked, hits, strict=True):
        known = [term for term in query if term in whole.vocab_dict]
        scores = whole.get_scores(known) if known else np.zeros(whole.scores["num_docs"], np.float32)
        order = np.argsort(-scores, kind="stable")[:K]
        assert found["row"].tolist() == order.tolist()
        assert found["score"].tolist() == scores[order].tolist(), "the same bits"


@needs_shared
@pytest.mark.slow
def test_the_same_on_real_passages_and_questions(tmp_path):
    """SHARED_QUESTIONS=6700 asks all questions."""
    with (SHARED / "corpus/dev_psgs.tsv").open(encoding="utf-8", newline="") as file:
        texts = [f"{row['title']} {row['text']}" for row in csv.DictReader(file, delimiter="\t")] * 2
    questions = [record["question"] for record in read_jsonl(SHARED / "corpus/dev_qas.jsonl")]
    asked = [query_terms(text) for text in questions[:: len(questions) // int(os.environ.get("SHARED_QUESTIONS", 100))]]
    passages, whole = made(tmp_path, texts), brute_force(texts)
    for shards in (1, 2, 7, 16):
        assert_equal_brute_force(searched(indexed(tmp_path, passages, shards), asked, K), asked, whole)


def test_queries_without_words_have_no_score(tmp_path):
    files = indexed(tmp_path, made(tmp_path, random_texts(10)), 2)
    for asked in ([query_terms("???")], [[], ["word1"]]):
        hits = searched(files, asked, 4)
        assert hits[0].tolist() == [(row, 0) for row in range(4)]


def test_equal_scores_keep_the_order_of_the_corpus():
    scores = np.array([1, 2, 0, 2, 1, 2, 1], np.float32)
    assert best(scores, 5)["row"].tolist() == [1, 3, 5, 0, 4]
    assert best(scores, 0).size == 0
    assert best(scores, 7)["row"].tolist() == [1, 3, 5, 0, 4, 6, 2]


def test_a_shard_of_another_corpus_is_refused(tmp_path):
    files = indexed(tmp_path, made(tmp_path, random_texts(10)), 2)
    paths = [terms for terms, _, _ in files]
    with pytest.raises(UserError, match=r"2_1\.arrow: it begins at passage 5, not 0"):
        Statistics(paths[1:], ["word1"])
    with pytest.raises(UserError, match="the shards have 5 of 10 passages"):
        Statistics(paths[:1], ["word1"])


def test_a_word_that_fills_a_long_passage_is_counted(tmp_path):
    files = indexed(tmp_path, made(tmp_path, ["far " * (MOST + 5), "far near"]), 1)
    hits = searched(files, [["far"], ["near"]], 2)
    assert hits["row"].tolist() == [[0, 1], [1, 0]]


def test_terms_are_roots_without_accents_and_case():
    assert terms("The café's RIVERS, rising") == ["the", "cafe", "s", "river", "rise"]
    assert query_terms("Where do the rivers rise?") == ["river", "rise"]
    assert query_terms("Who are you?") == ["who", "are", "you"], "a query of stop words alone keeps them"


def test_scripts_without_spaces_have_terms_too():
    assert terms("维也纳在奥地利") == list("维也纳在奥地利")
    assert terms("दिन") != terms("दीन")
    assert terms("Привет, МИР") == terms("привет мир")
