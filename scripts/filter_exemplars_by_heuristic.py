"""Drop exemplars that documents cannot help with, by a free heuristic on their words.

python -m scripts.filter_exemplars_by_heuristic drawn.jsonl --kept kept.jsonl --dropped dropped.jsonl

Args:
    exemplars: .jsonl of scripts.draw_exemplars
    kept: output, .jsonl
    dropped: output, .jsonl, with reasons
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import log_filtered
from rag_instruct.exemplars.heuristic import filter_by_heuristic
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import Exemplar


def main(exemplars: Path, *, kept: Path, dropped: Path) -> None:
    useful, useless = filter_by_heuristic(read_records(exemplars, Exemplar))
    log_filtered(useful, useless)
    write_records(kept, useful)
    write_records(dropped, useless)


if __name__ == "__main__":
    cli.run(main)
