"""Debian's packages that tests need: installed where root and apt-get are there; else the test is skipped and says so."""

import os
import shutil
import subprocess

import pytest


def needs(program: str, *packages: str) -> None:
    """Have `program`, from Debian's `packages` where it is missing, or skip the test and say what is missing."""
    if shutil.which(program):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(
            f"{program} is not here, and only root with apt-get installs it: apt-get install {' '.join(packages)}"
        )
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True, "text": True}
    subprocess.run(["apt-get", "update", "--quiet"], **quiet)
    ran = subprocess.run(command, **quiet)
    if not shutil.which(program):
        pytest.skip(f"{program} cannot be installed here: {(ran.stdout + ran.stderr).strip()[-300:]}")
