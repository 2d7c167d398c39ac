"""Write a data set's card, and its Parquet files by split, as the hub takes them.

    python -m scripts.card rag_instruct_40k.jsonl --name rag_instruct_40k --counts counts.json \\
        --quality-filters quality_filters.json \\
        --ledger ledger.json --made-of '{"teacher": "gpt-4o"}' --validation 0.02 --seed 1 \\
        --card hub/README.md --parquet rag_instruct_40k.parquet
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.card import card, split, write_parquet
from rag_instruct.errors import UserError
from rag_instruct.files import read_json, read_jsonl, whole
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    rows = list(read_jsonl(arguments.dataset))
    if not rows:
        raise UserError(f"{arguments.dataset}: no row in it: see its counts.json for what became of the candidates")
    splits = split(rows, arguments.validation, arguments.seed)
    counts, quality_filters, ledger = (
        read_json(p) for p in (arguments.counts, arguments.quality_filters, arguments.ledger)
    )
    made_of = json.loads(arguments.made_of)
    text = card(arguments.name, rows, splits, counts, quality_filters, ledger, made_of, arguments.language)
    write_parquet(arguments.parquet, rows)
    data = arguments.card.parent / "data"
    for old in data.glob("*.parquet"):
        old.unlink()
    for name, part in splits.items():
        write_parquet(data / f"{name}.parquet", part)
    # The card last: a folder that has one is complete.
    with whole(arguments.card) as temporary:
        temporary.write_text(text, "utf-8")
    logger.info("%s: %s", arguments.card.parent, ", ".join(f"{len(part):,} {name}" for name, part in splits.items()))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--counts", type=Path, required=True)
    parser.add_argument("--quality-filters", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--made-of", required=True, help="JSON of what the card says of its making")
    parser.add_argument("--language", nargs="?", help="of all rows, ISO 639-1; none where it was not checked")
    parser.add_argument("--validation", type=float, required=True, help="share of the rows")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--card", type=Path, required=True, help="README.md of a folder; data/ goes beside it")
    parser.add_argument("--parquet", type=Path, required=True, help="all rows in one file")
    cli.run(main, parser.parse_args())
