"""Draw the graph of targets: its stages, its jobs, its files, as the pictures' names end.

python -m scripts.draw_graph results/rag_instruct_40k.jsonl --output 40k_stages.svg 40k_jobs.svg 40k_files.png
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.graph.drawing import GRAPHS, draw, jobs_of, stages_of
from rag_instruct.graph.dry_run import ROOT


def main(arguments: argparse.Namespace) -> None:
    kinds = [output.stem.rsplit("_", 1)[-1] for output in arguments.output]
    if wrong := [str(output) for output, kind in zip(arguments.output, kinds, strict=True) if kind not in GRAPHS]:
        raise UserError(f"{wrong[0]}: a picture's name ends in _{', _'.join(GRAPHS)}")
    jobs, stages = jobs_of(arguments.targets, arguments.configfile), stages_of(sorted(ROOT.glob("rules/*.smk")))
    for output, kind in zip(arguments.output, kinds, strict=True):
        draw(GRAPHS[kind](jobs, stages), output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("targets", nargs="+", help="files under results/")
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="settings that are added to config.yaml")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help=".svg or .png")
    cli.run(main, parser.parse_args())
