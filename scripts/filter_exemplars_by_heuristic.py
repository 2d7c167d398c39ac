"""Drop exemplars that documents cannot help with, by their words: free of charge.

python -m scripts.filter_exemplars_by_heuristic drawn.jsonl --kept kept.jsonl --dropped dropped.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import log_filtered
from rag_instruct.exemplars.heuristic import filter_by_heuristic
from rag_instruct.files import read_jsonl, write_jsonl


def main(arguments: argparse.Namespace) -> None:
    kept, dropped = filter_by_heuristic(read_jsonl(arguments.exemplars))
    log_filtered(kept, dropped)
    write_jsonl(arguments.kept, kept)
    write_jsonl(arguments.dropped, dropped)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("exemplars", type=Path)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True)
    cli.run(main, parser.parse_args())
