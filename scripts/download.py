"""Download one file. It resumes after interruptions, retries, and checks size and sha256.

    python -m scripts.download https://host/psgs_w100.tsv.gz --output downloads/psgs_w100.tsv.gz

Args:
    url: address of the file
    output: output file
    settings: the graph's settings as resolved JSON, with mirrors, proxy, size and sha256; default: none
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
