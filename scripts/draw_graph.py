"""Draw the graph of a target: its stages, or every job.

python -m scripts.draw_graph results/rag_instruct_40k.jsonl --of stages --output stages.svg stages.png
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.graph import draw, job_graph, jobs_of, stage_graph, stages_of


def main(arguments: argparse.Namespace) -> None:
    jobs, stages = jobs_of(arguments.target), stages_of(sorted(Path("rules").glob("*.smk")))
    dot = (stage_graph if arguments.of == "stages" else job_graph)(jobs, stages)
    for output in arguments.output:
        draw(dot, output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("target")
    parser.add_argument("--of", choices=("stages", "jobs"), required=True)
    parser.add_argument("--output", type=Path, nargs="+", required=True, help=".svg or .png")
    cli.run(main, parser.parse_args())
