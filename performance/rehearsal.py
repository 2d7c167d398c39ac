"""Build the 40K data set whole: the real graph, generated inputs of real form, and an endpoint on this machine.

    python -m performance.rehearsal /a/folder/with/30/GB --rows 400
    python -m performance.rehearsal /a/folder/with/30/GB --growth run_400.json run_4000.json run_40000.json

The first makes a corpus, its published vectors, five instruction sets and eleven benchmarks
(performance/rehearsal_inputs.py). It runs `snakemake -- results/rag_instruct_40k.jsonl`, card, report and evaluation,
with the settings of config.yaml where they can hold: quotas, exemplars and benchmarks are scaled to --rows. The
teacher, performance/rehearsal_teacher.py, answers late (--latency) and sometimes wrongly (--faults).

The table has, for each stage: jobs, seconds from the first start to the last end, CPU seconds, the highest memory of
a job, records read and written, and MB written. Lines below it name what exceeds the declared resources or the memory
in docs/costs.md. With --kills, everything is killed with SIGKILL at random moments and started again. The last line
has the sha256 of the data set: it is the same for every run of the same --rows, --passages and --faults.

The second prints how the CPU seconds and the memory of each stage grow: a number for each run, and an exponent for
each step from run to run. A stage whose CPU seconds grow as --rows does has the exponent 1. The other columns are of
the largest run.
"""

import argparse
import hashlib
import itertools
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from performance.measure import bill, machine, serving
from performance.rehearsal_inputs import BENCHMARKS, Language, benchmarks, corpus, encoder, instruction_sets
from performance.rehearsal_watch import Stage, Watch, records, size, stages
from rag_instruct.benchmarks import benchmark
from rag_instruct.tables import frame, markdown

ROOT = Path(__file__).resolve().parent.parent
NAME = "rag_instruct_40k"
DATA_SET = [f"results/{NAME}.jsonl", f"results/{NAME}/hub/README.md", f"results/{NAME}/report.html"]
EVALUATION = [f"results/{NAME}/evaluation.html"]
WHOLE = 40_000  # rows
EXEMPLARS = 60_000
QUICK = ["--slurm-init-seconds-before-status-checks", "1"]  # between two looks at the queue, at first
BRIEF = 10.0  # CPU seconds; a shorter stage is mostly its start, and has no exponent


@dataclass
class Inputs:
    """Folders of inputs. Runs of as many passages share a corpus; runs of as many rows share instruction sets."""

    corpus: Path
    sets: Path
    benchmarks: Path


def settings(inputs: Inputs, rows: int, url: str, evidence: int) -> dict[str, Any]:
    """Return config.yaml's settings with the inputs' paths, scaled to `rows`."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    sets = json.loads((inputs.sets / "settings.json").read_text())
    data_set = config["datasets"][NAME]
    data_set["exemplars"] = dict.fromkeys(sets, round(rows * EXEMPLARS / WHOLE / len(sets)))
    quota = dict.fromkeys(sets, rows // (5 * len(sets)))
    data_set["paradigms"] = dict.fromkeys(data_set["paradigms"], quota)
    data_set["evaluation"] |= {"models": ["gpt_4o"], "benchmarks": evaluated(rows)}
    data_set["evidence"] = {"rows": evidence} if evidence else {"model": False}
    config["datasets"] = {NAME: data_set}
    config["corpora"]["wikipedia"] |= {
        "passages": {"path": str(inputs.corpus / "passages.tsv.gz")},
        "embeddings": {"contriever": {"path": str(inputs.corpus / "embeddings.tar")}},
        "shards": 1,
    }
    config["encoders"]["contriever"]["model"] = str(inputs.corpus / "encoder")
    for name, path in sets.items():
        kept = {key: config["exemplar_sets"][name][key] for key in ("schema", "license")}
        config["exemplar_sets"][name] = {**kept, "path": path}
    config["benchmarks"] = json.loads((inputs.benchmarks / "settings.json").read_text())
    config["teachers"]["gpt-4o"] |= {"base_url": url, "concurrency": 256}
    config["models"] = {name: config["models"][name] for name in ("gpt_4o", "smollm2")}
    return config


def evaluated(rows: int) -> list[str]:
    """Return the benchmarks, from the smallest, that together have the share of all questions that `rows` have."""
    sizes = sorted((benchmark(name).size, name) for name in BENCHMARKS)
    whole, share = sum(size for size, _ in sizes), rows / WHOLE
    sums = itertools.accumulate(size for size, _ in sizes)
    return [name for (_, name), total in zip(sizes, sums, strict=True) if total <= max(share * whole, sizes[0][0])]


def make(folder: Path, rows: int, passages: int) -> Inputs:
    """Write the inputs that no earlier run has written."""
    inputs = Inputs(folder / f"corpus_{passages}", folder / f"sets_{rows}", folder / "benchmarks")
    if not (inputs.corpus / "embeddings.tar").exists():
        shutil.rmtree(inputs.corpus, ignore_errors=True)
        inputs.corpus.mkdir(parents=True)
        language = Language()
        encoder(inputs.corpus / "encoder", language)
        corpus(inputs.corpus, language, passages)
    for place, write in (
        (inputs.sets, lambda place: instruction_sets(place, Language(), min(1, rows / WHOLE))),
        (inputs.benchmarks, lambda place: benchmarks(place, Language())),
    ):
        if not (place / "settings.json").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            (place / "settings.json").write_text(json.dumps(write(place)))
    return inputs


def build(folder: Path, cores: int, targets: list[str], kills: list[float], url: str) -> int:
    """Run Snakemake until it succeeds; after each number of seconds in `kills`, kill everything first.

    Without cores, the jobs run on SLURM. Return the number of requests that were in flight at the kills.
    """
    command = [str(Path(sys.executable).with_name("snakemake")), "-s", str(ROOT / "Snakefile")]
    command += ["--profile", str(ROOT / "profiles/slurm"), *QUICK] if cores == 0 else ["--cores", str(cores)]
    command += ["--directory", str(folder), "--quiet", "all", "--", *targets]
    environment = os.environ | {"OPENAI_API_KEY": "sk-rehearsal"}
    unheard = 0
    with (folder / "snakemake.log").open("a") as log:
        for seconds in [*kills, None]:
            run = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
            try:
                code = run.wait(seconds)
            except subprocess.TimeoutExpired:
                end(run, cores == 0)
                unheard += bill(url)["busy"]
                print(f"killed after {seconds:.0f} s", flush=True)
                continue
            except BaseException:
                end(run, cores == 0)
                raise
            if code:
                sys.exit(f"snakemake ended with {code}: see {folder / 'snakemake.log'}")
            break
    return unheard


def end(run: subprocess.Popen[bytes], on_slurm: bool) -> None:
    """Kill a run with all its jobs."""
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    if on_slurm:
        subprocess.run(["scancel", "--signal=KILL", "--full", "--me"], check=True)
        subprocess.run(["scancel", "--me"], check=True)
        while subprocess.run(["squeue", "--me", "--noheader"], check=True, stdout=subprocess.PIPE).stdout:
            time.sleep(1)


def table(found: dict[str, Stage]) -> str:
    """Return the stages as Markdown."""
    rows = []
    for name, stage in found.items():
        times = [f"{stage.wall:,.0f}", f"{stage.processor:,.1f}"]
        memory = [f"{stage.memory:,.0f}", stage.memory_declared and f"{stage.memory_declared:,.0f}"]
        rows.append([name, stage.jobs, *times, *memory, stage.records_in, stage.records_out, f"{stage.disk:,.1f}"])
    columns = ["stage", "jobs", "wall, s", "processor, s", "peak memory, MB", "declared, MB"]
    return markdown(frame([*columns, "records in", "records out", "disk, MB"], rows))


def documented() -> dict[str, float]:
    """Return the GB of memory that docs/costs.md names for a job, by rule."""
    found: dict[str, float] = {}
    for line in (ROOT / "docs/costs.md").read_text("utf-8").splitlines():
        if memory := re.search(r"\| ([\d.]+) GB", line):
            found |= dict.fromkeys(re.findall(r"`(\w+)`", line.split("|")[1]), float(memory[1]))
    return found


def differences(found: dict[str, Stage]) -> list[str]:
    """Return what exceeds the declared resources or the memory in docs/costs.md."""
    said, lines = documented(), []
    for name, stage in found.items():
        if stage.memory_declared is not None and stage.memory > stage.memory_declared:
            lines.append(f"{name}: {stage.memory:,.0f} MB, and its rule declares {stage.memory_declared:,.0f}")
        if stage.minutes_declared is not None and stage.longest > 60 * stage.minutes_declared:
            lines.append(f"{name}: {stage.longest / 60:,.0f} minutes, and its rule declares {stage.minutes_declared:g}")
        if name in said and stage.memory > 1000 * said[name]:
            lines.append(f"{name}: {stage.memory:,.0f} MB, and docs/costs.md says {said[name]:g} GB")
    return lines


def growth(paths: list[Path]) -> str:
    """Return each stage's CPU seconds, their exponents and its memory from run to run, as Markdown.

    The columns after these are of the last run.
    """
    runs = sorted((json.loads(path.read_text()) for path in paths), key=lambda run: int(run["rows"]))
    rows = []
    for name, last in runs[-1]["stages"].items():
        of_runs = [run["stages"].get(name) for run in runs]
        exponents = [_exponent(name, before, after) for before, after in itertools.pairwise(runs)]
        declared = last["memory_declared"] and f"{last['memory_declared']:,.0f}"
        cells = [
            _joined(stage and f"{stage['processor']:,.1f}" for stage in of_runs),
            _joined(exponents),
            _joined(stage and f"{stage['memory']:,.0f}" for stage in of_runs),
        ]
        written = [last["records_in"], last["records_out"], f"{last['wall']:,.0f}", f"{last['disk']:,.1f}"]
        rows.append([name, *cells, declared, *written])
    columns = ["stage", "processor, s", "exponents", "peak memory, MB", "declared, MB", "records in", "records out"]
    return markdown(frame([*columns, "wall, s", "disk, MB"], rows))


def _joined(cells: Iterable[str | None]) -> str:
    return ", ".join(cell or "-" for cell in cells)


def _exponent(name: str, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    one, other = (run["stages"].get(name) for run in (before, after))
    if one is None or other is None or other["processor"] < BRIEF:
        return None
    return f"{math.log(other['processor'] / one['processor']) / math.log(after['rows'] / before['rows']):.2f}"


def main(arguments: argparse.Namespace) -> None:
    folder = arguments.folder.resolve()
    if arguments.growth:
        print(growth(arguments.growth))
        return
    run = folder / arguments.name
    began = time.monotonic()
    inputs = make(folder, arguments.rows, arguments.passages)
    print(f"{machine()}; {arguments.rows:,} rows, {arguments.passages:,} passages, {arguments.latency:g} s latency")
    made = sum(size(place) for place in (inputs.corpus, inputs.sets, inputs.benchmarks)) / 1000
    print(f"inputs: {made:.1f} GB, made or found in {time.monotonic() - began:.0f} s\n", flush=True)
    run.mkdir(parents=True)
    moments = random.Random(arguments.seed)
    kills = [moments.uniform(0.1, 1) * arguments.kill_within for _ in range(arguments.kills)]
    command = [ROOT / "performance/rehearsal_teacher.py", "--latency", arguments.latency, "--faults", arguments.faults]
    with serving(*command) as url:
        config = settings(inputs, arguments.rows, url, arguments.evidence)
        if arguments.slurm:
            config["datasets"][NAME]["chunks"] = 2  # each job starts Snakemake, which takes longer than few requests
        (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        watch, began = Watch(), time.monotonic()
        watch.start()
        targets, unheard = [*DATA_SET, *([] if arguments.no_evaluation else EVALUATION)], 0
        try:
            unheard = build(run, 0 if arguments.slurm else arguments.cores, targets, kills, url)
        finally:  # also of a run that fails or is stopped: its stages so far
            took, paid = time.monotonic() - began, bill(url)
            watch.stop()
            found = stages(watch, run)
            kept = {"rows": arguments.rows, "passages": arguments.passages, "seconds": took, "bill": paid}
            kept |= {"unheard": unheard, "stages": {name: stage._asdict() for name, stage in found.items()}}
            (folder / f"{arguments.name}.json").write_text(json.dumps(kept, indent=1))
            print("" if arguments.slurm else table(found))
            print("\n".join(["", *differences(found)]))
    lost = sum(paid["faults"].get(kind, 0) for kind in ("lost", "half a character"))
    print(
        f"{took:,.0f} s in all, {watch.at_once:,.0f} MB at once, results and answers {size(run) / 1000:.2f} GB\n"
        f"{paid['served']:,} requests served, {paid['billed']:,} billed, {paid['distinct']:,} different; {lost:,} "
        f"billed answers arrived broken, {unheard:,} requests were in flight at a kill\nfaults: {paid['faults']}"
    )
    data = run / f"results/{NAME}.jsonl"
    print(f"{records(data):,} rows, sha256 {hashlib.sha256(data.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument(
        "--passages", type=int, default=1_313_457, help="of one shard, as many as the published one has"
    )
    parser.add_argument("--name", default="run", help="the run's folder inside FOLDER; it must not exist")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument(
        "--slurm", action="store_true", help="on the SLURM of tests/slurm.py; a kill cancels all jobs of this user"
    )
    parser.add_argument("--latency", type=float, default=1.0, help="seconds until an answer comes")
    parser.add_argument("--faults", type=float, default=0.02, help="share of attempts and of answers that fail")
    parser.add_argument("--kills", type=int, default=0, help="how often everything is killed")
    parser.add_argument("--kill-within", type=float, default=300, help="seconds in which a kill comes")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments of the kills")
    parser.add_argument("--no-evaluation", action="store_true")
    parser.add_argument("--evidence", type=int, default=500, help="rows whose bits are measured; 0: none")
    parser.add_argument("--growth", type=Path, nargs="+", help="FOLDER/NAME.json of earlier runs, to compare")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the run is killed, too
    main(parser.parse_args())
