"""Snakemake as scripts call it: with this workflow's Snakefile and the user's settings, from any folder."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.project import root

ROOT = root()


def command(configfiles: Sequence[Path]) -> list[str]:
    """The beginning of a command line; options may follow it, and targets after `--`."""
    own = ROOT / "Snakefile"
    snakefile = ["--snakefile", str(own)] if own.is_file() and Path.cwd() != ROOT else []
    given = ["--configfile", *map(str, configfiles)] if configfiles else []
    return [sys.executable, "-m", "snakemake", *snakefile, *given]


def dry_run(targets: Sequence[str], configfiles: Sequence[Path], *options: str) -> str:
    """What Snakemake says of the jobs that it would run; raises UserError with its own words when it fails."""
    # Without the profile, which keeps quiet what is asked for here.
    plain = ["-n", "--nolock", "--workflow-profile", "none", *options]
    ran = subprocess.run([*command(configfiles), *plain, "--", *targets], capture_output=True, text=True)
    if ran.returncode:
        raise UserError(f"{' '.join(targets)}: nothing can be planned:\n{(ran.stdout + ran.stderr).strip()[-2000:]}")
    return ran.stdout
