import json
from types import SimpleNamespace

import faiss
import numpy as np
import pytest
from test_search import brute_force, passages

from rag_instruct.errors import UserError
from rag_instruct.retrieval.approximate import ApproximateShard, build_index
from rag_instruct.retrieval.encoder import EncoderSettings
from rag_instruct.retrieval.passage_index import PassageIndex
from rag_instruct.retrieval.vectors import VectorFile

ROWS, DIMENSION = 2000, 16
faiss.omp_set_num_threads(1)  # its threads spin while they wait, which is slow beside other tests


def clustered():
    """Vectors in groups, as those of texts are."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(40, DIMENSION))
    return (centres[random.integers(0, 40, ROWS)] + random.normal(size=(ROWS, DIMENSION)) / 4).astype(np.float16)


@pytest.mark.parametrize("factory", ["IVF16,SQ8", "HNSW8", "Flat"])
def test_an_index_finds_what_exact_search_finds_as_often_as_it_says(tmp_path, factory):
    vectors = clustered()
    np.save(tmp_path / "v.npy", vectors)
    quality = build_index(tmp_path / "v.npy", factory, tmp_path / "v.faiss", tmp_path / "v.json")
    assert json.loads((tmp_path / "v.json").read_text()) == quality._asdict()
    assert quality.recall >= 0.9
    assert bool(quality.parameter) == (factory != "Flat")
    index = ApproximateShard(VectorFile(tmp_path / "v.npy"), tmp_path / "v.faiss", tmp_path / "v.json")
    near = np.random.default_rng(1).normal(size=(50, DIMENSION)) / 8
    queries = (vectors[::40] + near).astype(np.float32)
    rows, scores = brute_force(queries, vectors, 10)
    found = [index.search(query[None], 10) for query in queries]
    assert np.mean([len(np.intersect1d(hits["row"], best)) / 10 for hits, best in zip(found, rows, strict=True)]) > 0.9
    for hits, best, exact in zip(found, rows, scores, strict=True):
        known = dict(zip(best.tolist(), exact.tolist(), strict=True))
        assert all(known.get(row, score) == score for row, score in hits.tolist()), "scores are exact"
        assert hits["score"].tolist() == sorted(hits["score"], reverse=True)


@pytest.mark.parametrize("factory", ["IVF4000,PQ8", "PQ7", "Nonsense"])
def test_an_index_that_faiss_cannot_make_is_named(tmp_path, factory):
    np.save(tmp_path / "v.npy", clustered())
    with pytest.raises(UserError, match=rf"faiss cannot make the index '{factory}' of 2,000 vectors of 16 numbers"):
        build_index(tmp_path / "v.npy", factory, tmp_path / "v.faiss", tmp_path / "v.json")


def test_questions_are_searched_in_the_index_of_every_shard(tmp_path, monkeypatch, caplog):
    vectors = clustered()
    passages(tmp_path, ROWS)
    for ending in ("arrow", "ids.arrow"):
        (tmp_path / f"p.{ending}").rename(tmp_path / f"passages.{ending}")
    folder = tmp_path / "minilm"
    folder.mkdir()
    (folder / "shards.json").write_text('{"first_rows": [0, 1200]}')
    for number, part in enumerate([vectors[:1200], vectors[1200:]]):
        np.save(folder / f"shard_{number:02d}.npy", part)
    query = vectors[1500:1501].astype(np.float32)
    encoder = SimpleNamespace(encode=lambda texts, what: query)
    monkeypatch.setattr("rag_instruct.retrieval.passage_index.Encoder", lambda settings: encoder)
    exact = PassageIndex(tmp_path, "minilm", EncoderSettings("m"), approximate=True).best("any", 5)
    assert "the corpus has no index yet" in caplog.text
    for number in range(2):
        index = folder / f"shard_{number:02d}.faiss"
        build_index(folder / f"shard_{number:02d}.npy", "Flat", index, index.with_suffix(".faiss.json"))
    (folder / "index.json").write_text("{}")
    assert PassageIndex(tmp_path, "minilm", EncoderSettings("m"), approximate=True).best("any", 5) == exact
    assert exact[0].row == brute_force(query, vectors, 1)[0].item()
    for approximate in (False, True):
        index = PassageIndex(tmp_path, "minilm", EncoderSettings("m"), approximate)
        assert index.best("any", 0) == []
        encoder.encode = lambda texts, what: query[:, :8]
        with pytest.raises(UserError, match="its vectors have 16 dimensions, but those of the question have 8"):
            index.best("any", 5)
        encoder.encode = lambda texts, what: query
    for other in (vectors[1200:1300], vectors[1200:] + 1):  # the latter as many, such as those of another model
        np.save(folder / "shard_01.npy", other)
        with pytest.raises(
            UserError,
            match=r"shard_01\.faiss: the index was not made from the vectors .*: delete .*shard_01\.faiss\.json and .*index\.json",
        ):
            PassageIndex(tmp_path, "minilm", EncoderSettings("m"), approximate=True)
    info = folder / "shard_00.faiss.json"
    whole = info.read_bytes()
    for spoil in (lambda: info.write_bytes(whole[:9]), info.unlink):
        spoil()
        with pytest.raises(UserError, match=r"shard_00\.faiss\.json: missing or damaged: delete .*index\.json"):
            PassageIndex(tmp_path, "minilm", EncoderSettings("m"), approximate=True)
    info.write_bytes(whole)
    (folder / "shard_00.faiss").write_bytes((folder / "shard_00.faiss").read_bytes()[:40])
    for reason in ("damaged", "missing"):
        with pytest.raises(
            UserError, match=rf"shard_00\.faiss: .*{reason}.*: delete .*shard_00\.faiss\.json and .*index\.json"
        ):
            PassageIndex(tmp_path, "minilm", EncoderSettings("m"), approximate=True)
        (folder / "shard_00.faiss").unlink(missing_ok=True)
