"""Merge the paradigms' rows into the data set, and account for all that was left out.

    python -m scripts.merge_dataset rows/*.jsonl --paradigms single_doc_answer=8000 multi_doc_answer=8000 --seed 1 \\
        --dataset rag_instruct_40k.jsonl --rejects rejects.jsonl --counts counts.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.merging import merge, rejects_by_reason
from rag_instruct.dataset.verdicts import applied, matrix
from rag_instruct.files import read_json, read_jsonl, write_json, write_jsonl
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    wanted = {name: int(count) for name, count in (pair.split("=") for pair in arguments.paradigms)}
    paradigms = {name: list(read_jsonl(path)) for name, path in zip(wanted, arguments.rows, strict=True)}
    verdicts = [verdict for path in arguments.verdicts for verdict in read_jsonl(path)]
    paradigms, stopped = applied(paradigms, verdicts, arguments.failing)
    if arguments.stopped:
        stopped |= {row["id"]: row for row in read_jsonl(arguments.stopped)}
    rows, left, counts = merge(paradigms, wanted, arguments.seed, stopped)
    rejects = [*(row for path in arguments.earlier_rejects for row in read_jsonl(path)), *left]
    write_jsonl(arguments.dataset, rows)
    write_jsonl(arguments.rejects, rejects)
    summary = {
        "rows": len(rows),
        "paradigms": counts,
        "rejects": rejects_by_reason(rejects),
        "verification": matrix(verdicts),
    }
    summary["exemplars"] = read_json(arguments.exemplars) if arguments.exemplars else {}
    write_json(arguments.counts, summary)
    logger.info(
        "%s: %d rows of %d wanted, %d rejects", arguments.dataset, len(rows), sum(wanted.values()), len(rejects)
    )


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("rows", type=Path, nargs="+", help="one file for each paradigm")
    parser.add_argument("--paradigms", nargs="+", required=True, help="name=rows, in the order of the files")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--stopped", type=Path, help="rows that a quality filter stopped")
    parser.add_argument("--verdicts", type=Path, nargs="*", default=[], help="of the verification")
    parser.add_argument("--failing", choices=("keep", "drop", "relabel"), default="drop", help="rows that fail it")
    parser.add_argument("--earlier-rejects", type=Path, nargs="*", default=[])
    parser.add_argument("--exemplars", type=Path, help="what became of the exemplars")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--rejects", type=Path, required=True)
    parser.add_argument("--counts", type=Path, required=True)
    cli.run(main, parser.parse_args())
