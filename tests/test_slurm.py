"""profiles/slurm on a real SLURM of two nodes: the demo's bytes, and what becomes of jobs that are ended from outside."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
import recording
import tiny
import yaml
from conftest import TARGET, has_the_bytes_of_a_quiet_build, played
from debian import needs
from slurm import MARK, PLACE, cluster
from test_training import RECIPE

pytestmark = pytest.mark.long

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
QUICK = ("--slurm-init-seconds-before-status-checks", "1")  # between two looks at the queue, at first

# Rules that fail as jobs on a cluster do. What each holds in memory adds to the 400 MB of Snakemake itself.
RULES = """
HOLD = "python -c 'import time; held = bytearray({megabytes} << 20); time.sleep(3)' && hostname > {output}"

rule grows:
    output: "grown"
    params: megabytes=1000
    resources: mem_mb=lambda wildcards, attempt: attempt * 1000
    shell: HOLD.replace("{megabytes}", "{params.megabytes}")

rule never_fits:
    output: "never"
    params: megabytes=3000
    resources: mem_mb=lambda wildcards, attempt: attempt * 600
    shell: HOLD.replace("{megabytes}", "{params.megabytes}")

rule waits:
    output: "waited"
    resources: mem_mb=1000
    shell: "hostname >> visited; sleep 12; hostname > {output}"

rule knows_the_key:
    output: "key"
    resources: mem_mb=1000
    shell: 'printf %s "$OPENAI_API_KEY$HF_TOKEN" | sha256sum > {output}; sleep 4'
"""


@pytest.fixture(scope="module")
def slurm():
    for program in ("slurmctld", "slurmd", "sbatch", "munged"):
        needs(program, *PACKAGES)
    if os.geteuid() != 0 or subprocess.run(["unshare", "--uts", "--mount", "--pid", "--fork", "true"]).returncode:
        pytest.skip("nodes of a cluster cannot be started here: needs root, and namespaces")
    settings = PLACE / "slurm.conf"
    if settings.exists() and MARK not in settings.read_text():  # one of a killed run of these tests is replaced
        pytest.skip(f"{PLACE}/slurm.conf is here: a cluster of its own is left alone")
    assert find_spec("snakemake_executor_plugin_slurm"), "pip install -r requirements-slurm.txt"
    with cluster() as running:
        yield running


@pytest.fixture
def rules(project):
    """The project with rules that fail, beside its own."""
    with (project.folder / "Snakefile").open("a") as file:
        file.write(RULES)
    return project


def start(project, *arguments, **environment):
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", *QUICK, *arguments]
    return subprocess.Popen(
        command, cwd=project.folder, env=project.environment(BASH_ENV="", **environment), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def job_of(run, rule):
    """SLURM's number of the rule's first job, once it is submitted; what was said until then."""
    said = []
    for line in run.stdout:
        said.append(line)
        if found := re.search(rf"submitted with SLURM jobid (\d+) .*rule_{rule}\b", line):
            return found[1], said
    raise AssertionError("".join(said))


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def test_a_job_over_its_memory_gets_more_and_one_that_never_fits_says_so(slurm, rules):
    run = start(rules, "grown", "never")
    said = run.communicate()[0]
    assert run.returncode == 1
    assert (rules.folder / "grown").exists(), said
    assert not (rules.folder / "never").exists()
    assert said.count("Trying to restart job") == 1 + 2
    error = said.split("Error in rule never_fits")[1]
    assert "SLURM status is: 'FAILED'" in error
    assert "exceeded memory limit" in error, "SLURM's own log is shown"


def test_jobs_of_a_node_that_fails_run_on_another_and_the_node_comes_back(slurm, rules):
    run = start(rules, "waited")
    job_of(run, "waits")
    visited = rules.folder / "visited"
    until(visited.exists)
    until(visited.read_text)
    failed = visited.read_text().strip()
    slurm.fail_node(failed)
    said = run.communicate()[0]
    assert run.returncode == 0, said
    other = next(name for name in slurm.nodes if name != failed)
    assert visited.read_text().split() == [failed, other]
    assert (rules.folder / "waited").read_text().strip() == other
    slurm.wait_for(failed, "down")
    slurm.start_node(failed)
    slurm.wait_for(failed, "idle")


def test_keys_reach_the_jobs_and_are_written_nowhere(slurm, rules):
    key, token = "sk-not-to-be-written", "hf-not-to-be-written"
    run = start(rules, "key", OPENAI_API_KEY=key, HF_TOKEN=token)
    job, said = job_of(run, "knows_the_key")
    seen = subprocess.run(
        ["scontrol", "show", "job", "--details", job], capture_output=True, text=True, check=True
    ).stdout
    seen += subprocess.run(
        ["scontrol", "write", "batch_script", job, "-"], capture_output=True, text=True, check=True
    ).stdout
    seen += "".join(said) + run.communicate()[0]
    assert run.returncode == 0, seen
    assert (rules.folder / "key").read_text().split()[0] == hashlib.sha256((key + token).encode()).hexdigest()
    kept = [path.read_bytes() for path in rules.folder.rglob("*") if path.is_file()]
    kept += [path.read_bytes() for path in slurm.folder.glob("*.log")]
    assert "not-to-be-written" not in seen
    assert not any(b"not-to-be-written" in text for text in kept)


def test_a_training_on_two_machines(slurm, project):
    """What the graph asks of SLURM, and that the two launchers find each other."""
    tiny.model_folder(project.folder / "base")
    recipe = {
        "model": str(project.folder / "base"),
        **RECIPE,
        "processes": 2,
        "machines": 2,
        "accumulation": 2,
        "memory_mb": 6000,
    }
    (project.folder / "resources/recipes/tiny.yaml").write_text(yaml.safe_dump(recipe))
    (project.folder / "results").mkdir()
    (project.folder / TARGET).write_text("".join(json.dumps(tiny.row(n, words=3)) + "\n" for n in range(30)))
    run = start(project, "--allowed-rules", "train", "--", "results/rag_instruct_demo/models/tiny")
    job, said = job_of(run, "train")
    asked = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    said = "".join(said) + run.communicate()[0]
    assert run.returncode == 0, said
    assert re.search(r"NumNodes=2\D", asked)
    assert re.search(r"NumTasks=2\D", asked)
    assert (project.folder / "results/rag_instruct_demo/models/tiny/model.safetensors").is_file()


def test_the_demo_with_a_job_cancelled_in_the_middle_has_the_same_bytes(slurm, demo, project, tmp_path):
    """Its teacher is the recording, played on loopback, which the nodes share; slowly enough for a job to be cancelled."""
    recording.unpack_measured(project.folder)
    with played(project, "--latency", 0.5):
        run = start(project, TARGET)
        job, said = job_of(run, "synthesise")
        until(lambda: stored(project) >= 10, 600)
        subprocess.run(["scancel", job], check=True)
        said = "".join(said) + run.communicate()[0]
    assert run.returncode == 0, said
    assert f"SLURM-job '{job}' failed, SLURM status is: 'CANCELLED'" in said
    assert has_the_bytes_of_a_quiet_build(project, demo, tmp_path / "again")


def stored(project):
    """Answers of the teacher that are kept by now."""
    return sum(len(path.read_bytes().splitlines()) for path in (project.folder / "answers").glob("*.jsonl"))
