"""Drop exemplars that documents cannot help with, by their words: free of charge.

python -m scripts.filter_exemplars_by_heuristic drawn.jsonl --kept kept.jsonl --dropped dropped.jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import log_filtered
from rag_instruct.exemplars.heuristic import filter_by_heuristic
from rag_instruct.files import read_jsonl, write_jsonl


def main(exemplars: Path, *, kept: Path, dropped: Path) -> None:
    useful, useless = filter_by_heuristic(read_jsonl(exemplars))
    log_filtered(useful, useless)
    write_jsonl(kept, useful)
    write_jsonl(dropped, useless)


if __name__ == "__main__":
    cli.run(main)
