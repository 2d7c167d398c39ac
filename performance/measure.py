"""Name this machine, measure a process's memory, run an endpoint. The other scripts in this folder use these."""

import json
import os
import platform
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


def machine() -> str:
    """Return the CPU's name and the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{model}, {cores} cores"


def peak_memory_mb() -> float:
    """Return the peak resident memory of this process in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage would count the memory of the parent at the fork too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


class Worked(NamedTuple):
    """What a process took: seconds by the clock and of the processor, and its peak memory in MB."""

    seconds: float
    processor: float
    peak: float


MEASURED = """
import runpy, sys, time
from performance.measure import peak_memory_mb
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
print(time.process_time(), peak_memory_mb())
"""


def of_script(script: str, *arguments: object) -> Worked:
    """Run a script of the graph in a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, "-c", MEASURED, f"scripts.{script}", *map(str, arguments)]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return Worked(time.perf_counter() - began, *map(float, said.split()))


@contextmanager
def serving(*command: object) -> Iterator[str]:
    """Run an endpoint like tests/faulty.py, and give its address."""
    with subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def bill(url: str) -> dict[str, Any]:
    """Return what such an endpoint counted."""
    with urllib.request.urlopen(url.replace("/v1", "/bill")) as reply:
        found: dict[str, Any] = json.load(reply)
    return found
