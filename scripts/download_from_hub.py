"""Download files of a data set from the Hugging Face hub.

python -m scripts.download_from_hub tatsu-lab/alpaca --files 'data/*.parquet' --output downloads/alpaca/files.json

Args:
    hub: id of the data set
    revision: branch, tag or commit
    files: names or patterns of the files
    output: output, files.json: list of the files, which are downloaded to its folder
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import download_from_hub


def main(hub: str, *, revision: str = "main", files: list[str], output: Path) -> None:
    download_from_hub(hub, revision, files, output)


if __name__ == "__main__":
    cli.run(main)
