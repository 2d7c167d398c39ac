"""Plan a run: which stages would run, how many jobs each has, and why."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag_instruct.graph.dry_run import dry_run, jobs_said
from rag_instruct.graph.paid import TEACHER_OF
from rag_instruct.tables import frame, text

# The plan adds up GPU hours of this rule only, because its recipes give a useful time. Other GPU rules reserve a whole
# day, but need far less.
RESERVING = "train"
FOLLOWS = "its inputs are made again"
# Patterns for Snakemake's reasons, with our words. The first pattern that matches counts.
REASONS = {
    r"Missing output files": "not made yet",
    r"Params have changed.*before: '?[0-9a-f]{16}'?,? now: '?[0-9a-f]{16}'?": "its code changed",
    r"Params have changed.*before: (.*) now: <nothing exclusive>": "its settings changed: {0} was removed",
    r"Params have changed.*before: (.*) now: (.*)": "its settings changed: {0} became {1}",
    r"Updated input files: (\S+)": "{0} changed",
    r"Set of input files has changed": "it has other input files",
    r"Code has changed": "its command changed",
    r"Input files updated by another job": FOLLOWS,
}


@dataclass
class Stage:
    """A rule of the plan: its jobs, their reasons, the number on a GPU, and the GPU hours that they reserve."""

    rule: str
    jobs: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    datasets: set[str] = field(default_factory=set)
    gpu_jobs: int = 0
    gpu_hours: float = 0


def plan(target: str, configfiles: Sequence[Path] = ()) -> list[Stage]:
    """Return the stale stages, in the order of a dry run. Raises UserError with Snakemake's message."""
    return stages(dry_run([target], configfiles))


def stale_files(made: Sequence[Path], snakefile: Path, configfiles: Sequence[Path]) -> set[Path]:
    """Return the files that a run would make again if it had to make `made`. Raises UserError as `plan` does."""
    said = dry_run(list(map(str, made)), configfiles, "--rerun-incomplete", "--snakefile", str(snakefile))
    outputs = [lines["output"] for _, lines in jobs_said(said) if "output" in lines]
    return {Path(output) for line in outputs for output in line.split(", ")}


def stages(dry_run: str) -> list[Stage]:
    """Return the stages in the output of a dry run."""
    found: dict[str, Stage] = {}
    for rule, lines in jobs_said(dry_run):
        stage = found.setdefault(rule, Stage(rule))
        stage.jobs += 1
        stage.reasons[reason(lines.get("reason", ""))] += 1
        if named := re.search(r"\bdataset=(\w+)", lines.get("wildcards", "")):
            stage.datasets.add(named[1])
        reserved = dict(re.findall(r"\b(gpu|runtime)=(\d+)", lines.get("resources", "")))
        stage.gpu_jobs += int(reserved.get("gpu", 0)) > 0
        stage.gpu_hours += int(reserved.get("gpu", 0)) * int(reserved.get("runtime", 0)) / 60 * (rule == RESERVING)
    return list(found.values())


def reason(said: str) -> str:
    """Return our words for Snakemake's reason why a job is stale, or Snakemake's own if we have none."""
    for pattern, words in REASONS.items():
        if match := re.search(pattern, said):
            return words.format(*(group.strip() for group in match.groups()))
    return said or "requested"


def table(found: list[Stage]) -> str:
    """Return the plan as text: a table of stages, and the GPU hours."""
    if not found:
        return "Nothing is stale: everything is made already."
    rows = [[stage.rule, stage.jobs, why(stage)] for stage in found]
    lines = [text(frame(["stage", "jobs", "why"], [*rows, ["total", sum(stage.jobs for stage in found), ""]]))]
    if hours := sum(stage.gpu_hours for stage in found):
        lines.append(f"GPU hours: at most {hours:,.0f} ({RESERVING}). Each recipe reserves its `hours` on all its GPUs")
    if others := ", ".join(
        f"{stage.rule} {stage.gpu_jobs}" for stage in found if stage.gpu_jobs and not stage.gpu_hours
    ):
        lines.append(f"other jobs on a GPU, whose time is not known: {others}")
    return "\n".join(lines)


def why(stage: Stage) -> str:
    """Return the reasons of a stage's jobs. If there are several, each has its number of jobs."""
    counts = stage.reasons.items()
    return "; ".join(f"{words} ({count})" if len(counts) > 1 else words for words, count in counts)[:160]


def paying(found: list[Stage]) -> list[str]:
    """Return the data sets for which the plan has a stage with paid requests."""
    return sorted({name for stage in found if stage.rule in TEACHER_OF for name in stage.datasets})
