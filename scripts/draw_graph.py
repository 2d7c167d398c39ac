"""Draw the graph of targets: its stages, its jobs, its files, as the pictures' names end.

python -m scripts.draw_graph results/rag_instruct_40k.jsonl --output 40k_stages.svg 40k_jobs.svg 40k_files.png

Args:
    targets: files under results/
    configfile: settings that are added to config.yaml
    output: .svg or .png
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
        raise UserError(f"{wrong[0]}: a picture's name ends in _{', _'.join(GRAPHS)}")
    jobs, file_of = jobs_of(targets, configfile), file_of_rule(sorted(ROOT.glob("rules/*.smk")))
    for picture, kind in zip(output, kinds, strict=True):
        draw(GRAPHS[kind](jobs, file_of), picture)


if __name__ == "__main__":
    cli.run(main)
