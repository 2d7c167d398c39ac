"""Say what a run would do, why, and what it would cost; nothing is run and nothing bought.

python -m scripts.plan results/rag_instruct_40k.jsonl

Args:
    target: a file under results/
"""

import subprocess
import sys

from rag_instruct import cli
from rag_instruct.graph.plan import paying, plan, table


def main(target: str) -> None:
    found = plan(target)
    print(table(found), flush=True)
    for name in paying(found):
        print(f"\nWhat {name} would still buy:", flush=True)
        preview = f"results/{name}/cost_preview.json"
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all", "--", preview], check=False
        )


if __name__ == "__main__":
    cli.run(main)
