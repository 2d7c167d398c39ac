"""Measure import and exact search of a corpus of Wikipedia's size on this machine.

    python -m performance.full_scale /a/folder/with/60/GB

The script generates 21,015,324 random passages (a .tsv.gz in DPR's format) and one vector for each (768 dimensions,
float16, 32 GB, 16 shards). It runs the graph's commands one after another: import, search of every shard, merge. It
prints the time and peak memory of each command, and of fetching texts. At the end it deletes its files.
"""

import argparse
import gzip
import json
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from performance.measure import machine, peak_memory_mb
from rag_instruct.corpus.passages import PassageStore, shard_rows

DIMENSION = 768
BLOCK = 65_536
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: argparse.Namespace) -> None:
    folder, shards, k = arguments.folder.resolve(), arguments.shards, arguments.k
    if arguments.fetch:
        fetch(folder, arguments.fetch)
        return
    if not arguments.made:
        make(folder, arguments.passages, shards, arguments.queries)
    print(f"{machine()}; {arguments.passages:,} passages, {shards} shards, {arguments.queries:,} queries, k = {k}")
    print("\n| stage | seconds | peak memory, MB |\n|---|---:|---:|")
    names = [f"shard_{number:02d}" for number in range(shards)]
    script = Stages(folder)
    script("import the passages", "import_passages passages.tsv.gz --output passages.arrow --info passages.json")
    script(
        "import published vectors, one shard, float32 in a tar",
        f"import_embeddings published.tar --shard 0 --shards {shards} --passages passages.arrow"
        " --output imported.npy --info imported.json",
    )
    assert np.array_equal(*[np.load(folder / name, mmap_mode="r")[-999:] for name in ("imported.npy", "shard_00.npy")])
    infos = " ".join(f"{name}.json" for name in names)
    script("check the shards", f"list_shards {infos} --corpus passages.json --output shards.json")
    for number, name in enumerate(names):
        script(
            f"search shard {number}",
            f"search_shard queries.npy --vectors {name}.npy --shard {number} --shards shards.json --depth {k}"
            f" --output {name}.hits.npy",
        )
    hits = " ".join(f"{name}.hits.npy" for name in names)
    script(
        "merge",
        f"merge_search {hits} --queries queries.jsonl --passages passages.arrow --depth {k}"
        " --output run.parquet --trec run.trec",
    )
    fetching = ["-m", "performance.full_scale", str(folder), "--fetch", str(arguments.random)]
    script.measured(f"fetch {arguments.random:,} random passages", fetching)
    script.summary(2 * arguments.passages * arguments.queries * DIMENSION)
    if not arguments.keep:
        shutil.rmtree(folder)


class Stages:
    """Runs the graph's commands one after another in a folder, and prints a table row for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, tuple[float, float]] = {}

    def __call__(self, stage: str, command: str) -> None:
        self.measured(stage, ["-m", "performance.run_measured", *f"scripts.{command}".split()])

    def measured(self, stage: str, command: list[str]) -> None:
        """Run Python with these arguments. The command prints its peak memory in MB last."""
        start, environment = time.perf_counter(), os.environ | {"PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, *command], cwd=self._folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        self._found[stage] = time.perf_counter() - start, float(run.stdout.split()[-1])
        print(f"| {stage} | {self._found[stage][0]:.1f} | {self._found[stage][1]:,.0f} |", flush=True)

    def summary(self, operations: int) -> None:
        """Print one line: times of all searches, of the merge and of the texts, and the highest peak memory."""
        after_import = {stage: found for stage, found in self._found.items() if "import" not in stage}
        seconds = sum(found[0] for stage, found in after_import.items() if stage.startswith("search"))
        texts = next(found[0] for stage, found in after_import.items() if stage.startswith("fetch"))
        print(
            f"\nsearch {seconds:.0f} s ({operations / seconds / 1e9:.0f} GFLOP/s from disk), "
            f"merge {after_import['merge'][0]:.0f} s, texts {texts:.0f} s; "
            f"peak memory {max(peak for _, peak in after_import.values()):,.0f} MB"
        )


def fetch(folder: Path, count: int) -> None:
    """Fetch random passages as the reader of a run does, and check that they are the right ones."""
    store = PassageStore(folder / "passages.arrow")
    rows = np.random.default_rng(3).integers(0, len(store), count)
    passages = store[rows]
    assert [int(passage.id) for passage in passages] == (rows + 1).tolist()
    assert all(passage.text for passage in passages)
    print(peak_memory_mb())


def make(folder: Path, passages: int, shards: int, queries: int) -> None:
    """Write random vectors and passages, with the number and size of Wikipedia's."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    np.save(folder / "queries.npy", random.standard_normal((queries, DIMENSION), dtype=np.float32))
    (folder / "queries.jsonl").write_text("".join(json.dumps({"id": f"query{n}"}) + "\n" for n in range(queries)))
    with ProcessPoolExecutor(2) as processes:
        work = [processes.submit(make_passages, folder, passages)]
        work += [processes.submit(make_shard, folder, passages, number, shards) for number in range(shards)]
        for part in work:
            part.result()
    make_published(folder)


def make_shard(folder: Path, passages: int, number: int, shards: int) -> None:
    first, end = shard_rows(passages, number, shards)
    random = np.random.default_rng([1, number])
    vectors = np.lib.format.open_memmap(folder / f"shard_{number:02d}.npy", "w+", np.float16, (end - first, DIMENSION))
    for start in range(0, end - first, BLOCK):
        block = vectors[start : start + BLOCK]
        block[:] = random.standard_normal(block.shape, dtype=np.float32)
    info = {"first_row": first, "rows": end - first, "dimension": DIMENSION}
    (folder / f"shard_{number:02d}.json").write_text(json.dumps(info))


def make_published(folder: Path) -> None:
    """Write the first shard in the format of Contriever's authors, in float32, which is the largest accepted format."""
    vectors = np.load(folder / "shard_00.npy", mmap_mode="r")
    with (folder / "passages_00").open("wb") as file:
        pickle.dump(([str(row + 1) for row in range(len(vectors))], np.array(vectors, np.float32)), file)
    with tarfile.open(folder / "published.tar", "w") as tar:
        tar.add(folder / "passages_00", "wikipedia_embeddings/passages_00")
    (folder / "passages_00").unlink()


def make_passages(folder: Path, passages: int) -> None:
    """Write passages of 100 random words, with the CSV quoting of psgs_w100.tsv."""
    random = np.random.default_rng(2)
    words = ["".join(map(chr, random.integers(97, 123, length))) for length in random.integers(1, 10, 20_000)]
    phrases = [" ".join(words[n] for n in twenty) for twenty in random.integers(0, len(words), (50_000, 20)).tolist()]
    with gzip.open(folder / "passages.tsv.gz", "wt", compresslevel=1, encoding="utf-8") as file:
        file.write("id\ttext\ttitle\n")
        for start in range(1, passages + 1, BLOCK):
            numbers = range(start, min(start + BLOCK, passages + 1))
            chosen = random.integers(0, len(phrases), (len(numbers), 5)).tolist()
            file.write(
                "".join(
                    f'{n}\t"{" ".join([phrases[p] for p in five])} ""quoted""."\tTitle {n // 6}\n'
                    for n, five in zip(numbers, chosen, strict=True)
                )
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=21_015_324)
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=250)
    parser.add_argument("--random", type=int, default=1_000_000, help="passages fetched at random")
    parser.add_argument("--made", action="store_true", help="the folder holds what an earlier run made")
    parser.add_argument("--keep", action="store_true", help="leave everything in the folder")
    parser.add_argument("--fetch", type=int, help=argparse.SUPPRESS)
    main(parser.parse_args())
