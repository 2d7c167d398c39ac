"""Show what a build would run, why, and what it would cost. This buys nothing.

It runs no job but the preview of costs.

python -m scripts.plan results/rag_instruct_40k.jsonl
python -m scripts.plan results/mine.jsonl --configfile own.yaml

Args:
    target: file under results/
    configfile: YAML files with settings that override config.yaml
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.graph.dry_run import command
from rag_instruct.graph.plan import paying, plan, table


def main(target: str, *, configfile: Sequence[Path] = ()) -> None:
    found = plan(target, configfile)
    print(table(found), flush=True)
    for name in paying(found):
        print(f"\nWhat {name} would still buy:", flush=True)
        preview = f"results/{name}/cost_preview.json"
        quiet = ["--cores", "1", "--quiet", "all", "--", preview]
        subprocess.run([*command(configfile), *quiet], check=False)


if __name__ == "__main__":
    cli.run(main)
