"""Draw the graph with Graphviz: its stages, jobs or files. Jobs that differ little share one box.

Each SVG also contains its DOT source. A test compares this source, because Graphviz versions draw differently.
"""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import TypeVar

from rag_instruct.errors import UserError
from rag_instruct.graph.dry_run import dry_run, jobs_said
from rag_instruct.paradigms import REFILL

# The colour of each file in rules/.
COLOURS = {
    "corpus": "#cfe3f5",
    "exemplars": "#d5ecd0",
    "retrieval": "#c9ebe8",
    "linked_documents": "#b9dde6",
    "synthesis": "#fbdcb4",
    "dataset": "#e2d5f0",
    "refill": "#f0d9a8",
    "money": "#f7e3a1",
    "card": "#e8e8e8",
    "training": "#f6cfd0",
    "evaluation": "#d6d9f7",
    "generation": "#f3d3ea",
    "scores": "#e3e6b8",
    "report": "#f2dccb",
}
STYLE = """
  graph [rankdir=TB, nodesep=0.3, ranksep=0.35, pad=0.2, bgcolor=white, fontname="Helvetica"];
  node [shape=box, style="rounded,filled", penwidth=0, fontname="Helvetica", fontsize=13, margin="0.16,0.09"];
  edge [color="#777777", arrowsize=0.7, penwidth=1.1];
"""
Key = TypeVar("Key", bound=Hashable)
OTHER, SOURCE = "#eeeeee", "#ffffff"
COMMON = ("dataset", "corpus", "encoder")  # wildcards that never distinguish boxes
# If a stage has more than BOXES boxes, we ignore its wildcards one by one, in this order, until BOXES suffice.
SCATTERED = ("shard", "chunk", "file", "name", "benchmark", "model", "given", "queries")
BOXES = 5  # the most boxes of a stage: one for each paradigm


@dataclass(frozen=True)
class Job:
    """A job: its rule, wildcards, input files and output files."""

    rule: str
    wildcards: dict[str, str]
    inputs: list[str]
    outputs: list[str]

    @property
    def stage(self) -> str:
        """The rule, and the kind of queries that it handles.

        Without the kind, the searches for exemplars, first documents, new questions and the refill would share one
        box. The graph would then have a cycle, because these searches come one after the other.
        """
        if REFILL in (self.wildcards.get("queries"), self.wildcards.get("paradigm")):
            return f"{self.rule} of the refill"
        queries = self.wildcards.get("queries")
        if queries is None:
            return self.rule
        if queries.startswith("evaluation_"):
            return f"{self.rule} of benchmarks"
        kinds = {"exemplars": "exemplars", "first_documents": "first documents"}
        return f"{self.rule} of {kinds.get(queries, 'new questions')}"


def jobs_of(targets: list[str], configfiles: Sequence[Path] = ()) -> list[Job]:
    """Return all jobs that make the targets, also the finished ones."""
    return jobs_in(dry_run(targets, configfiles, "--forceall"))


def jobs_in(dry_run: str) -> list[Job]:
    """Return the jobs in the output of a dry run, sorted."""
    found = []
    for rule, lines in jobs_said(dry_run):
        wildcards = dict(pair.split("=", 1) for pair in lines.get("wildcards", "").split(", ") if pair)
        inputs, outputs = (lines[name].split(", ") if name in lines else [] for name in ("input", "output"))
        found.append(Job(rule, wildcards, inputs, outputs))
    return sorted(found, key=lambda job: (job.outputs, job.rule))


def file_of_rule(rules: Iterable[Path]) -> dict[str, str]:
    """Return a dictionary from each rule's name to the name of its file, without .smk. `rules` are these files."""
    names = re.compile(r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:", re.M)
    return {name: path.stem for path in rules for name in names.findall(path.read_text("utf-8"))}


def stage_graph(jobs: list[Job], file_of: dict[str, str]) -> str:
    """Return DOT source with one box per stage, which shows the number of its jobs."""

    def text(stage: str, alike: list[Job]) -> str:
        return _label([stage.replace("_", " ")], f"{len(alike)} jobs" if len(alike) > 1 else "1 job")

    return _graph(jobs, file_of, lambda job: job.stage, text)


def job_graph(jobs: list[Job], file_of: dict[str, str]) -> str:
    """Return DOT source of the jobs, with the wildcards that distinguish them.

    If a stage has too many jobs, those that differ in a shard, chunk or the like share a box.
    """
    of_stage: dict[str, list[Job]] = {}
    for job in jobs:
        of_stage.setdefault(job.stage, []).append(job)
    names = {stage: _telling(alike) for stage, alike in of_stage.items()}

    def key(job: Job) -> tuple[str, ...]:
        return (job.stage, *(value for name, value in job.wildcards.items() if name in names[job.stage]))

    def text(found: tuple[str, ...], alike: list[Job]) -> str:
        head = found[0].replace("_", " ") + (f" x {len(alike)}" if len(alike) > 1 else "")
        return _label([head], ", ".join(found[1:]))

    return _graph(jobs, file_of, key, text)


def _telling(jobs: list[Job]) -> list[str]:
    """Return the wildcards that distinguish the boxes of a stage."""
    names = [name for name in jobs[0].wildcards if name not in COMMON]
    for name in SCATTERED:
        if len({tuple(job.wildcards[other] for other in names) for job in jobs}) <= BOXES:
            break
        names = [other for other in names if other != name]
    return [name for name in names if len({job.wildcards[name] for job in jobs}) > 1]


def file_graph(jobs: list[Job], file_of: dict[str, str]) -> str:
    """Return DOT source of the files: one box per stage, with a line for each kind of file that it makes.

    Files that no job makes are white.
    """
    made = {path for job in jobs for path in job.outputs}
    sources = [Job("", job.wildcards, [], [path]) for job in jobs for path in job.inputs if path not in made]

    def key(job: Job) -> tuple[str, str]:
        return job.stage if job.rule else "", "" if job.rule else kind_of(job.outputs[0], job.wildcards)

    def text(_: tuple[str, str], alike: list[Job]) -> str:
        files = {path: job for job in alike for path in job.outputs}
        kinds = Counter(kind_of(path, job.wildcards) for path, job in files.items())
        return _label([kind + (f" x {count}" if count > 1 else "") for kind, count in kinds.items()], "")

    return _graph([*{job.outputs[0]: job for job in sources}.values(), *jobs], file_of, key, text)


def kind_of(path: str, wildcards: dict[str, str]) -> str:
    """Return the path with wildcards such as {paradigm} in place of their values."""
    for name, value in sorted(wildcards.items(), key=lambda item: -len(item[1])):
        if value and name not in COMMON:
            path = re.sub(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", f"{{{name}}}", path)
    return path


def _graph(
    jobs: list[Job], file_of: dict[str, str], key: Callable[[Job], Key], text: Callable[[Key, list[Job]], str]
) -> str:
    """Return DOT source: all jobs with the same key are one box. An edge means that a job reads a file of another."""
    alike: dict[Key, list[Job]] = {}
    for job in jobs:
        alike.setdefault(key(job), []).append(job)
    numbers = {found: number for number, found in enumerate(alike)}
    lines = [
        f"  {numbers[found]} [label={text(found, group)}, fillcolor={_colour(group[0], file_of)}];"
        for found, group in alike.items()
    ]
    maker = {path: numbers[key(job)] for job in jobs for path in job.outputs}
    edges = {(maker[path], numbers[key(job)]) for job in jobs for path in job.inputs if path in maker}
    lines += [f"  {a} -> {b};" for a, b in sorted(edges) if a != b]
    return "digraph {" + STYLE + "\n".join(lines) + "\n}\n"


def _label(lines: list[str], below: str) -> str:
    """Return a label in Graphviz's HTML: lines, and below them one in small grey letters."""
    small = f'<br/><font point-size="10" color="#555555">{escape(below)}</font>' if below else ""
    return f"<{'<br/>'.join(map(escape, lines))}{small}>"


def _colour(job: Job, file_of: dict[str, str]) -> str:
    return f'"{COLOURS.get(file_of.get(job.rule, ""), OTHER)}"' if job.rule else f'"{SOURCE}", penwidth=1'


GRAPHS = {"stages": stage_graph, "jobs": job_graph, "files": file_graph}


def draw(dot: str, output: Path) -> None:
    """Draw DOT source into `output`, whose ending names the format. An SVG also contains the source.

    Graphviz's `tred` first removes edges that a longer path implies, which makes the picture readable. Raises UserError
    if graphviz is not installed.
    """
    if not shutil.which("dot"):
        raise UserError("graphviz's `dot` is not installed: apt-get install graphviz, or brew install graphviz")
    output.parent.mkdir(parents=True, exist_ok=True)
    reduced = subprocess.run(["tred"], input=dot, text=True, check=True, capture_output=True).stdout
    form = ["-Tpng", "-Gdpi=110"] if output.suffix == ".png" else [f"-T{output.suffix[1:]}"]
    subprocess.run(["dot", *form, "-o", output], input=reduced, text=True, check=True)
    if output.suffix == ".svg":
        picture = output.read_text("utf-8")
        output.write_text(picture.replace("</svg>", f"<metadata>{escape(dot)}</metadata>\n</svg>"), "utf-8")


def drawn(picture: Path) -> str:
    """Return the DOT source inside an SVG."""
    found = re.search(r"<metadata>(.*)</metadata>", picture.read_text("utf-8"), re.S)
    return unescape(found[1]) if found else ""
