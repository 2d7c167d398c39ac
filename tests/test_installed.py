"""The package as `pip install .` gives it: the command rag-instruct, the Snakefile with its resources, the API."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
from conftest import PARTS, ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXAMPLE = """
from pathlib import Path
from rag_instruct import api, project
corpus = api.import_corpus(project.root() / "resources/demo/passages.tsv", Path("api"))
print(len(corpus), api.__file__)
"""


def test_every_package_of_the_checkout_is_installed():
    folders = {f"rag_instruct.{path.parent.name}" for path in ROOT.glob("rag_instruct/*/__init__.py")}
    listed = PYPROJECT["tool"]["setuptools"]["packages"]
    assert set(listed) == folders | {"rag_instruct", "rag_instruct.workflow", "rag_instruct.workflow.scripts"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with the built wheel, which sees the packages that the tests run with; and the wheel's names."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for part in (*PARTS, "config.schema.json", "pyproject.toml", "README.md", "requirements.txt"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, source / part)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = folder.glob("venv/lib/python*/site-packages")
    (site / "shared.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    subprocess.run([*pip, "--python", folder / "venv/bin/python", "install", "--no-deps", wheel], check=True)
    (folder / "elsewhere").mkdir()
    return folder, zipfile.ZipFile(wheel).namelist()


def ran(installed, *command):
    """What a command of the environment says, run outside of the checkout."""
    folder, _ = installed
    given = [folder / "venv/bin" / command[0], *command[1:]]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(given, cwd=folder / "elsewhere", env=environment, check=True, text=True, capture_output=True)


@pytest.mark.long
def test_an_installed_copy_has_its_commands_its_workflow_and_its_api(installed):
    folder, names = installed
    assert {name.split("/")[0] for name in names} == {"rag_instruct", "rag_instruct-0.1.0.dist-info"}
    workflow = ran(installed, "rag-instruct", "workflow").stdout.strip()
    assert str(folder / "venv") in workflow
    copy = workflow.removesuffix("/Snakefile")
    for part in ("Snakefile", "config.yaml", "config.schema.json", "rules", "scripts", "resources", "envs", "profiles"):
        files = [path for path in (ROOT / part).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        for path in files or [ROOT / part]:
            assert f"{copy}/{path.relative_to(ROOT)}".removeprefix(str(folder)).split("site-packages/")[1] in names
    commands = ran(installed, "rag-instruct", "--help").stdout
    assert all(f"  {path.stem.replace('_', '-')} " in commands for path in ROOT.glob("scripts/[a-z]*.py"))
    ran(installed, "rag-instruct", "import-passages", f"{copy}/resources/demo/passages.tsv", "--output", "p.arrow", "--info", "p.json")  # fmt: skip
    assert (folder / "elsewhere/p.arrow").is_file()
    count, place = ran(installed, "python", "-c", EXAMPLE).stdout.split()
    assert (count, place.startswith(str(folder / "venv"))) == ("240", True)
