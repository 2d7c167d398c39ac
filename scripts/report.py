"""Make the page about a data set: its numbers, and its rows to search and read.

    python -m scripts.report results/rag_instruct_demo.jsonl --pairs pairs/*.jsonl --vectors search/*/queries.npy \\
        --counts counts.json --quality-filters quality_filters/counts.json --ledger ledger.json \\
        --lengths lengths.json \\
        --logs results/logs --names '{"mine": ["rag_instruct_demo"], "others": []}' --made-of '{}' \\
        --template resources/report/page.html --output report.html
"""

import argparse
import json
from pathlib import Path

import numpy as np

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.files import read_json, read_jsonl, whole
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.logs import logger
from rag_instruct.report.page import Material, page
from rag_instruct.report.rows import replies_of
from rag_instruct.report.stage_times import stage_times


def vectors_of(ids: list[str], pairs: list[Path], vectors: list[Path]) -> np.ndarray:
    """The vectors (n, d) of the rows' questions; each file of vectors is of the pairs of one file."""
    found: dict[str, np.ndarray] = {}
    for questions, path in zip(pairs, vectors, strict=True):
        found |= zip((pair["id"] for pair in read_jsonl(questions)), np.load(path), strict=True)
    return np.stack([found[name] for name in ids])


def main(arguments: argparse.Namespace) -> None:
    rows = list(read_jsonl(arguments.dataset))
    if not rows:
        raise UserError(f"{arguments.dataset}: no row in it: see its counts.json for what became of the candidates")
    names = json.loads(arguments.names)
    material = Material(
        dataset=arguments.dataset,
        rows=rows,
        vectors=vectors_of([row["id"] for row in rows], arguments.pairs, arguments.vectors),
        counts=read_json(arguments.counts),
        quality_filters=read_json(arguments.quality_filters),
        ledger=read_json(arguments.ledger),
        lengths=read_json(arguments.lengths),
        times=stage_times(arguments.logs, names["mine"], names["others"]),
        made_of=json.loads(arguments.made_of),
        replies=replies_of(AnswerStore(Path(job_settings()["answers"]))),
    )
    text = page(material, arguments.template)
    with whole(arguments.output) as temporary:
        temporary.write_text(text, "utf-8")
    logger.info("%s: %.1f MB", arguments.output, len(text.encode()) / 1e6)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--pairs", type=Path, nargs="+", required=True, help="one file for each paradigm")
    parser.add_argument("--vectors", type=Path, nargs="+", required=True, help="of their questions, in the same order")
    parser.add_argument("--counts", type=Path, required=True)
    parser.add_argument("--quality-filters", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--lengths", type=Path, required=True)
    parser.add_argument("--logs", type=Path, required=True, help="folder whose logs say how long jobs took")
    parser.add_argument("--names", required=True, help='JSON: what logs of it are named by ("mine"), and "others"')
    parser.add_argument("--made-of", required=True, help="JSON of what the page says of its making")
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
