"""Draw exemplars from each set, by digest of a seed.

python -m scripts.draw_exemplars alpaca.jsonl lmsys.jsonl --counts 20000 20000 --seed 1 --output drawn.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.cli import logger
from rag_instruct.exemplars import draw
from rag_instruct.files import read_jsonl, write_jsonl


def main(arguments: argparse.Namespace) -> None:
    drawn = []
    for path, count in zip(arguments.sets, arguments.counts, strict=True):
        picked = draw(read_jsonl(path), count, arguments.seed)
        logger.info("%s: %d drawn, %d wanted", path.stem, len(picked), count)
        drawn += picked
    write_jsonl(arguments.output, drawn)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--counts", type=int, nargs="+", required=True, help="one for each set")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
