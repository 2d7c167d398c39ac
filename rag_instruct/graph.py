"""Pictures of the graph: its stages with their numbers of jobs, and every job."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rag_instruct.errors import UserError

# One colour a rule file, so that the picture reads as the folder listing does.
COLOURS = {
    "corpus": "#cfe3f5",
    "exemplars": "#d5ecd0",
    "retrieval": "#c9ebe8",
    "synthesis": "#fbdcb4",
    "dataset": "#e2d5f0",
    "money": "#f7e3a1",
    "card": "#e8e8e8",
}
STYLE = """
  graph [rankdir=TB, nodesep=0.35, ranksep=0.4, pad=0.3, bgcolor=white, fontname="Helvetica"];
  node [shape=box, style="rounded,filled", penwidth=0, fontname="Helvetica", fontsize=13, margin="0.16,0.09"];
  edge [color="#777777", arrowsize=0.7, penwidth=1.1];
"""
PAID = "synthesise"


@dataclass(frozen=True)
class Jobs:
    """The jobs of a target: rule and label by number, and edges from what is needed to what needs it."""

    rules: dict[int, str]
    labels: dict[int, str]
    edges: list[tuple[int, int]]


def jobs_of(target: str) -> Jobs:
    """Ask Snakemake for the target's jobs, whatever of it is made already."""
    command = [sys.executable, "-m", "snakemake", "--dag", "dot", "--forceall", "--nolock", "--", target]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise UserError(f"the graph of {target} cannot be drawn:\n{ran.stderr.strip()[-800:]}")
    labels = {int(number): label for number, label in re.findall(r'^\s*(\d+)\[label = "([^"]*)"', ran.stdout, re.M)}
    edges = [(int(a), int(b)) for a, b in re.findall(r"^\s*(\d+) -> (\d+)", ran.stdout, re.M)]
    return Jobs({number: label.split("\\n")[0] for number, label in labels.items()}, labels, edges)


def stage_graph(jobs: Jobs, stages: dict[str, str]) -> str:
    """DOT of the stages: jobs of one rule are one box, with their number.

    Search runs twice, for exemplars and for new questions; drawn as one box it would make a circle.
    """
    after = _after_synthesis(jobs)
    name = {job: (rule, job in after and rule != PAID) for job, rule in jobs.rules.items()}
    twice = {rule for rule, late in name.values() if (rule, not late) in name.values()}
    lines = []
    for (rule, late), count in Counter(name.values()).items():
        subject = (" of new questions" if late else " of exemplars") if rule in twice else ""
        jobs_word = f"{count} jobs" if count > 1 else "1 job"
        label = f'<{rule.replace("_", " ")}{subject}<br/><font point-size="10" color="#555555">{jobs_word}</font>>'
        lines.append(f'  "{rule}/{late}" [label={label}, fillcolor="{_colour(rule, stages)}"];')
    edges = dict.fromkeys((name[a], name[b]) for a, b in jobs.edges)
    lines += [f'  "{a[0]}/{a[1]}" -> "{b[0]}/{b[1]}";' for a, b in edges]
    return _dot(lines)


def job_graph(jobs: Jobs, stages: dict[str, str]) -> str:
    """DOT of every job, with the wildcards that tell it from its neighbours."""
    lines = [
        f'  {job} [label="{jobs.labels[job]}", fillcolor="{_colour(rule, stages)}"];'
        for job, rule in jobs.rules.items()
    ]
    return _dot(lines + [f"  {a} -> {b};" for a, b in jobs.edges])


def _after_synthesis(jobs: Jobs) -> set[int]:
    after = {job for job, rule in jobs.rules.items() if rule == PAID}
    grown = True
    while grown:
        more = {b for a, b in jobs.edges if a in after} - after
        after |= more
        grown = bool(more)
    return after


def _colour(rule: str, stages: dict[str, str]) -> str:
    return COLOURS.get(stages.get(rule, ""), "#eeeeee")


def _dot(lines: list[str]) -> str:
    return "digraph {" + STYLE + "\n".join(lines) + "\n}\n"


def stages_of(rules: list[Path]) -> dict[str, str]:
    """The file, without its ending, in which each rule stands."""
    return {name: path.stem for path in rules for name in re.findall(r"^rule (\w+):", path.read_text("utf-8"), re.M)}


def draw(dot: str, output: Path) -> None:
    """Write a picture in the format of `output`'s ending. Needs graphviz.

    Edges that a longer path implies are left out (graphviz's tred): what remains can be read.
    """
    if not shutil.which("dot"):
        raise UserError("graphviz's `dot` is not installed: apt-get install graphviz, or brew install graphviz")
    output.parent.mkdir(parents=True, exist_ok=True)
    reduced = subprocess.run(["tred"], input=dot, text=True, check=True, capture_output=True).stdout
    subprocess.run(["dot", f"-T{output.suffix[1:]}", "-Gdpi=110", "-o", output], input=reduced, text=True, check=True)
