"""Say what a run would do, why, and what it would cost; nothing is run and nothing bought.

python -m scripts.plan results/rag_instruct_40k.jsonl
"""

import argparse
import subprocess
import sys

from rag_instruct import cli
from rag_instruct.graph.plan import paying, plan, table


def main(arguments: argparse.Namespace) -> None:
    found = plan(arguments.target)
    print(table(found), flush=True)
    for name in paying(found):
        print(f"\nWhat {name} would still buy:", flush=True)
        preview = f"results/{name}/cost_preview.json"
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all", "--", preview], check=False
        )


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("target", help="a file under results/")
    cli.run(main, parser.parse_args())
