"""Check a corpus and convert it to an Arrow file with random access.

python -m scripts.import_passages resources/demo/passages.tsv --output passages.arrow --info passages.json

Args:
    source: .tsv, .tsv.gz, .jsonl, .parquet, or a folder of .txt and .md
    columns: JSON object that maps id, text and title to the file's column names; default: the same names
    words: cut whole documents into passages of this many words; 0: the file contains passages
    output: output, .arrow
    info: output, .json: number and sha256 of the passages
"""

import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.importing import import_passages


def main(source: Path, *, columns: str = "{}", words: int = 0, output: Path, info: Path) -> None:
    import_passages(source, json.loads(columns), words, output, info)


if __name__ == "__main__":
    cli.run(main)
