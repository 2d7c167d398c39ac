"""Write a data set's card, and its Parquet files by split, in the layout of the Hugging Face hub.

    python -m scripts.card rag_instruct_40k.jsonl --name rag_instruct_40k --counts counts.json \\
        --quality-filters quality_filters.json --ledger ledger.json --made-of '{"teacher": "gpt-4o"}' \\
        --validation 0.02 --seed 1 \\
        --card hub/README.md --parquet rag_instruct_40k.parquet

Args:
    dataset: .jsonl
    name: name of the data set
    counts: .json of scripts.merge_dataset
    quality_filters: .json of scripts.filter_rows
    ledger: summary, .json, of scripts.ledger
    made_of: JSON: what the card says about the data set's making
    language: language of all rows (ISO 639-1); default: not checked
    validation: share of the rows in the validation split, from 0 to below 1
    seed: draws the validation split
    card: output, README.md; the splits are written to data/ in its folder
    parquet: output: all rows in one file
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.card import card as text_of
from rag_instruct.dataset.card import split, write_parquet
from rag_instruct.files import read_json, write_text
from rag_instruct.logs import logger
from rag_instruct.record_files import read_data_set


def main(
    dataset: Path,
    *,
    name: str,
    counts: Path,
    quality_filters: Path,
    ledger: Path,
    made_of: str,
    language: str | None = None,
    validation: float,
    seed: str,
    card: Path,
    parquet: Path,
) -> None:
    rows = read_data_set(dataset)
    splits = split(rows, validation, seed)
    numbers, checks, bill = (read_json(path) for path in (counts, quality_filters, ledger))
    text = text_of(name, rows, splits, numbers, checks, bill, cli.json_object(made_of, "--made-of"), language)
    write_parquet(parquet, rows)
    card.unlink(missing_ok=True)  # it is written last, so that a folder with a card is complete
    data = card.parent / "data"
    for old in data.glob("*.parquet"):
        old.unlink()
    for part_name, part in splits.items():
        write_parquet(data / f"{part_name}.parquet", part)
    write_text(card, text)
    logger.info("%s: %s", card.parent, ", ".join(f"{len(part):,} {part_name}" for part_name, part in splits.items()))


if __name__ == "__main__":
    cli.run(main)
