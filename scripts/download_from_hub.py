"""Download files of a data set from the Hugging Face hub.

python -m scripts.download_from_hub tatsu-lab/alpaca --files 'data/*.parquet' --output downloads/alpaca/files.json

Args:
    hub: the data set's id
    files: names or patterns
    output: list of the files, which lie beside it
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import download_from_hub


def main(hub: str, *, revision: str = "main", files: list[str], output: Path) -> None:
    download_from_hub(hub, revision, files, output)


if __name__ == "__main__":
    cli.run(main)
