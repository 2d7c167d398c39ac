"""Measure on one GPU what the graph does there. performance/gpu.sh runs each part within a time limit.

    python -m performance.gpu search --output FOLDER     # or embedding, evidence, training, largest

Weights, vectors and texts are random, in the shapes of the real ones, so nothing is downloaded. Each part writes its
figures after each measurement, so a time limit loses only what was not measured yet. With --tiny, small sizes rehearse
the parts on the processor.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from performance.gpu_table import PARTS, Figure
from performance.measure import machine
from performance.training import ON_GPU, SHAPES, SHORT, in_a_process, made_rows, recipe_of, utilisation
from performance.training import REAL as REAL_ROWS
from rag_instruct.models.likelihood import Likelihood, Text
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.search import search
from rag_instruct.retrieval.vectors import VectorFile
from rag_instruct.training.estimate import DEVICES, Model, process_memory
from rag_instruct.training.recipe import Recipe

DIMENSION, HITS = 768, 250
LARGEST = [("14b", "packed, 8-bit AdamW"), ("8b", "packed"), ("8b", "packed, 8-bit AdamW"), ("3b", "packed"),
           ("1b", "packed")]  # fmt: skip  # full fine-tunings, those with the most weights first
LONGEST = 4_096  # tokens of a packed sequence
DATA_SHEET = "the data sheet's bf16"


class Figures:
    """The figures of a part. They are in the part's file as soon as they are measured."""

    def __init__(self, part: str, folder: Path) -> None:
        self._part, self._path, self._found = part, folder / f"{part}.json", list[Figure]()
        self._device = torch.cuda.get_device_name() if torch.cuda.is_available() else machine()

    def note(
        self, what: str, rate: float, unit: str, share: float | None = None, limit: str = "",
        gigabytes: float | None = None,
    ) -> None:  # fmt: skip
        """Keep a figure. Without `gigabytes`, those that this process has had of a GPU at most are noted."""
        if gigabytes is None and torch.cuda.is_available():
            gigabytes = torch.cuda.max_memory_allocated() / 1e9
        device = f"{self._device}, torch {torch.__version__}"
        self._found.append(Figure(self._part, what, rate, unit, share, limit, gigabytes, device))
        self._path.write_text(json.dumps([asdict(figure) for figure in self._found], indent=1))
        print(f"{self._part}: {what}: {rate:,.1f} {unit}", flush=True)


@dataclass(frozen=True)
class Sizes:
    """How much each part measures. Parts with `seconds` go on until they have passed."""

    product: int  # rows of the square matrices whose product is the peak
    vectors: int
    queries: int
    alone: int  # queries that are searched one at a time
    passages: int  # of a round
    texts: int  # of a round
    words: int  # of a passage; a text that is measured has ten such documents
    seconds: float
    encoder: dict[str, Any]
    measurer: dict[str, Any]
    trained: str  # a key of SHAPES
    rows: int
    ways: tuple[str, ...]
    largest: list[tuple[str, str]]


REAL = Sizes(8_192, 1_313_457, 4_096, 5, 4_096, 256, 100, 8.0, {}, SHAPES["135m"], "1b", 128, tuple(ON_GPU), LARGEST)
TINY = Sizes(
    256, 4_096, 64, 2, 16, 4, 10, 0.2,
    {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}, SHAPES["tiny"],
    "tiny", 4, ("plain loop, batch 4", "packed"), [("tiny", "packed")],
)  # fmt: skip


def place() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def wait() -> None:
    """Wait until the device has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def timed(work: Callable[..., object], *given: Any, seconds: float = 0.0, warm: int = 1) -> float:
    """Return the seconds of one call of `work(*given)`: the mean of calls that together take at least `seconds`."""
    for _ in range(warm):
        work(*given)
    wait()
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < seconds:
        work(*given)
        wait()
        calls += 1
    return (time.perf_counter() - began) / calls


def measure_search(sizes: Sizes, found: Figures, folder: Path) -> None:
    """Search one shard exactly, beside the device's matrix products."""
    peaks = {}
    for name, dtype in (("bf16", torch.bfloat16), ("float32", torch.float32)):
        left, right = (torch.randn(sizes.product, sizes.product, device=place()).to(dtype) for _ in range(2))
        peaks[name] = 2 * sizes.product**3 / timed(torch.matmul, left, right, seconds=1.0, warm=3) / 1e12
        found.note(f"matrix product in {name}, {sizes.product:,} rows", peaks[name], "TFLOP/s")
    path = folder / "shard.npy"
    write_vectors(path, sizes.vectors)
    vectors, queries = (
        VectorFile(path),
        np.random.default_rng(0).standard_normal((sizes.queries, DIMENSION), np.float32),
    )
    for count in (sizes.queries, sizes.queries // 4):
        seconds = timed(search, queries[:count], vectors, HITS)
        rate = 2 * count * sizes.vectors * DIMENSION / seconds / 1e12
        what = f"exact search of {count:,} queries in {sizes.vectors:,} vectors from a file"
        found.note(what, rate, "TFLOP/s", rate / peaks["bf16"], "the bf16 product")
    one = timed(lambda: [search(query[None], vectors, HITS) for query in queries[: sizes.alone]], warm=0) / sizes.alone
    found.note("the same, one query at a time", 1 / one, "queries/s")
    known, asked = (torch.from_numpy(array).to(place()).half() for array in (np.load(path), queries[:256]))
    alone = timed(lambda: [(known @ query).topk(HITS) for query in asked]) / len(asked)
    found.note("one query at a time, float16 vectors in the device's memory, not exact", 1 / alone, "queries/s")


def write_vectors(path: Path, count: int) -> None:
    """Write random vectors in float16."""
    file = np.lib.format.open_memmap(path, "w+", np.float16, (count, DIMENSION))
    for start in range(0, count, 65_536):
        block = file[start : start + 65_536]
        block[:] = torch.randn(block.shape, device=place()).half().cpu().numpy()


def measure_embedding(sizes: Sizes, found: Figures, folder: Path) -> None:
    """Encode passages with a BERT of Contriever's shape."""
    from transformers import BertConfig, BertModel, BertTokenizer

    words = [f"{first}{second}{third}" for first in "bdfgklmn" for second in "aeiou" for third in "bdfgklmnprst"]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n")
    BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    BertModel(BertConfig(**sizes.encoder)).save_pretrained(folder)
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(words, sizes.words)) for _ in range(sizes.passages)]
    for precision in ("float32", "bfloat16"):
        encoder = Encoder(EncoderSettings(str(folder), precision=precision))
        seconds = timed(encoder.encode, texts, "passages", seconds=sizes.seconds)
        what = f"passages of {sizes.words} words, {precision}"
        found.note(what, len(texts) / seconds, "passages/s")


def measure_evidence(sizes: Sizes, found: Figures, folder: Path) -> None:
    """Measure the bits of answers after ten documents, and after none, with a Llama of SmolLM2-135M's shape."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**sizes.measurer, max_position_embeddings=8_192)
    LlamaForCausalLM(config).save_pretrained(folder)
    model, random = Likelihood(str(folder)), np.random.default_rng(0)
    lengths = [13 * sizes.words + 40 if number % 2 else 140 for number in range(sizes.texts)]
    texts = [Text(random.integers(0, config.vocab_size, length).tolist(), 100) for length in lengths]
    seconds = timed(lambda: list(model.measure(texts)), seconds=sizes.seconds)
    shape, tokens = Model.of_config(config), sum(lengths)
    peak = DEVICES[device_key()][0] if torch.cuda.is_available() else None
    done = 2.0 * shape.multiplied_weights * tokens / seconds
    found.note(f"answers after {min(lengths)} and {max(lengths):,} tokens", tokens / seconds, "tokens/s",
               done / peak if peak else None, DATA_SHEET)  # fmt: skip


def measure_training(sizes: Sizes, found: Figures) -> None:
    """Train a model of about a billion weights in each way of performance/training.py, on rows as long as real ones."""
    for way in sizes.ways:
        train(sizes.trained, way, sizes.rows, found)


def measure_largest(sizes: Sizes, found: Figures) -> None:
    """Train the models that are estimated to fit, the largest first, until one does."""
    room = torch.cuda.get_device_properties(0).total_memory / 1e9 if torch.cuda.is_available() else np.inf
    for shape, way in sizes.largest:
        needed = sum(process_memory(Model.of_config(llama(shape)), recipe(way), LONGEST, room < np.inf).values())
        print(f"largest: {shape}, {way}: {needed:.0f} GB estimated, of {room:.0f}", flush=True)
        if needed < room and train(shape, way, 8, found):
            return


def train(shape: str, way: str, rows: int, found: Figures) -> bool:
    """Train in a process of its own. Return whether it succeeded; out of memory, it does not."""
    device = device_key() if torch.cuda.is_available() else None
    asked = argparse.Namespace(parameters=shape, rows=rows, gpu=device, threads=2)
    options = ["--parameters", shape, "--rows", str(rows), *(["--gpu", device] if device else [])]
    try:
        one = in_a_process(way, options)
    except subprocess.CalledProcessError:
        print(f"{shape}, {way}: failed", flush=True)
        return False
    model = Model.of_config(llama(shape))
    lengths = [len(row.input_ids) for row in made_rows(rows, REAL_ROWS if device else SHORT, 9).train]
    share = utilisation(model, recipe_of(way, asked), lengths, one["seconds"], device)
    what = f"{model.parameters / 1e6:,.0f} million weights, {way}"
    found.note(what, one["tokens"] / one["seconds"], "tokens/s", share, DATA_SHEET, one["gb"])
    return True


def recipe(way: str) -> Recipe:
    return recipe_of(way, argparse.Namespace(gpu=device_key() if torch.cuda.is_available() else None, threads=2))


def llama(shape: str) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(**SHAPES[shape])


def device_key() -> str:
    """Return the key of DEVICES for this GPU. Raises SystemExit for a GPU that is not in the table."""
    name = torch.cuda.get_device_name().lower()
    for key in DEVICES:
        if key in name:
            return key
    raise SystemExit(f"{name}: no rate is known; add it to DEVICES in rag_instruct/training/estimate.py")


def main(arguments: argparse.Namespace) -> None:
    sizes, output = TINY if arguments.tiny else REAL, arguments.output
    output.mkdir(parents=True, exist_ok=True)
    found = Figures(arguments.part, output)
    if arguments.part == "training":
        measure_training(sizes, found)
    elif arguments.part == "largest":
        measure_largest(sizes, found)
    else:
        measure = {"search": measure_search, "embedding": measure_embedding, "evidence": measure_evidence}
        with tempfile.TemporaryDirectory() as folder:
            measure[arguments.part](sizes, found, Path(folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--output", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--tiny", action="store_true", help="small sizes, for the processor")
    main(parser.parse_args())
