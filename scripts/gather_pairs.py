"""Gather the chunks of a paradigm, without repeated questions.

    python -m scripts.gather_pairs chunk_*.jsonl --chunk-rejects chunk_*.rejects.jsonl --slots 8160 \\
        --pairs pairs.jsonl --rejects rejects.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.merging import gather
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    pairs, repeated = gather([list(read_jsonl(path)) for path in arguments.chunks], arguments.slots)
    rejects = [row for path in arguments.chunk_rejects for row in read_jsonl(path)]
    logger.info("%d pairs for %d slots, %d repeated questions left out", len(pairs), arguments.slots, len(repeated))
    write_jsonl(arguments.pairs, pairs)
    write_jsonl(arguments.rejects, [*rejects, *repeated])


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("chunks", type=Path, nargs="+")
    parser.add_argument("--chunk-rejects", type=Path, nargs="+", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--rejects", type=Path, required=True)
    cli.run(main, parser.parse_args())
