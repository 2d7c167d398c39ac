"""Command lines from signatures: what rules write is understood, and what is wrong is said in one line."""

import gc
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import pytest
from conftest import ROOT

from rag_instruct import cli, commands
from rag_instruct.errors import ArgumentError, UserError
from rag_instruct.jobs import job_settings
from rag_instruct.logs import bar, logger, progress

ARGS = """Do it.

Args:
    files: read in this order,
        one after the other
    seed: decides the draw
"""


class Model(NamedTuple):
    """A model.

    Args:
        model: its folder
    """

    model: str
    max_length: int = 512
    normalize: bool = False


def main(
    files: list[Path],
    *,
    seed: str,
    pairs: list[Path],
    more: Sequence[str] = (),
    documents: Path | None = None,
    way: Literal["greedy", "paper"] = "greedy",
    model: Annotated[Model, cli.Flat],
) -> None:
    called.append(locals())


called: list[dict] = []
GIVEN = ["a", "b c", "--seed", "1", "--pairs", "x", "y", "--model", "m"]


@pytest.fixture(autouse=True)
def module(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "__doc__", ARGS)
    called.clear()


def test_the_flags_are_the_parameters():
    cli.run(main, [*GIVEN, "--more", "p", "q", "--normalize", "--max_length", "3", "--way=paper"])
    assert called == [
        {
            "files": [Path("a"), Path("b c")], "seed": "1", "pairs": [Path("x"), Path("y")], "more": ["p", "q"],
            "documents": None, "way": "paper", "model": Model("m", 3, True),
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    "given", [[*GIVEN, "--documents"], ["--documents", "--more", *GIVEN[2:], "--pairs=z", "--", "a"]]
)
def test_a_rule_may_have_nothing_for_a_flag(given):
    """Rules write flags whose files some data sets do not have."""
    cli.run(main, given)
    assert called[0]["documents"] is None
    assert not called[0]["more"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (GIVEN[:-2], "Parameter --model requires an argument."),
        ([*GIVEN, "--paris", "x"], "Unknown option: --paris."),
        ([*GIVEN, "--max-length", "x"], 'Invalid value for --max-length: unable to convert "x" into int.'),
        ([*GIVEN, "--way", "x"], 'Invalid value "x" for --way. Choose from: "greedy", "paper".'),
        (["a", "--seed", "1", "--model", "m", "--pairs"], "Parameter --pairs requires at least 1 element."),
    ],
)
def test_a_wrong_argument_is_said_in_one_line(given, told, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(main, given)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert told in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("script", "given", "told"),
    [
        ("load_exemplars", ["x", "--name", "n", "--schema", "alpaca", "--form", '{"encodng": 1}'], "--form: 'encodng' is unknown"),
        ("load_exemplars", ["x", "--name", "n", "--fields", "{'bad'"], "--fields: \"{'bad'\" is no JSON"),
        ("load_exemplars", ["x", "--name", "n", "--fields", "[]"], "--fields: '[]' is no JSON object"),
        ("load_exemplars", ["x", "--name", "n", "--fields", "{}"], "--fields: give the key `instruction` or"),
        ("merge_dataset", ["x", "--paradigms", "single_doc_answer"], "--paradigms: 'single_doc_answer' has no name and"),
        ("merge_dataset", ["x", "--paradigms", "useless_doc=-1"], "--paradigms: 'useless_doc=-1' has no name and count"),
        ("draw_exemplars", ["x", "--cleaning", "{}"], "--cleaning: the JSON object lacks the key 'characters'"),
        ("filter_rows", ["x", "--quality-filters", '{"langage": "en"}'], "--quality-filters: 'langage' is unknown"),
        ("measure_evidence", ["x", "--thresholds", '{"help": 1}'], "--thresholds: 'help' is unknown"),
        ("compare_retrievers", ["x", "--labels", "[]"], "--labels: '[]' is no JSON object"),
        ("tabulate", ["--described", "popqa"], "--described: 'popqa' is no JSON"),
        ("choose_first_documents", ["x", "--quotas", "multi_doc_answer/*"], "--quotas: 'multi_doc_answer/*' has no name"),
        ("choose_first_documents", ["x", "--quotas", "alpaca=5"], "--quotas: 'alpaca' is unknown"),
    ],
)  # fmt: skip
def test_json_and_counts_that_cannot_be_read_are_wrong_arguments(script, given, told, capsys, tmp_path, monkeypatch):
    """Each script, with all that it needs: 1 serves as a number, a text and the name of a file."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(f"scripts.{script}")
    needed = [one for one in inspect.signature(module.main).parameters.values() if one.default is one.empty]
    flags = [f"--{one.name.replace('_', '-')}" for one in needed if one.kind is one.KEYWORD_ONLY]
    lacking = [part for flag in flags if flag not in given for part in (flag, "1")]
    (tmp_path / "1").write_text('{"set": "s", "license": "MIT"}')
    with pytest.raises(SystemExit) as ended:
        cli.run(module.main, [*given, *lacking])
    assert told in capsys.readouterr().err
    assert ended.value.code == 2


def test_an_argument_that_the_function_refuses_ends_with_2_and_other_errors_with_1(capsys):
    for error, code in ((ArgumentError, 2), (UserError, 1)):
        with pytest.raises(SystemExit) as ended:
            cli.run(lambda error=error: (_ for _ in ()).throw(error("told")), [])
        assert ended.value.code == code


def test_the_help_has_types_defaults_and_texts(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(main, ["--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert ended.value.code == 0
    assert "Do it." in said
    assert "--seed STR decides the draw [required]" in said
    assert "read in this order, one after the other" in said
    assert "--max-length INT [default: 512]" in said
    assert "--model STR its folder" in said
    assert "--log PATH file for a copy of the messages" in said
    assert "Args:" not in said


def test_rag_instruct_lists_its_commands_without_importing_them(capsys, monkeypatch):
    monkeypatch.setattr(commands, "import_module", pytest.fail)
    monkeypatch.setattr(sys, "argv", ["rag-instruct"])
    commands.main()
    assert "  search-shard                   Find the best passages of one shard" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["rag-instruct", "serch-shard"])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == 2
    assert "did you mean search-shard?" in capsys.readouterr().err


@pytest.mark.slow
def test_a_reader_who_has_read_enough_ends_a_command_quietly():
    """`| head` closes the pipe that the command writes to."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "rag_instruct.commands"]
    ran = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_rag_instruct_runs_a_command_under_its_own_name(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["rag-instruct", "list-shards", "--help"])
    with pytest.raises(SystemExit):
        commands.main()
    said = capsys.readouterr().out
    assert "Usage: rag-instruct list-shards" in said
    assert "rag-instruct list-shards shard_00.json" in said


def test_an_error_stands_on_a_line_of_its_own_beside_an_open_bar(capsys):
    def fails():
        with bar("reading", total=9) as counter:
            counter.update(3)
            logger.warning("a warning")
            raise UserError("it is broken")

    def fails_beside_a_generator():
        records = iter(progress(range(9), "reading"))
        kept.append(records)
        next(records)
        raise UserError("it is broken")

    kept: list = []
    for function in (fails, fails_beside_a_generator):
        with pytest.raises(SystemExit):
            cli.run(function, [])
        lines = capsys.readouterr().err.split("\n")
        assert "error: it is broken" in lines
        assert ("a warning" in lines) == (function is fails)


@pytest.mark.parametrize("path", [".", "nowhere.npy", "file/inner"])
def test_a_path_that_cannot_be_opened_is_no_fault_of_the_project(path, capsys, tmp_path, monkeypatch):
    gc.collect()  # an open progress bar of another test's reader would put a line end before the message
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")

    def main(name: Path) -> None:
        name.read_bytes()

    with pytest.raises(SystemExit) as ended:
        cli.run(main, [path])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path}: ")
    assert "Traceback" not in said
    with pytest.raises(SystemExit):
        cli.run(main, ["file", "--log", "file/log"])
    assert capsys.readouterr().err.startswith("error: file")


def test_a_settings_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text("datasets: {}")
    with pytest.raises(UserError, match=r"config\.yaml, line 1: not JSON"):
        job_settings(tmp_path / "config.yaml")
