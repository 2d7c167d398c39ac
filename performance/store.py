"""Measure how long a store of bought vectors takes to open: without indexes, as older versions left it, and with them.

    python -m performance.store                       # 500,000 vectors of 1,536 numbers, 5 GB
    python -m performance.store --vectors 20000

Each opening runs in a process of its own. Then 1,000 vectors are looked up in random order. "Records" is what any
opening took before there were indexes: it reads each line, and keeps each key in a dictionary.
"""

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from performance.measure import machine, peak_memory_mb
from rag_instruct.files import dump
from rag_instruct.llm import answers
from rag_instruct.llm.answers import AnswerStore, request_key

DIMENSION = 1536
SEGMENT = 7_000  # vectors of a segment, about: then a process begins another one
ASKED = 1000
WAYS = {"records": 2**60, "indexes, which are made": 2**20, "indexes": 2**20}  # the size that has an index


def main(arguments: argparse.Namespace) -> None:
    if arguments.way:
        print(json.dumps(opened(arguments)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        arguments.folder = folder
        _make_store(Path(folder), arguments.vectors)
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e9
        print(f"{machine()}; {arguments.vectors:,} vectors of {DIMENSION:,} numbers, {size:.1f} GB\n")
        print("| opened by | seconds | processor, s | peak memory, MB | a look-up, ms |\n|---|---:|---:|---:|---:|")
        for way in WAYS:
            command = [sys.executable, "-m", "performance.store", "--way", way, "--folder", folder]
            command += ["--vectors", str(arguments.vectors)]
            found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
            times = f"{found['seconds']:.2f} | {found['worked']:.2f}"
            print(f"| {way} | {times} | {found['peak']:,.0f} | {found['look']:.3f} |", flush=True)


def _request(number: int) -> dict[str, str]:
    return {"model": "m", "input": f"Title {number} " + "a word of the passage " * 28}


def _make_store(folder: Path, count: int) -> None:
    vector = np.random.default_rng(0).standard_normal(DIMENSION).astype("<f4")
    for first in range(0, count, SEGMENT):
        with (folder / f"{first:012}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(first, min(first + SEGMENT, count)):
                vector[0] = number
                text = base64.b64encode(vector.tobytes()).decode()
                usage = {"prompt_tokens": 130, "completion_tokens": 0}
                reply = {"text": text, "finish_reason": "stop", "model": "m", "usage": usage}
                request = _request(number)
                record = {"key": request_key(request), "for": "set", "stage": "embedding", "request": request}
                file.write(dump({**record, "reply": reply}) + "\n")


def opened(arguments: argparse.Namespace) -> dict[str, float]:
    """Return what an opening takes, and a look-up."""
    answers.LARGE = WAYS[arguments.way]
    began, worked = time.perf_counter(), time.process_time()
    store = AnswerStore(Path(arguments.folder))
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    peak = peak_memory_mb()
    assert len(store) == arguments.vectors
    numbers = np.random.default_rng(1).integers(0, arguments.vectors, ASKED).tolist()
    keys = [request_key(_request(number)) for number in numbers]
    began = time.perf_counter()
    replies = [store.get(key) for key in keys]
    look = 1000 * (time.perf_counter() - began) / ASKED
    for number, reply in zip(numbers, replies, strict=True):
        assert reply
        assert np.frombuffer(base64.b64decode(reply["text"]), "<f4")[0] == number
    return {"seconds": seconds, "worked": worked, "peak": peak, "look": look}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=500_000)
    parser.add_argument("--folder", default=None, help="where the store lies meanwhile")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    main(parser.parse_args())
