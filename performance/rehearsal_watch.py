"""Watch the processes of a run of the graph, and tell what each stage took, read and wrote."""

import base64
import json
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = re.compile(r"python -m scripts\.(\w+)")
EVERY = 0.2  # seconds between two looks; what a process uses after the last look at it is missed


@dataclass
class Job:
    """What a job's process and its children took."""

    began: float  # seconds since the epoch
    ended: float = 0.0
    processor: dict[int, float] = field(default_factory=dict)  # seconds, by process
    memory: float = 0.0  # MB, of all its processes together, the highest


class Stage(NamedTuple):
    """A stage in a run. Without a limit that its rule declares, a limit is None."""

    jobs: int
    wall: float  # seconds from the first start to the last end
    processor: float  # seconds
    memory: float  # MB, of the largest job
    memory_declared: float | None
    longest: float  # seconds, of the longest job
    minutes_declared: float | None
    records_in: int
    records_out: int
    disk: float  # MB of its outputs


class Watch(threading.Thread):
    """Looks several times a second at the processes that this one has started."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: dict[str, dict[int, Job]] = {}  # by script and process
        self.at_once = 0.0  # MB of all processes together, the highest
        self._over = threading.Event()

    def run(self) -> None:
        own = psutil.Process()
        while not self._over.wait(EVERY):
            found = {process.pid: process for process in own.children(recursive=True)}
            names: dict[int, tuple[str, int]] = {}  # the script of a process, and the process of the script
            sums: dict[tuple[str, int], float] = {}
            for process in found.values():
                try:
                    if place := _place(process, names):
                        names[process.pid] = place
                        sums[place] = sums.get(place, 0.0) + self._note(place, process)
                except (psutil.Error, FileNotFoundError, ProcessLookupError):
                    continue
            for (name, first), total in sums.items():
                job = self.jobs[name][first]
                job.memory = max(job.memory, total)
            self.at_once = max(self.at_once, sum(sums.values()))

    def _note(self, place: tuple[str, int], process: psutil.Process) -> float:
        name, first = place
        job = self.jobs.setdefault(name, {}).setdefault(first, Job(process.create_time()))
        used = process.cpu_times()
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        job.processor[process.pid] = used.user + used.system
        job.memory = max(job.memory, int(peak[1]) * 1024 / 1e6 if peak else 0.0)
        job.ended = time.time()
        return float(process.memory_info().rss / 1e6)

    def stop(self) -> None:
        self._over.set()
        self.join()


def _place(process: psutil.Process, names: dict[int, tuple[str, int]]) -> tuple[str, int] | None:
    """Return the script that a process runs or works for, and the script's process. Parents come before children."""
    command = process.cmdline()
    if "-m" in command[:3] and (name := command[command.index("-m") + 1]).startswith("scripts."):
        return name.removeprefix("scripts."), process.pid
    place = names.get(process.ppid())
    if len(command) > 1 and command[1].endswith("bin/snakemake"):
        return place or ("snakemake", process.pid)  # a copy that is about to become a job has a place already
    return place if place and place[0] != "snakemake" else None


class Declared(NamedTuple):
    memory: float | None  # MB
    minutes: float | None


def declared() -> dict[str, Declared]:
    """Return what the rules ask for, by script. A rule that asks for none in numbers has None."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    found = {}
    for rule in re.split(r"(?m)^rule ", text)[1:]:
        if script := SCRIPT.search(rule):
            memory = re.search(r"mem_mb=growing\((\d+)\)", rule)
            minutes = re.search(r"runtime=(?:growing\((\d+)\)|(A_DAY))", rule)
            limit = None if minutes is None else float(minutes[1] or 24 * 60)
            found[script[1]] = Declared(float(memory[1]) if memory else None, limit)
    return found


class Files(NamedTuple):
    """The files that a stage's jobs read and wrote."""

    inputs: set[Path]
    outputs: set[Path]


def files_of(run: Path) -> dict[str, Files]:
    """Return the files of each script, from what Snakemake notes about each output in `run`/.snakemake/metadata."""
    found: dict[str, Files] = {}
    for path in (run / ".snakemake/metadata").rglob("*"):
        if not path.is_file():
            continue
        noted = json.loads(path.read_text())
        if script := SCRIPT.search(noted.get("shellcmd") or ""):
            files = found.setdefault(script[1], Files(set(), set()))
            name = "".join(part.removeprefix("@") for part in path.relative_to(run / ".snakemake/metadata").parts)
            files.outputs.add(run / base64.urlsafe_b64decode(name).decode())
            files.inputs.update(run / name for name in noted["input"])
    return found


def records(path: Path) -> int:
    """Count the records of a JSON lines or a Parquet file, or the vectors of an .npy file; other files have none."""
    if path.suffix == ".npy" and path.exists():
        return len(np.load(path, mmap_mode="r"))
    if path.suffix == ".parquet" and path.exists():
        return int(pq.ParquetFile(path).metadata.num_rows)
    if path.suffix == ".jsonl" and path.exists():
        with path.open("rb") as file:
            return sum(1 for _ in file)
    return 0


def size(path: Path) -> float:
    """Return the MB of a file, or of a folder's files."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def stages(watch: Watch, run: Path) -> dict[str, Stage]:
    """Return the stages in the order in which they began."""
    asked, files = declared(), files_of(run)
    found = {}
    for name, jobs in sorted(watch.jobs.items(), key=lambda item: min(job.began for job in item[1].values())):
        read, written = files.get(name, Files(set(), set()))
        took = list(jobs.values())
        limits = asked.get(name, Declared(None, None))
        found[name] = Stage(
            jobs=len(took),
            wall=max(job.ended for job in took) - min(job.began for job in took),
            processor=sum(sum(job.processor.values()) for job in took),
            memory=max(job.memory for job in took),
            memory_declared=limits.memory,
            longest=max(job.ended - job.began for job in took),
            minutes_declared=limits.minutes,
            records_in=sum(map(records, read)),
            records_out=sum(map(records, written)),
            disk=sum(map(size, written)),
        )
    return found
