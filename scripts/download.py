"""Download one file: resumed after a break, retried, checked by size and sha256.

    python -m scripts.download https://host/psgs_w100.tsv.gz --output downloads/psgs_w100.tsv.gz

Args:
    settings: what the graph knows of the file, its mirrors and the proxy; left out, nothing is known
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import Source, download, downloads
from rag_instruct.jobs import job_settings


def main(url: str, *, output: Path, settings: Path | None = None) -> None:
    known = downloads(job_settings(settings)) if settings else {}
    expected = known.pop("expected", {}).get(url, {})
    download(Source(url, **expected, **known), output)


if __name__ == "__main__":
    cli.run(main)
