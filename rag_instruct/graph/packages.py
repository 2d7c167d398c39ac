"""Find the packages that the jobs of a run need and this Python lacks, before anything runs."""

import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError

REMEDY = (
    "install them with `make .venv/installed` and run .venv/bin/snakemake, or with pip install -r requirements.txt, "
    "or let Snakemake build environments: --software-deployment-method conda"
)
PIN = re.compile(r"^[\s-]*([\w.-]+)==", re.M)


def refuse_missing_packages(jobs: Iterable[Any], workflow: Any) -> None:
    """Raise UserError that names the packages of the jobs' environments that are not installed.

    Snakemake itself runs without them, for example a Snakemake of the whole machine. We check nothing if Snakemake
    makes environments. Packages that only some files of a corpus need are checked by the job that meets such a file.
    """
    if workflow.deployment_settings.deployment_method:
        return
    files = {Path(str(job.rule.basedir), job.rule.conda_env) for job in jobs if job.rule.conda_env}
    always = {name for file in files for name in _pins(file.parent.parent / "requirements.txt")}
    needed = {name for file in files for name in _pins(file)} & always
    if lacking := sorted(filter(_is_missing, needed)):
        raise UserError(
            f"{sys.executable} lacks {len(lacking)} of the packages that this run needs ({', '.join(lacking)}): "
            f"{REMEDY}. Nothing was run."
        )


def _pins(file: Path) -> list[str]:
    return PIN.findall(file.read_text("utf-8")) if file.exists() else []


def _is_missing(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return True
    return False
