"""Draw the workflow graph of targets as pictures of its stages, jobs or files.

python -m scripts.draw_graph results/rag_instruct_40k.jsonl --output 40k_stages.svg 40k_jobs.svg 40k_files.png

Args:
    targets: files under results/
    configfile: YAML files with settings that override config.yaml
    output: .svg or .png; a name ends in _stages, _jobs or _files, which selects the graph
"""

from collections.abc import Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.graph.drawing import GRAPHS, draw, file_of_rule, jobs_of
from rag_instruct.graph.dry_run import ROOT


def main(targets: list[str], *, configfile: Sequence[Path] = (), output: list[Path]) -> None:
    kinds = [picture.stem.rsplit("_", 1)[-1] for picture in output]
    if wrong := [str(picture) for picture, kind in zip(output, kinds, strict=True) if kind not in GRAPHS]:
        raise UserError(f"--output: {wrong[0]}: the name must end in one of _{', _'.join(GRAPHS)}")
    if wrong := [str(picture) for picture in output if picture.suffix not in (".svg", ".png")]:
        raise UserError(f"--output: {wrong[0]}: the name must end in .svg or .png")
    jobs, file_of = jobs_of(targets, configfile), file_of_rule(sorted(ROOT.glob("rules/*.smk")))
    for picture, kind in zip(output, kinds, strict=True):
        draw(GRAPHS[kind](jobs, file_of), picture)


if __name__ == "__main__":
    cli.run(main)
