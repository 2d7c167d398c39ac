"""Measure the loading and cleaning of a million conversations, with the graph's commands.

python -m performance.exemplars --conversations 1000000

The file is generated in LMSYS-chat-1M's schema, with moderation scores. Words have their frequency in the demo's
corpus. A conversation has two exchanges on average, and a tenth of the first turns are near copies of earlier turns.
The limit is pyarrow, which decodes the same columns without making Python objects. Language identification and the
search for near duplicates are also measured separately, over --texts texts. The graph needs them only until enough
exemplars are drawn.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from performance.measure import machine
from rag_instruct.language import other_language
from rag_instruct.near_duplicates import NearDuplicates

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "self-harm", "self-harm/instructions",
    "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
TURN = pa.struct([("content", pa.string()), ("role", pa.string())])
MODERATION = pa.struct(
    [
        ("categories", pa.struct([(name, pa.bool_()) for name in CATEGORIES])),
        ("category_scores", pa.struct([(name, pa.float64()) for name in CATEGORIES])),
        ("flagged", pa.bool_()),
    ]
)
SCHEMA = pa.schema(
    [
        ("conversation_id", pa.string()),
        ("model", pa.string()),
        ("conversation", pa.list_(TURN)),
        ("turn", pa.int64()),
        ("language", pa.string()),
        ("openai_moderation", pa.list_(MODERATION)),
        ("redacted", pa.bool_()),
    ]
)
COLUMNS = ["conversation", "language", "redacted", "openai_moderation.list.element.flagged"]
BATCH = 10_000
SENTENCES = 50_000
# About the sizes of the public files: one array, and JSON lines.
OTHERS = {"sharegpt_split": ("a.json", 94_145, 180), "slimorca": ("b.jsonl", 517_982, 30)}
PASSAGES = Path("resources/demo/passages.tsv")


def _cut(parts: list[str], sizes: np.ndarray, joined_by: str) -> list[str]:
    """Return the parts in groups of the given sizes. The parts of a group are joined."""
    ends = np.cumsum(sizes)
    return [joined_by.join(parts[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


class Writer:
    """Makes conversations of random sentences."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        running = np.array(PASSAGES.read_text("utf-8").split())
        sizes = self._random.integers(5, 18, SENTENCES)
        drawn = running[self._random.integers(0, len(running), int(sizes.sum()))].tolist()
        self._sentences = _cut(drawn, sizes, " ")

    def texts(self, sentences: np.ndarray) -> list[str]:
        """Return one text for each number of sentences."""
        picks = self._random.integers(0, SENTENCES, int(sentences.sum()))
        return _cut([self._sentences[number] for number in picks], sentences, ". ")

    def lengths(self, count: int, most: int) -> np.ndarray:
        """Draw `count` numbers of sentences, each from 1 to below `most`."""
        return self._random.integers(1, most, count)

    def batch(self, first: int, count: int) -> pa.Table:
        """Return `count` conversations, numbered from `first`."""
        exchanges = self._random.geometric(0.5, count)
        total = 2 * int(exchanges.sum())
        lengths = self._random.integers(1, 6, total)
        lengths[1::2] = self._random.integers(4, 22, total // 2)
        content = self.texts(lengths)
        offsets = np.concatenate([[0], np.cumsum(2 * exchanges)]).astype(np.int32)
        for copied, at in self._random.integers(0, count, (count // 10, 2)):
            content[offsets[at]] = f"{content[offsets[copied]]} {first + int(at)}"
        roles = pa.array(["user", "assistant"] * (total // 2))
        turns = pa.StructArray.from_arrays([pa.array(content), roles], fields=list(TURN))
        flags = [pa.array(self._random.random(total) < 0.01) for _ in CATEGORIES]
        scores = [pa.array(self._random.random(total)) for _ in CATEGORIES]
        parts = [
            pa.StructArray.from_arrays(values, fields=list(kind.type))
            for values, kind in zip((flags, scores), (MODERATION[0], MODERATION[1]), strict=True)
        ]
        flagged = pa.array(self._random.random(total) < 0.02)
        moderation = pa.StructArray.from_arrays([*parts, flagged], fields=list(MODERATION))
        columns = [
            [f"{first + number:032x}" for number in range(count)],
            ["vicuna-13b"] * count,
            pa.ListArray.from_arrays(offsets, turns),
            exchanges,
            np.where(self._random.random(count) < 0.77, "English", "Portuguese"),
            pa.ListArray.from_arrays(offsets, moderation),
            self._random.random(count) < 0.2,
        ]
        return pa.table(columns, schema=SCHEMA)


def generate(path: Path, conversations: int) -> None:
    """Write a file of conversations."""
    writer = Writer(1)
    with pq.ParquetWriter(path, SCHEMA) as file:
        for first in range(0, conversations, BATCH):
            file.write_table(writer.batch(first, min(BATCH, conversations - first)))


def generate_chats(path: Path, conversations: int, sentences: int) -> None:
    """Write conversations in ShareGPT's schema, as a JSON array or as JSON lines."""
    writer, lines = Writer(2), path.suffix == ".jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.write("" if lines else "[")
        for first in range(0, conversations, BATCH):
            count = min(BATCH, conversations - first)
            asked, answered = (writer.texts(writer.lengths(count, most)) for most in (6, sentences))
            for number, (question, answer) in enumerate(zip(asked, answered, strict=True), start=first):
                turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
                file.write("" if lines or not number else ", ")
                file.write(json.dumps({"id": f"x{number}_0", "conversations": turns}) + ("\n" if lines else ""))
        file.write("" if lines else "]")


def command(*arguments: object) -> tuple[float, float]:
    """Run one of the graph's commands. Return its seconds and peak memory in MB."""
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "performance.run_measured", *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return time.monotonic() - started, float(ran.stdout.split()[-1])


def decode(path: Path) -> float:
    """Return the seconds in which pyarrow decodes the needed columns."""
    started = time.monotonic()
    for _ in pq.ParquetFile(path).iter_batches(1024, columns=COLUMNS):
        pass
    return time.monotonic() - started


def rate(look: Callable[[str], object], texts: list[str]) -> float:
    """Return texts per second."""
    started = time.monotonic()
    for text in texts:
        look(text)
    return len(texts) / (time.monotonic() - started)


def main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder, count = Path(name), arguments.conversations
        source, table, summary = folder / "lmsys.parquet", folder / "set.parquet", folder / "set.json"
        generate(source, count)
        print(f"{machine()}; {count:,} conversations, {source.stat().st_size / 1e6:,.0f} MB")
        limit = decode(source)
        print(f"{'pyarrow alone':32} {limit:7.1f} s {count / limit:9,.0f} rows/s")
        given = ["--name", "lmsys", "--schema", "lmsys", "--license", "x", "--output", table, "--summary", summary]
        seconds, memory = command("scripts.load_exemplars", source, *given)
        loading = seconds
        print(f"{'load_exemplars':32} {seconds:7.1f} s {count / seconds:9,.0f} rows/s {memory:6,.0f} MB")
        source.unlink()
        usable = pq.read_metadata(table).num_rows
        cleaning = '{"language": "en", "characters": [12, 1500], "near_duplicates": 0.8}'
        for wanted in arguments.drawn:
            given = ["--summaries", summary, "--counts", wanted, "--seed", 1, "--cleaning", cleaning]
            given += [
                "--output",
                folder / "drawn",
                "--dropped",
                folder / "dropped",
                "--drawn-counts",
                folder / "counts",
            ]
            seconds, memory = command("scripts.draw_exemplars", table, *given)
            rows = f"{count / (loading + seconds):9,.0f} rows/s with loading"
            print(f"{f'draw_exemplars {wanted:,} of {usable:,}':32} {seconds:7.1f} s {rows} {memory:6,.0f} MB")
        batches = pq.ParquetFile(table).iter_batches(1024, columns=["instruction"])
        texts = list(islice((text for batch in batches for text in batch["instruction"].to_pylist()), arguments.texts))
        known = NearDuplicates(0.8)
        numbers = iter(range(len(texts)))
        rates = {
            "language identification": rate(lambda text: other_language(text, "en"), texts),
            "near duplicates": rate(lambda text: known.find_or_add(str(next(numbers)), text), texts),
        }
        for what, found in rates.items():
            print(f"{what:32} {len(texts) / found:7.1f} s {found:9,.0f} texts/s")
        for kind, (name, number, sentences) in OTHERS.items():
            source = folder / name
            generate_chats(source, number, sentences)
            size = f"{source.stat().st_size / 1e6:,.0f} MB"
            given = ["--name", "chats", "--schema", kind, "--license", "x", "--output", table, "--summary", summary]
            seconds, memory = command("scripts.load_exemplars", source, *given)
            source.unlink()
            what = f"{kind}, {number:,} in {size}"
            print(f"{what:32} {seconds:7.1f} s {number / seconds:9,.0f} rows/s {memory:6,.0f} MB")
        print(f"loading: {count / loading:,.0f} rows/s, {limit / loading:.2f} of pyarrow's own rate")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=1_000_000)
    parser.add_argument("--drawn", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--texts", type=int, default=100_000, help="for language and near duplicates apart")
    parser.add_argument("--folder", type=Path, help="where the generated file may lie; 2 GB")
    main(parser.parse_args())
