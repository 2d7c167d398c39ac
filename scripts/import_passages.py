"""Check a corpus file and make it a random-access Arrow file.

python -m scripts.import_passages resources/demo/passages.tsv --output passages.arrow --info passages.json

Args:
    source: .tsv, .tsv.gz, .jsonl or .parquet, or a folder of .txt and .md
    columns: JSON: the file's names for id, text and title
    words: cut documents into passages of so many words
"""

import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.importing import import_passages


def main(source: Path, *, columns: str = "{}", words: int = 0, output: Path, info: Path) -> None:
    import_passages(source, json.loads(columns), words, output, info)


if __name__ == "__main__":
    cli.run(main)
