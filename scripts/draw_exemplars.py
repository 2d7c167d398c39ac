"""Draw clean exemplars from each set, by digest of a seed.

    python -m scripts.draw_exemplars alpaca.parquet lmsys.parquet --summaries alpaca.json lmsys.json \\
        --counts 20000 20000 --seed 1 \\
        --cleaning '{"language": "en", "characters": [12, 1500], "near_duplicates": 0.8}' \\
        --output drawn.jsonl --dropped unclean.jsonl --drawn-counts drawn.json
"""

import argparse
import json
import sys
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.drawing import Cleaning, draw
from rag_instruct.files import read_json, write_json, write_jsonl
from rag_instruct.logs import logger
from rag_instruct.overlap import barred


def main(arguments: argparse.Namespace) -> None:
    summaries = [read_json(path) for path in arguments.summaries]
    sets = {
        summary["set"]: (table, summary["license"], count)
        for table, summary, count in zip(arguments.sets, summaries, arguments.counts, strict=True)
    }
    given = json.loads(arguments.cleaning)
    bounds = given["characters"] or (0, sys.maxsize)
    cleaning = Cleaning(bounds, given["language"], given["near_duplicates"], barred(arguments.benchmarks))
    drawn = draw(sets, arguments.seed, cleaning)
    for name, counts in drawn.counts.items():
        logger.info(
            "%s: %d drawn of %d; dropped on the way: %s", name, counts["drawn"], counts["wanted"], counts["dropped"]
        )
    write_jsonl(arguments.output, drawn.exemplars)
    write_jsonl(arguments.dropped, drawn.dropped)
    write_json(arguments.drawn_counts, drawn.counts)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("sets", type=Path, nargs="+", help="tables of load_exemplars")
    parser.add_argument("--summaries", type=Path, nargs="+", required=True, help="the same sets' summaries")
    parser.add_argument("--counts", type=int, nargs="+", required=True, help="one for each set")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--cleaning", required=True, help="JSON of `cleaning` in config.yaml")
    parser.add_argument(
        "--benchmarks", type=Path, nargs="*", default=[], help="questions that no exemplar may have in it"
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True, help="what cleaning dropped, and why")
    parser.add_argument("--drawn-counts", type=Path, required=True)
    cli.run(main, parser.parse_args())
