"""Debian's packages that tests need: installed only where somebody asked for it; else the test is skipped and says so."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from rag_instruct.lock import hold

ALLOWED = "RAG_INSTRUCT_TEST_INSTALL"  # "yes" lets root install


def needs(program: str, *packages: str) -> None:
    """Have `program`, from Debian's `packages` where it is missing, or skip the test and say what is missing."""
    if shutil.which(program):
        return
    install = f"apt-get install {' '.join(packages)}"
    if os.environ.get(ALLOWED) != "yes":
        pytest.skip(f"{program} is not here: {install}, or as root: make test INSTALL=yes")
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"{program} is not here, and only root with apt-get installs it: {install}")
    said = ""
    # One worker at a time: apt-get refuses a second.
    with hold(Path(tempfile.gettempdir()) / "rag_instruct_tests_install.lock", wait=True):
        if not shutil.which(program):
            said = _apt_get("update", "--quiet") + _apt_get("install", "--yes", "--no-install-recommends", *packages)
    if not shutil.which(program):
        pytest.skip(f"{program} cannot be installed here: {said.strip()[-300:]}")


def _apt_get(*arguments: str) -> str:
    """What it says."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ran = subprocess.run(["apt-get", *arguments], env=quiet, text=True, capture_output=True)
    return ran.stdout + ran.stderr
