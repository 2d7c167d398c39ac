"""Give the pairs of a paradigm their noise documents.

    python -m scripts.assemble pairs.jsonl --run questions.parquet --passages passages.arrow \\
        --documents 10 --beyond 200 --seed 1 --rows rows.jsonl --rejects rejects.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.merging import assemble
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.logs import logger
from rag_instruct.retrieval.runs import Run


def main(arguments: argparse.Namespace) -> None:
    run = Run(arguments.run, arguments.passages)
    pairs = list(read_jsonl(arguments.pairs))
    rows, rejected = assemble(
        pairs, run, arguments.documents, arguments.beyond, arguments.seed, arguments.corpus_license
    )
    logger.info("%d rows of %d pairs, %d without enough noise", len(rows), len(pairs), len(rejected))
    write_jsonl(arguments.rows, rows)
    write_jsonl(arguments.rejects, rejected)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--run", type=Path, required=True, help="the questions' search")
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--documents", type=int, required=True, help="of a row, source and noise together")
    parser.add_argument("--beyond", type=int, required=True, help="noise ranks beyond this")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--corpus-license", required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--rejects", type=Path, required=True)
    cli.run(main, parser.parse_args())
