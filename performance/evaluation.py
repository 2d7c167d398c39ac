"""Measure the evaluation of all eleven benchmarks at full size, with an endpoint on this machine.

python -m performance.evaluation --latency 1 --concurrency 128

Questions, documents and answers are generated. Their number and size are those of the real benchmarks, with ten
documents of 100 words for each question. The endpoint is tests/faulty.py, which looks the answers up in a table. Each
benchmark runs the graph's command in a new process. The line `all` has the questions per second over all commands,
starts included, and the endpoint's limit, concurrency / latency. One benchmark is killed with SIGKILL half-way and run
again.
"""

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from performance.measure import bill, machine, serving
from rag_instruct.benchmarks import benchmark, names
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.jobs import write_settings
from rag_instruct.record_files import write_records
from rag_instruct.schema import Question

ROOT = Path(__file__).parent.parent
DOCUMENTS, WORDS = 10, 100
KILLED = "hotpotqa"  # half-way
VOCABULARY = [f"word{number}" for number in range(5000)]


def generate(folder: Path, name: str, size: int, draw: random.Random, pool: list[str]) -> None:
    """Write questions and documents of one benchmark."""
    questions = [Question(f"{name}-{n}", f"What is number {n} of {name}?", (f"{name} {n}",)) for n in range(size)]
    write_records(folder / f"{name}.questions.jsonl", questions)
    rows = ({"id": q.id, "documents": draw.sample(pool, DOCUMENTS)} for q in questions)
    write_jsonl(folder / f"{name}.documents.jsonl", rows)


def _document(draw: random.Random) -> str:
    return "A title\n" + " ".join(draw.choices(VOCABULARY, k=WORDS))


def started(folder: Path, name: str, settings: Path) -> "subprocess.Popen[str]":
    """Start the stage as the graph runs it. The process prints its peak memory last."""
    command = [sys.executable, "-m", "performance.run_measured", "scripts.generate_endpoint"]
    command += [f"{folder}/{name}.questions.jsonl", "--documents", f"{folder}/{name}.documents.jsonl"]
    command += ["--teacher", "t", "--dataset", "set", "--max-new-tokens", "500", "--decoding", "greedy"]
    command += ["--output", f"{folder}/{name}.outputs.jsonl", "--settings", str(settings)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def finished(job: "subprocess.Popen[str]") -> float:
    """Wait for the process and return its peak memory in MB."""
    said = job.communicate()[0]
    assert job.returncode == 0, f"it ended with {job.returncode}"
    return float(said.split()[-1])


def processor_seconds() -> float:
    """Return the CPU seconds of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kill_half_way(folder: Path, settings: Path, name: str, size: int, url: str) -> int:
    """Kill the stage with SIGKILL, and return how many answers it had bought."""
    before = bill(url)["billed"]
    job = started(folder, name, settings)
    while bill(url)["billed"] - before < size / 2:
        time.sleep(0.1)
    job.send_signal(signal.SIGKILL)
    job.wait()
    time.sleep(2)  # what was in flight ends
    return int(bill(url)["billed"] - before)


def check(folder: Path, sizes: dict[str, int], table: dict[str, str]) -> None:
    """Check that every question has the table's answer."""
    for name, size in sizes.items():
        outputs = [row["output"] for row in read_jsonl(folder / f"{name}.outputs.jsonl")]
        assert outputs == [table[f"What is number {n} of {name}?"] for n in range(size)], name


def main(arguments: argparse.Namespace) -> None:
    sizes = {name: round(arguments.share * benchmark(name).size) for name in names()}
    sizes = {name: size for name, size in sizes.items() if size}  # one's own has none
    table = {
        f"What is number {n} of {name}?": f"It is {name} {n}." for name, size in sizes.items() for n in range(size)
    }
    limit = arguments.concurrency / arguments.latency
    total = sum(sizes.values())
    print(f"{machine()}; {total:,} questions, {arguments.latency:g} s, {arguments.concurrency} at a time\n")
    draw = random.Random(1)
    pool = [_document(draw) for _ in range(5000)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "table.json").write_text(json.dumps(table))
        for name, size in sizes.items():
            generate(folder, name, size, draw, pool)
        with serving(ROOT / "tests/faulty.py", "--latency", arguments.latency, "--table", folder / "table.json") as url:
            teacher = {"model": "m", "base_url": url, "sampling": {}, "concurrency": arguments.concurrency}
            given = {
                "teachers": {"t": teacher},
                "datasets": {"set": {"budget": {}}},
                "answers": str(folder / "answers"),
                "prices": str(ROOT / "resources/prices.yaml"),
            }
            measure(folder, write_settings(given, folder), sizes, limit, url)
            check(folder, sizes, table)


def measure(folder: Path, settings: Path, sizes: dict[str, int], limit: float, url: str) -> None:
    """Run every benchmark and print its line."""
    print("| benchmark | questions | seconds | answers/s | of the limit | processor, ms an answer | peak memory, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    questions, seconds, highest = 0, 0.0, 0.0
    for name, size in sizes.items():
        kept = kill_half_way(folder, settings, name, size, url) if name == KILLED else 0
        began = time.monotonic()
        before = processor_seconds()
        memory = finished(started(folder, name, settings))
        took, worked = time.monotonic() - began, processor_seconds() - before
        if name == KILLED:
            killed = f"{name} was killed after {kept:,} answers; the rerun took {took:.1f} s"
            continue
        questions, seconds, highest = questions + size, seconds + took, max(highest, memory)
        rates = f"{size / took:.1f} | {size / took / limit:.2f} | {1000 * worked / size:.2f}"
        print(f"| {name} | {size:,} | {took:.1f} | {rates} | {memory:.0f} |", flush=True)
    rate = questions / seconds
    print(f"| all | {questions:,} | {seconds:.1f} | {rate:.1f} | {rate / limit:.2f} | | {highest:.0f} |")
    final = bill(url)
    print(f"\nlimit {limit:g}/s; {killed}")
    print(f"{final['distinct']:,} different requests, {final['billed']:,} answered in all")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds")
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--share", type=float, default=1.0, help="of the questions, to try it")
    main(parser.parse_args())
