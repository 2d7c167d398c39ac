"""The workflow used from another working directory, with another file of settings, and as a module of another workflow."""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
import recording
import yaml
from conftest import ROOT, TARGET, Project
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from rag_instruct.errors import UserError
from rag_instruct.graph.start import check_without_onstart, prepare
from rag_instruct.jobs import REPLAY
from rag_instruct.lock import hold
from rag_instruct.settings.config import read_config
from rag_instruct.settings.places import own_file, with_own_files

MODULE = """
configfile: "own.yaml"


module rag:
    snakefile: "{snakefile}"
    config: config


use rule * from rag as rag_*


use rule load_exemplars from rag as rag_load_exemplars with:
    priority: 1


rule train:
    output: "trained.txt"
    shell: "touch {{output}}"


rule all:
    default_target: True
    input: "{target}", "trained.txt"
"""
CORPUS, SET = "results/corpora/demo/passages.json", "results/exemplar_sets/demo_alpaca.json"


@pytest.fixture
def elsewhere(tmp_path):
    """A copy of the workflow, and an empty folder beside it."""
    for name in ("workflow", "elsewhere"):
        (tmp_path / name).mkdir()
    return Project(tmp_path / "workflow"), tmp_path / "elsewhere"


def run(project, folder, *arguments, **environment):
    """Snakemake and its jobs in fresh interpreters, which know of the workflow what Snakemake tells them."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    environment = project.environment(BASH_ENV="", **environment)
    ran = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def is_module(project, folder, target, **datasets):
    """Make `folder` a workflow of its own, which has the project as its module and its settings with other data sets."""
    settings = yaml.safe_load((project.folder / "config.yaml").read_text("utf-8"))
    (folder / "own.yaml").write_text(yaml.safe_dump(settings | ({"datasets": datasets} if datasets else {})))
    (folder / "Snakefile").write_text(MODULE.format(snakefile=project.folder / "Snakefile", target=target))
    return settings


@pytest.mark.slow
def test_a_directory_elsewhere_gets_the_results_and_the_workflows_folder_nothing(elsewhere):
    project, folder = elsewhere
    before = {path for path in project.folder.rglob("*") if "__pycache__" not in path.parts}
    start = ["--snakefile", str(project.folder / "Snakefile"), "--directory", str(folder)]
    run(project, folder.parent, *start, "--", CORPUS, SET)
    assert (folder / CORPUS).exists()
    assert "Nothing to be done" in run(project, folder.parent, *start, "--", CORPUS, SET)
    assert {path for path in project.folder.rglob("*") if "__pycache__" not in path.parts} == before


@pytest.mark.slow
def test_own_settings_are_added_to_the_workflows_and_own_files_go_before_its(elsewhere):
    project, folder = elsewhere
    (folder / "mine.tsv").write_text("id\ttext\ttitle\n1\tSome text.\tA title\n")
    (folder / "own.yaml").write_text("corpora: {mine: {passages: {path: mine.tsv}, shards: 1}}\n")
    snakefile = ["--snakefile", str(project.folder / "Snakefile"), "--configfile", "own.yaml"]
    run(project, folder, *snakefile, "--", CORPUS.replace("demo", "mine"), SET)
    assert (folder / CORPUS.replace("demo", "mine")).exists()


@pytest.mark.slow
def test_a_module_has_the_settings_that_it_is_given(elsewhere):
    project, folder = elsewhere
    settings = is_module(project, folder, SET)
    mine = settings["datasets"]["rag_instruct_demo"] | {"paradigms": {"single_doc_answer": 5}}
    is_module(project, folder, SET, mine=mine)
    said = run(project, folder)
    assert "rag_load_exemplars" in said
    assert (folder / SET).exists()
    planned = run(project, folder, "-n", "--", "results/mine.jsonl", "results/mine/report.html")
    jobs = dict(re.findall(r"^rag_(\w+) +(\d+)$", planned, re.M))
    assert (jobs["synthesise"], jobs["assemble"], jobs["report"], jobs["ledger"]) == ("2", "1", "1", "1")
    assert "train" not in jobs


@pytest.mark.slow
def test_a_module_starts_no_second_run_in_a_folder(elsewhere):
    """Snakemake calls `onstart` of no module."""
    project, folder = elsewhere
    is_module(project, folder, SET)
    lock = hold(folder / ".snakemake/run.lock", wait=False)
    with pytest.raises(AssertionError, match="another run is active in this folder"):
        run(project, folder)
    lock.close()
    assert not (folder / "results").exists()


def begin(jobs, uses, settings):
    """Let each use of the workflow as a module check the jobs of a run, as Snakemake does."""
    for modifier in uses:
        workflow = SimpleNamespace(
            dryrun=False,
            is_main_process=True,
            modifier=modifier,
            dag=SimpleNamespace(needrun_jobs=lambda exclude_finished: jobs),
            deployment_settings=SimpleNamespace(deployment_method=frozenset()),
        )
        check_without_onstart(workflow, settings)
    logger.filter(logging.makeLogRecord({"event": LogEvent.RUN_INFO}))


def test_each_use_as_a_module_checks_its_own_jobs_and_all_share_the_lock(tmp_path, monkeypatch):
    """`use rule x from rag with:` reads the workflow once more, and the other workflow may have a rule `train`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rag_instruct.graph.start._LOCKS", {})
    for variable in ("OPENAI_API_KEY", REPLAY):
        monkeypatch.delenv(variable, raising=False)
    uses = [
        SimpleNamespace(
            parent_modifier=object(),
            globals={},
            modify_rulename="rag_{}".format,
            rule_proxies=SimpleNamespace(_rules=["synthesise", "preview_cost"]),
        )
        for _ in "ab"
    ]

    def job(name, module, **wildcards):
        rule = SimpleNamespace(name=name, shellcmd="{params.command}", module_globals=module, conda_env=None)
        return SimpleNamespace(
            rule=rule, output=["made"], input=SimpleNamespace(), wildcards=SimpleNamespace(**wildcards)
        )

    theirs, preview = job("train", {}), job("rag_preview_cost", uses[0].globals)
    begin([theirs, preview], uses, read_config(ROOT))
    assert hold(Path(".snakemake/run.lock"), wait=False), "a preview needs no lock"
    free = [job("rag_card", use.globals) for use in uses]
    begin([theirs, *free], uses, read_config(ROOT))
    assert hold(Path(".snakemake/run.lock"), wait=False) is None, "the lock is kept"
    paid = job("rag_synthesise", uses[1].globals, dataset="rag_instruct_40k")
    with pytest.raises(SystemExit, match="OPENAI_API_KEY is not set"):
        begin([theirs, *free, paid], uses, read_config(ROOT))


@pytest.mark.long
def test_the_demo_has_the_same_bytes_in_another_directory_and_through_a_module(demo, tmp_path):
    bytes_of = []
    for name in ("directory", "module"):
        folder = tmp_path / name
        folder.mkdir()
        recording.unpack_answers(folder)
        for path in demo.folder.glob("recorded_*.trec"):  # on a processor that ranks otherwise
            shutil.copy(path, folder)
        if name == "module":
            is_module(demo, folder, TARGET)
            run(demo, folder, **{REPLAY: "1"})
        else:
            start = ["--snakefile", str(demo.folder / "Snakefile"), "--directory", str(folder)]
            run(demo, tmp_path, *start, "--", TARGET, **{REPLAY: "1"})
        bytes_of.append(sha256((folder / TARGET).read_bytes()).hexdigest())
    assert bytes_of == [demo.sha256] * 2


@pytest.mark.slow
def test_a_target_after_configfile_is_refused_with_the_right_command(elsewhere):
    project, _ = elsewhere
    ran = project.snakemake("--cores", "1", "--configfile", "config.yaml", TARGET)
    assert ran.returncode == 1
    assert f"snakemake --cores 1 --configfile config.yaml -- {TARGET}" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_what_jobs_inherit_begins_with_this_workflow_and_keeps_what_was_there(monkeypatch):
    handler = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setenv("PYTHONPATH", "theirs")
    for _ in range(2):
        prepare(ROOT)
    signal.signal(signal.SIGUSR1, handler)
    assert os.environ["PYTHONPATH"] == f"{ROOT}{os.pathsep}theirs"


def test_a_file_that_the_working_directory_lacks_is_the_workflows_own(tmp_path, monkeypatch):
    workflow, working = tmp_path / "workflow", tmp_path / "working"
    for path in (workflow / "a.tsv", workflow / "b.tsv", working / "b.tsv"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    settings = {
        "corpora": {n: {"passages": {"path": f"{n}.tsv"}} for n in "abc"},
        "prices": "a.tsv",
        "files": ["a.tsv"],
    }
    monkeypatch.chdir(working)
    found = with_own_files(settings, workflow)
    assert [found["corpora"][n]["passages"]["path"] for n in "abc"] == [str(workflow / "a.tsv"), "b.tsv", "c.tsv"]
    assert (found["prices"], found["files"]) == (str(workflow / "a.tsv"), ["a.tsv"])
    monkeypatch.chdir(workflow)
    assert with_own_files(settings, workflow) == settings, "the paths are as they were written"
    monkeypatch.chdir(tmp_path)
    assert own_file(workflow, "a.tsv") == "workflow/a.tsv"
    (workflow / "ours.jsonl").write_text("{}")
    contexts = {"contexts": {"popqa": "ours.jsonl"}}
    assert with_own_files(contexts, workflow)["contexts"]["popqa"] == own_file(workflow, "ours.jsonl")


@pytest.mark.parametrize("name", ["**.jsonl", "x" * 300, ""])
def test_a_name_that_no_file_can_have_is_left_for_its_reader(tmp_path, name):
    assert with_own_files({"path": name}, tmp_path) == {"path": name}


def test_a_name_with_braces_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"notes \{draft\}.txt: Snakemake replaces words in braces"):
        with_own_files([{"path": "my notes {draft}.txt"}], tmp_path)
    with pytest.raises(UserError, match=r"my \{section\}: Snakemake replaces words in braces"):
        with_own_files({"downloads": "my {section}"}, tmp_path)


def test_commands_in_another_folder_find_the_workflows_own_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_config(tmp_path)["prices"] == str(ROOT / "resources/prices.yaml")
