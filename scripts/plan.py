"""Say what a run would do, why, and what it would cost; nothing is run and nothing bought.

python -m scripts.plan results/rag_instruct_40k.jsonl
python -m scripts.plan results/mine.jsonl --configfile own.yaml
"""

import argparse
import subprocess
from pathlib import Path

from rag_instruct import cli
from rag_instruct.graph.dry_run import command
from rag_instruct.graph.plan import paying, plan, table


def main(arguments: argparse.Namespace) -> None:
    found = plan(arguments.target, arguments.configfile)
    print(table(found), flush=True)
    for name in paying(found):
        print(f"\nWhat {name} would still buy:", flush=True)
        preview = f"results/{name}/cost_preview.json"
        quiet = ["--cores", "1", "--quiet", "all", "--", preview]
        subprocess.run([*command(arguments.configfile), *quiet], check=False)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("target", help="a file under results/")
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="settings that are added to config.yaml")
    cli.run(main, parser.parse_args())
