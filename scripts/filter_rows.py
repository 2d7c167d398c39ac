"""Stop the rows that fail a check of the whole data set.

    python -m scripts.filter_rows rows/*.jsonl --pairs pairs/*.jsonl --vectors search/*/queries.npy \\
        --quality-filters '{"language": "en", "near_duplicates": 0.8}' --stopped stopped.jsonl \\
        --counts counts.json
"""

import argparse
import json
from pathlib import Path

import numpy as np

from rag_instruct import cli
from rag_instruct.dataset.quality_filters import Material, through
from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, write_json, write_jsonl
from rag_instruct.logs import logger
from rag_instruct.overlap import barred
from rag_instruct.schema import Row


def material(rows: list[Path], pairs: list[Path], vectors: list[Path]) -> Material:
    """All paradigms' rows, each with its question's vector, which was made for its pair."""
    all_rows: list[Row] = []
    parts: list[np.ndarray] = []
    for row_file, pair_file, vector_file in zip(rows, pairs, vectors, strict=True):
        place = {pair["id"]: number for number, pair in enumerate(read_jsonl(pair_file))}
        found, made = list(read_jsonl(row_file)), np.load(vector_file, mmap_mode="r")
        if len(made) != len(place):
            raise UserError(f"{vector_file} has {len(made)} vectors for {len(place)} pairs: delete it to make it anew")
        all_rows += found
        parts.append(np.asarray(made[[place[row["id"]] for row in found]], np.float32))
    return Material(all_rows, np.concatenate(parts))


def main(arguments: argparse.Namespace) -> None:
    given = material(arguments.rows, arguments.pairs, arguments.vectors)
    settings = json.loads(arguments.quality_filters)
    if arguments.benchmarks:
        settings["overlaps"] = barred(arguments.benchmarks)
    stopped, counts = through(given, settings)
    for name, count in counts.items():
        logger.info("%s: %d kept, %d dropped", name.replace("_", " "), count["kept"], count["dropped"])
    write_jsonl(arguments.stopped, stopped)
    write_json(arguments.counts, counts)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("rows", type=Path, nargs="+", help="one file for each paradigm")
    parser.add_argument("--pairs", type=Path, nargs="+", required=True, help="the same paradigms' pairs")
    parser.add_argument("--vectors", type=Path, nargs="+", required=True, help="the vectors of the pairs' questions")
    parser.add_argument("--quality-filters", required=True, help="JSON of the quality filters and their settings")
    parser.add_argument("--benchmarks", type=Path, nargs="*", default=[], help="questions that no row may have in it")
    parser.add_argument("--stopped", type=Path, required=True)
    parser.add_argument("--counts", type=Path, required=True)
    cli.run(main, parser.parse_args())
