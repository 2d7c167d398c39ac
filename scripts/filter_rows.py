"""Stop the rows that fail a check of the whole data set.

    python -m scripts.filter_rows rows/*.jsonl --pairs pairs/*.jsonl --vectors search/*/queries.npy \\
        --quality-filters '{"language": "en", "near_duplicates": 0.8}' --stopped stopped.jsonl \\
        --counts counts.json

Args:
    rows: one file for each paradigm
    pairs: the same paradigms' pairs
    vectors: the vectors of the pairs' questions
    quality_filters: JSON of the quality filters and their settings
    benchmarks: questions that no row may have in it
"""

import json
from collections.abc import Sequence
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


def main(
    rows: list[Path],
    *,
    pairs: list[Path],
    vectors: list[Path],
    quality_filters: str,
    benchmarks: Sequence[Path] = (),
    stopped: Path,
    counts: Path,
) -> None:
    checks = json.loads(quality_filters)
    if benchmarks:
        checks["overlaps"] = barred(benchmarks)
    failed, numbers = through(material(rows, pairs, vectors), checks)
    for name, count in numbers.items():
        logger.info("%s: %d kept, %d dropped", name.replace("_", " "), count["kept"], count["dropped"])
    write_jsonl(stopped, failed)
    write_json(counts, numbers)


if __name__ == "__main__":
    cli.run(main)
