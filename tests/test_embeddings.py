import json
import os
import pickle
import subprocess
import tarfile

import numpy as np
import pytest

from rag_instruct.corpus import import_passages
from rag_instruct.embeddings import import_shard, read_published, unpack
from rag_instruct.errors import UserError

ROWS = 11


@pytest.fixture
def passages(tmp_path):
    source = tmp_path / "p.tsv"
    source.write_text("id\ttext\ttitle\n" + "".join(f"{row + 1}\ttext\tT\n" for row in range(ROWS)))
    import_passages(source, {}, tmp_path / "p.arrow", tmp_path / "p.json")
    return tmp_path / "p.arrow"


def published(tmp_path, ids, vectors, name="passages_00"):
    path = tmp_path / name
    path.write_bytes(pickle.dumps((ids, vectors)))
    return path


def vectors(rows, dimension=4):
    return np.random.default_rng(0).normal(size=(rows, dimension)).astype(np.float32)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_published_shards_become_float16_in_the_corpus_order(tmp_path, passages, protocol, kind):
    all_vectors = vectors(ROWS).astype(kind)
    for shard, (first, end) in enumerate([(0, 5), (5, ROWS)]):
        path = tmp_path / f"passages_{shard:02d}"
        ids = [str(row + 1) for row in range(first, end)]
        path.write_bytes(pickle.dumps((ids, all_vectors[first:end]), protocol=protocol))
        import_shard(path, shard, 2, passages, 4, tmp_path / "out.npy", tmp_path / "out.json")
        assert json.loads((tmp_path / "out.json").read_text())["first_row"] == first
        assert (np.load(tmp_path / "out.npy") == all_vectors[first:end].astype(np.float16)).all()


@pytest.mark.parametrize(
    ("ids", "count", "dimension", "said"),
    [
        (range(1, 12), 10, 4, "11 ids but 10 vectors"),
        (range(1, 11), 10, 4, "its vectors end at row 10, the corpus has 11 passages"),
        (range(1, 13), 12, 4, "its vectors end at row 12, the corpus has 11 passages"),
        (range(1, 12), 11, 5, "vectors of 5 dimensions, the encoder makes 4"),
        ([1, 2, 4, 3, 5, 6, 7, 8, 9, 10, 11], 11, 4, "vector 2 is of passage '4', the corpus has '3' there"),
        (range(50, 61), 11, 4, "its first passage '50' is not in the corpus"),
    ],
)
def test_embeddings_of_another_corpus_are_refused(tmp_path, passages, ids, count, dimension, said):
    path = published(tmp_path, [str(i) for i in ids], vectors(count, dimension))
    with pytest.raises(UserError) as refusal:
        import_shard(path, 0, 1, passages, 4, tmp_path / "out.npy", tmp_path / "out.json")
    assert said in str(refusal.value)
    assert not (tmp_path / "out.npy").exists()


def test_a_vector_that_is_not_finite_is_refused(tmp_path, passages):
    broken = vectors(ROWS)
    broken[3, 1] = np.nan
    path = published(tmp_path, [str(row + 1) for row in range(ROWS)], broken)
    with pytest.raises(UserError, match="corpus row 3 is not finite"):
        import_shard(path, 0, 1, passages, 4, tmp_path / "out.npy", tmp_path / "out.json")


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("form", ["system", "eval", "subprocess", "nested"])
def test_a_pickle_that_would_run_something_is_refused(tmp_path, form):
    trace = tmp_path / "ran"
    attack = {
        "system": Attack(os.system, f"touch {trace}"),
        "eval": Attack(eval, f"open({str(trace)!r}, 'w')"),
        "subprocess": Attack(subprocess.Popen, ["touch", str(trace)]),
        "nested": [np.zeros(3), {"a": Attack(exec, f"open({str(trace)!r}, 'w')")}],
    }[form]
    path = published(tmp_path, ["1"], attack)
    with pytest.raises(UserError, match="which arrays do not need: it is not run"):
        read_published(path)
    assert not trace.exists()


def test_only_the_wanted_member_leaves_the_tar(tmp_path):
    (tmp_path / "real").write_bytes(b"vectors")
    with tarfile.open(tmp_path / "e.tar", "w") as tar:
        link = tarfile.TarInfo("wikipedia_embeddings/passages_00")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        tar.add(tmp_path / "real", "../../outside")
        tar.add(tmp_path / "real", "wikipedia_embeddings/passages_01")
    unpack(tmp_path / "e.tar", tmp_path / "out" / "passages_01")
    assert (tmp_path / "out" / "passages_01").read_bytes() == b"vectors"
    with pytest.raises(UserError, match="no file passages_00 in it"):
        unpack(tmp_path / "e.tar", tmp_path / "out" / "passages_00")


def test_a_tar_cut_short_is_refused(tmp_path):
    (tmp_path / "passages_00").write_bytes(os.urandom(100_000))
    with tarfile.open(tmp_path / "e.tar", "w") as tar:
        tar.add(tmp_path / "passages_00", "e/passages_00")
    whole = (tmp_path / "e.tar").read_bytes()
    (tmp_path / "e.tar").write_bytes(whole[:50_000])
    with pytest.raises(UserError, match=r"cut short|unreadable"):
        unpack(tmp_path / "e.tar", tmp_path / "out" / "passages_00")
    assert not (tmp_path / "out" / "passages_00").exists()
