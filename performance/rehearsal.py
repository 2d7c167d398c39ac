"""Build the 40K data set whole: the real graph, generated inputs of real form, and an endpoint on this machine.

    python -m performance.rehearsal /a/folder/with/30/GB --rows 400

makes a corpus, its published vectors, five instruction sets and eleven benchmarks (performance/rehearsal_inputs.py). It
runs `snakemake -- results/rag_instruct_40k.jsonl`, card, report and evaluation, with the settings of config.yaml where
they can hold: quotas, exemplars and benchmarks are scaled to --rows. The teacher, performance/rehearsal_teacher.py,
answers late (--latency) and sometimes wrongly (--faults).

The table has, for each stage: jobs, seconds from the first start to the last end, CPU seconds, the highest memory of
a process beside what its rule declares, and records in its outputs. With --kills, everything is killed with SIGKILL
at random moments and started again. The last line has the sha256 of the data set: it is the same for every run of
the same --rows and --passages.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import yaml

from performance.measure import bill, machine, serving
from performance.rehearsal_inputs import Language, benchmarks, corpus, encoder, instruction_sets
from rag_instruct.tables import frame, markdown

ROOT = Path(__file__).resolve().parent.parent
NAME = "rag_instruct_40k"
DATA_SET = [f"results/{NAME}.jsonl", f"results/{NAME}/hub/README.md", f"results/{NAME}/report.html"]
EVALUATION = [f"results/{NAME}/evaluation.html"]
WHOLE = 40_000  # rows
EXEMPLARS = 60_000
# Where a stage's records are, to count them.
RECORDS = {
    "load_exemplars": "exemplar_sets/*.parquet",
    "draw_exemplars": f"{NAME}/exemplars/drawn.jsonl",
    "filter_exemplars_by_teacher": f"{NAME}/exemplars/kept.jsonl",
    "synthesise": f"{NAME}/synthesis/*/chunk_?.jsonl",
    "assemble": f"{NAME}/rows/*[a-z].jsonl",
    "merge_dataset": f"{NAME}.jsonl",
    "generate_endpoint": f"{NAME}/evaluation/*/*/*.outputs.jsonl",
}


@dataclass
class Stage:
    """What the processes of a stage took."""

    jobs: set[int] = field(default_factory=set)
    first: float = float("inf")
    last: float = 0.0
    processor: dict[int, float] = field(default_factory=dict)  # seconds, by process
    memory: float = 0.0  # MB, of the largest process


class Watch(threading.Thread):
    """Looks at all processes of the graph four times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stages: dict[str, Stage] = {}
        self.at_once = 0.0  # MB of all processes together, the highest
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.25):
            total = 0.0
            for process in psutil.process_iter():
                try:
                    if name := _stage(process.cmdline()):
                        total += self._note(name, process)
                except (psutil.Error, FileNotFoundError, ProcessLookupError):
                    continue
            self.at_once = max(self.at_once, total)

    def _note(self, name: str, process: psutil.Process) -> float:
        stage = self.stages.setdefault(name, Stage())
        used = process.cpu_times()
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        stage.jobs.add(process.pid)
        stage.first, stage.last = min(stage.first, process.create_time()), time.time()
        stage.processor[process.pid] = used.user + used.system
        stage.memory = max(stage.memory, int(peak[1]) * 1024 / 1e6 if peak else 0.0)
        return float(process.memory_info().rss / 1e6)

    def stop(self) -> None:
        self._over.set()
        self.join()


def _stage(command: list[str]) -> str:
    """Return which of the graph's scripts a process runs, or `snakemake`, or nothing."""
    if "-m" in command[:3] and (name := command[command.index("-m") + 1]).startswith("scripts."):
        return name.removeprefix("scripts.")
    return "snakemake" if len(command) > 1 and command[1].endswith("bin/snakemake") else ""


def declared() -> dict[str, float]:
    """Return the memory that each rule asks for, in MB."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    found = {}
    for rule in re.split(r"(?m)^rule ", text)[1:]:
        if memory := re.search(r"mem_mb=growing\((\d+)\)", rule):
            found[rule.partition(":")[0]] = float(memory[1])
    return found


def settings(inputs: Path, rows: int, url: str, evaluated: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return config.yaml's settings with the inputs' paths, scaled to `rows`."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    sets = json.loads((inputs / "sets.json").read_text())
    data_set = config["datasets"][NAME]
    data_set["exemplars"] = dict.fromkeys(sets, round(rows * EXEMPLARS / WHOLE / len(sets)))
    quota = dict.fromkeys(sets, rows // (5 * len(sets)))
    data_set["paradigms"] = dict.fromkeys(data_set["paradigms"], quota)
    data_set["evaluation"] |= {"models": ["gpt_4o"]}
    config["datasets"] = {NAME: data_set}
    config["corpora"]["wikipedia"] |= {
        "passages": {"path": str(inputs / "passages.tsv.gz")},
        "embeddings": {"contriever": {"path": str(inputs / "embeddings.tar")}},
        "shards": 1,
    }
    config["encoders"]["contriever"]["model"] = str(inputs / "encoder")
    for name, path in sets.items():
        kept = {key: config["exemplar_sets"][name][key] for key in ("schema", "license")}
        config["exemplar_sets"][name] = {**kept, "path": path}
    config["benchmarks"] = evaluated
    config["teachers"]["gpt-4o"] |= {"base_url": url, "concurrency": 256}
    config["models"] = {"gpt_4o": config["models"]["gpt_4o"]}
    return config


def make(folder: Path, rows: int, passages: int) -> dict[str, dict[str, Any]]:
    """Write the inputs, unless an earlier run has. Return the settings of the benchmarks."""
    if (folder / "benchmarks.json").exists():
        found: dict[str, dict[str, Any]] = json.loads((folder / "benchmarks.json").read_text())
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    language, share = Language(), min(1, rows / WHOLE)
    encoder(folder / "encoder", language)
    corpus(folder, language, passages)
    (folder / "sets.json").write_text(json.dumps(instruction_sets(folder, language, share)))
    made = benchmarks(folder, language, share)
    (folder / "benchmarks.json").write_text(json.dumps(made))
    return made


def build(folder: Path, cores: int, targets: list[str], kills: list[float]) -> None:
    """Run Snakemake until it succeeds; after each number of seconds in `kills`, kill everything first."""
    command = [str(Path(sys.executable).with_name("snakemake")), "-s", str(ROOT / "Snakefile"), "--cores", str(cores)]
    command += ["--directory", str(folder), "--quiet", "all", "--", *targets]
    environment = os.environ | {"OPENAI_API_KEY": "sk-rehearsal"}
    with (folder / "snakemake.log").open("a") as log:
        for seconds in [*kills, None]:
            run = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
            try:
                code = run.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
                print(f"killed after {seconds:.0f} s", flush=True)
                continue
            if code:
                sys.exit(f"snakemake ended with {code}: see {folder / 'snakemake.log'}")
            return


def records(pattern: str, results: Path) -> int:
    """Count the records of all files that match."""
    found = 0
    for path in results.glob(pattern):
        if path.suffix == ".parquet":
            found += pq.ParquetFile(path).metadata.num_rows
        else:
            with path.open("rb") as file:
                found += sum(1 for _ in file)
    return found


def table(watch: Watch, results: Path) -> str:
    """Return the stages in the order in which they began, as Markdown."""
    asked = declared()
    rows = []
    for name, stage in sorted(watch.stages.items(), key=lambda item: item[1].first):
        made = records(RECORDS[name], results) if name in RECORDS else None
        cells = [len(stage.jobs), f"{stage.last - stage.first:,.1f}", f"{sum(stage.processor.values()):,.1f}"]
        limit = f"{asked[name]:,.0f}" if name in asked else ""
        over = " **over**" if name in asked and stage.memory > asked[name] else ""
        rows.append([name, *cells, f"{stage.memory:,.0f}{over}", limit, f"{made:,}" if made is not None else ""])
    return markdown(
        frame(["stage", "jobs", "wall, s", "processor, s", "peak memory, MB", "declared, MB", "records"], rows)
    )


def disk(folder: Path) -> float:
    """Return the GB of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9


def main(arguments: argparse.Namespace) -> None:
    folder = arguments.folder.resolve()
    inputs, run = folder / f"inputs_{arguments.rows}_{arguments.passages}", folder / arguments.name
    began = time.monotonic()
    made = make(inputs, arguments.rows, arguments.passages)
    print(f"{machine()}; {arguments.rows:,} rows, {arguments.passages:,} passages, {arguments.latency:g} s latency")
    print(f"inputs: {disk(inputs):.1f} GB, made or found in {time.monotonic() - began:.0f} s\n", flush=True)
    run.mkdir(parents=True)
    moments = random.Random(arguments.seed)
    kills = [moments.uniform(0.1, 1) * arguments.kill_within for _ in range(arguments.kills)]
    command = [ROOT / "performance/rehearsal_teacher.py", "--latency", arguments.latency, "--faults", arguments.faults]
    with serving(*command) as url:
        config = settings(inputs, arguments.rows, url, made)
        (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        watch, began = Watch(), time.monotonic()
        watch.start()
        build(run, arguments.cores, [*DATA_SET, *([] if arguments.no_evaluation else EVALUATION)], kills)
        took, paid = time.monotonic() - began, bill(url)
        watch.stop()
    print(table(watch, run / "results"))
    data = run / f"results/{NAME}.jsonl"
    print(
        f"\n{took:,.0f} s in all, {watch.at_once:,.0f} MB at once, results {disk(run):.2f} GB; requests: "
        f"{paid['served']:,} served, {paid['billed']:,} billed, {paid['distinct']:,} different; "
        f"faults {paid['faults']}"
    )
    print(f"{records(data.name, data.parent):,} rows, sha256 {hashlib.sha256(data.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument(
        "--passages", type=int, default=1_313_457, help="of one shard, as many as the published one has"
    )
    parser.add_argument("--name", default="run", help="the run's folder inside FOLDER; it must not exist")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds until an answer comes")
    parser.add_argument("--faults", type=float, default=0.02, help="share of attempts and of answers that fail")
    parser.add_argument("--kills", type=int, default=0, help="how often everything is killed")
    parser.add_argument("--kill-within", type=float, default=300, help="seconds in which a kill comes")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments of the kills")
    parser.add_argument("--no-evaluation", action="store_true")
    main(parser.parse_args())
