"""SIGKILL in each stage of the corpus and its search, then the same command again."""

import os
import pickle
import signal
import tarfile
import time

import forked
import numpy as np
import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

ROWS, DIMENSION, QUERIES = 60_000, 64, 2000

# Each stage's command, and the files that it makes.
STAGES = {
    "import_passages": (
        "passages.tsv --output passages.arrow --info passages.json",
        ["passages.arrow", "passages.ids.arrow", "passages.json"],
    ),
    "import_embeddings": (
        "published.tar --shard 0 --shards 1 --passages passages.arrow --output shard.npy --info shard.json",
        ["shard.npy", "shard.json"],
    ),
    "list_shards": ("shard.json --corpus passages.json --output shards.json", ["shards.json"]),
    "search_shard": (
        "queries.npy --vectors shard.npy --shard 0 --shards shards.json --depth 50 --output hits.npy",
        ["hits.npy"],
    ),
    "merge_search": (
        "hits.npy --queries queries.jsonl --passages passages.arrow --depth 50 --output run.parquet --trec run.trec",
        ["run.parquet", "run.trec"],
    ),
    "import_run": (
        "run.trec --queries queries.jsonl --passages passages.arrow --depth 50 --output again.parquet --trec again.trec",
        ["again.parquet", "again.trec"],
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    forked.warm_up()
    folder = tmp_path_factory.mktemp("stages")
    random = np.random.default_rng(0)
    lines = (f"{row + 1}\t{'some words ' * 40}\tT\n" for row in range(ROWS))
    (folder / "passages.tsv").write_text("id\ttext\ttitle\n" + "".join(lines))
    vectors = random.normal(size=(ROWS, DIMENSION)).astype(np.float32)
    (folder / "passages_00").write_bytes(pickle.dumps(([str(row + 1) for row in range(ROWS)], vectors)))
    with tarfile.open(folder / "published.tar", "w") as tar:
        tar.add(folder / "passages_00", "e/passages_00")
    np.save(folder / "queries.npy", random.normal(size=(QUERIES, DIMENSION)).astype(np.float32))
    (folder / "queries.jsonl").write_text("".join(f'{{"id": "q{n}"}}\n' for n in range(QUERIES)))
    return folder


# What is expected is made by a fresh interpreter of other hashes and with more threads: neither may change a byte.
OTHERWISE = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2"}


def started(folder, stage, **more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return forked.start(f"scripts.{stage}", STAGES[stage][0].split(), folder, environment)


def run(folder, stage, **more):
    start = time.monotonic()
    job = started(folder, stage, **more)
    messages = job.communicate()[0]
    assert job.returncode == 0, messages
    return {name: (folder / name).read_bytes() for name in STAGES[stage][1]}, time.monotonic() - start


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_leaves_whole_files_or_none_and_a_rerun_makes_the_same(folder, stage):
    expected, _ = run(folder, stage, **OTHERWISE)
    again, seconds = run(folder, stage)
    assert again == expected
    killed = 0
    for moment in (0.2, 0.5, 0.7, 0.9):
        for name in expected:
            (folder / name).unlink()
        job = started(folder, stage)
        time.sleep(moment * seconds)
        killed += job.poll() is None
        job.send_signal(signal.SIGKILL)
        job.communicate()
        for name, content in expected.items():
            assert not (folder / name).exists() or (folder / name).read_bytes() == content
        assert run(folder, stage)[0] == expected
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")], "what a kill left is removed"
    assert killed, "no moment was early enough"
