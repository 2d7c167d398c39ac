"""Call Snakemake from a script, in any folder, with this workflow's Snakefile and the user's settings."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.graph.keys import WARNING
from rag_instruct.project import root

ROOT = root()


def command(configfiles: Sequence[Path]) -> list[str]:
    """Return the beginning of a Snakemake command line. Options may follow, then `--` and targets."""
    own = ROOT / "Snakefile"
    snakefile = ["--snakefile", str(own)] if own.is_file() and Path.cwd() != ROOT else []
    given = ["--configfile", *map(str, configfiles)] if configfiles else []
    return [sys.executable, "-m", "snakemake", *snakefile, *given]


def dry_run(targets: Sequence[str], configfiles: Sequence[Path], *options: str) -> str:
    """Return the output of `snakemake -n`, and repeat its warnings. Raises UserError with its message when it fails."""
    # We switch the workflow profile off, because its `quiet` would hide the jobs.
    plain = ["-n", "--nolock", "--workflow-profile", "none", *options]
    ran = subprocess.run([*command(configfiles), *plain, "--", *targets], capture_output=True, text=True)
    if ran.returncode:
        raise UserError(
            f"{' '.join(targets)}: Snakemake cannot plan this target:\n{(ran.stdout + ran.stderr).strip()[-2000:]}"
        )
    print("".join(line for line in ran.stderr.splitlines(True) if line.startswith(WARNING)), end="", file=sys.stderr)
    return ran.stdout


def jobs_said(dry_run: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the jobs in the output of a dry run: the rule, and what is said of the job by key, such as `input`."""
    for said in re.split(r"^(?:local)?rule ", dry_run, flags=re.M)[1:]:
        yield said.split(":", 1)[0], dict(re.findall(r"^ +(\w+): (.*)$", said, re.M))
