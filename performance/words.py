"""Measure the search by words at Wikipedia's size: index and search shards of generated passages.

    python -m performance.words FOLDER                # two shards of Wikipedia's sixteen; the rest by arithmetic
    python -m performance.words FOLDER --passages 20000

The words of the passages are drawn by Zipf's law from two million words. A query has ten words; the 100 most common
words are not among them, because the search drops stop words. Every stage is the graph's own command, in a process of
its own. "Processor" is the time that the processor worked for it, which other work on the machine hardly changes.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from performance.measure import machine, of_script
from rag_instruct.corpus.passages import BATCH_ROWS, ID_BATCH_ROWS, IDS_SCHEMA, SCHEMA, ids_beside
from rag_instruct.files import write_jsonl

SHARD, PASSAGES = 1_313_457, 21_015_324
WORDS, COMMON = 2_000_000, 100
PIECE = BATCH_ROWS * 64


def main(arguments: argparse.Namespace) -> None:
    folder, shards = arguments.folder, arguments.shards
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    shares = np.cumsum(1 / (np.arange(WORDS) + 2.7) ** 1.1)
    shares /= shares[-1]
    store = folder / "passages.arrow"
    _make_passages(store, arguments.passages * shards, random, shares)
    draws = shares[COMMON] + (1 - shares[COMMON]) * random.random((arguments.queries, 10))
    texts = [" ".join(f"w{word}" for word in row) for row in np.searchsorted(shares, draws)]
    write_jsonl(folder / "queries.jsonl", ({"id": f"q{n}", "question": text} for n, text in enumerate(texts)))
    print(f"{machine()}; {arguments.passages:,} passages a shard, {arguments.queries:,} queries, k = 100\n")
    print("| stage | seconds | processor, s | peak memory, MB |\n|---|---:|---:|---:|", flush=True)
    names = ("terms.arrow", "postings.npy", "lengths.npy")
    files = [[folder / f"shard_{number:02d}.{name}" for name in names] for number in range(shards)]
    indexed = [_index(store, number, shards, part) for number, part in enumerate(files)]
    terms = [str(part[0]) for part in files]
    searched = [_search(folder, number, terms, part) for number, part in enumerate(files)]
    size = sum(file.stat().st_size for part in files for file in part) / shards / 1e9
    times = PASSAGES / arguments.passages
    minutes = [times * max(seconds) / 60 for seconds in (indexed, searched)]
    print(f"\nall of Wikipedia, {times:.0f} times the slower shard: {minutes[0]:.0f} minutes of one core to index,")
    print(f"{times * size:.1f} GB on disk; {minutes[1]:.0f} minutes to search, starts included")


def _make_passages(path: Path, count: int, random: np.random.Generator, shares: np.ndarray) -> None:
    names = np.array([f"w{number}" for number in range(WORDS)], dtype=object)
    with pa.ipc.new_file(str(path), SCHEMA) as writer, pa.ipc.new_file(str(ids_beside(path)), IDS_SCHEMA) as ids_writer:
        for start in range(0, count, PIECE):
            rows = range(start, min(start + PIECE, count))
            lengths = random.integers(60, 101, len(rows))
            words = names[np.searchsorted(shares, random.random(int(lengths.sum())))].tolist()
            ends = np.cumsum(lengths).tolist()
            texts = [" ".join(words[end - size : end]) for end, size in zip(ends, lengths.tolist(), strict=True)]
            table = pa.table([list(map(str, rows)), texts, [text[:20] for text in texts]], SCHEMA)
            for batch in table.to_batches(BATCH_ROWS):
                writer.write_batch(batch)
        for start in range(0, count, ID_BATCH_ROWS):
            some = pa.array(list(map(str, range(start, min(start + ID_BATCH_ROWS, count)))))
            ids_writer.write_batch(pa.RecordBatch.from_arrays([some], schema=IDS_SCHEMA))


def _index(store: Path, shard: int, shards: int, files: list[Path]) -> float:
    outputs: list[Any] = ["--terms", files[0], "--postings", files[1], "--lengths", files[2]]
    return _measured(f"index shard {shard}", "index_words", store, "--shard", shard, "--shards", shards, *outputs)


def _search(folder: Path, shard: int, terms: list[str], files: list[Path]) -> float:
    inputs: list[Any] = [folder / "queries.jsonl", "--field", "question", "--terms", *terms, "--shard", shard]
    inputs += ["--postings", files[1], "--lengths", files[2], "--depth", 100, "--output", folder / f"hits_{shard}.npy"]
    return _measured(f"search shard {shard}", "search_words", *inputs)


def _measured(what: str, script: str, *arguments: Any) -> float:
    """Run a script of the graph, print a line of the table, and return the processor's seconds."""
    worked = of_script(script, *arguments)
    print(f"| {what} | {worked.seconds:.1f} | {worked.processor:.1f} | {worked.peak:,.0f} |", flush=True)
    return worked.processor


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=SHARD, help="passages of a shard")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--queries", type=int, default=1000)
    main(parser.parse_args())
