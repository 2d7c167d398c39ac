"""Draw clean exemplars from each instruction set, in a random order that the seed determines.

    python -m scripts.draw_exemplars alpaca.parquet lmsys.parquet --summaries alpaca.json lmsys.json \\
        --counts 20000 20000 --seed 1 \\
        --cleaning '{"language": "en", "characters": [12, 1500], "near_duplicates": 0.8, "worked_examples": true}' \\
        --output drawn.jsonl --dropped unclean.jsonl --drawn-counts drawn.json

Args:
    sets: .parquet files of scripts.load_exemplars
    summaries: .json files of the same sets, in the same order
    counts: number of exemplars from each set, in the same order
    seed: determines the order of drawing
    cleaning: JSON of `cleaning` in config.yaml
    benchmarks: questions that no exemplar may contain, .jsonl of scripts.extract_questions
    output: output, .jsonl: exemplars
    dropped: output, .jsonl: exemplars that cleaning dropped, with reasons
    drawn_counts: output, .json: counts by set and reason
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.drawing import Cleaning, draw
from rag_instruct.files import read_json, write_json
from rag_instruct.logs import logger
from rag_instruct.overlap import contamination_index
from rag_instruct.record_files import write_records

CLEANING = ("characters", "language", "near_duplicates", "worked_examples")


def main(
    sets: list[Path],
    *,
    summaries: list[Path],
    counts: list[int],
    seed: str,
    cleaning: str,
    benchmarks: Sequence[Path] = (),
    output: Path,
    dropped: Path,
    drawn_counts: Path,
) -> None:
    described = [read_json(path) for path in summaries]
    drawn_from = {
        summary["set"]: (table, summary["license"], count)
        for table, summary, count in zip(sets, described, counts, strict=True)
    }
    given = cli.json_object(cleaning, "--cleaning", needed=CLEANING)
    bounds = given["characters"] or (0, sys.maxsize)
    checks = Cleaning(
        bounds,
        given["language"],
        given["near_duplicates"],
        contamination_index(benchmarks),
        given["worked_examples"],
    )
    drawn = draw(drawn_from, seed, checks)
    for name, numbers in drawn.counts.items():
        logger.info(
            "%s: %d of %d exemplars drawn; dropped: %s", name, numbers["drawn"], numbers["wanted"], numbers["dropped"]
        )
    write_records(output, drawn.exemplars)
    write_records(dropped, drawn.dropped)
    write_json(drawn_counts, drawn.counts)


if __name__ == "__main__":
    cli.run(main)
