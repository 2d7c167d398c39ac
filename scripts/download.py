"""Download one file: resumed after a break, retried, checked by size and sha256.

    python -m scripts.download https://host/psgs_w100.tsv.gz --output downloads/psgs_w100.tsv.gz

RAG_INSTRUCT_DOWNLOADS may hold what the graph knows of it, as JSON:
{"expected": {"https://host/psgs_w100.tsv.gz": {"size": 4694541059, "sha256": "..."}}, "mirrors": {}, "proxy": ""}
"""

import argparse
import json
import os
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import DOWNLOADS, Source, download


def main(arguments: argparse.Namespace) -> None:
    known = json.loads(os.environ.get(DOWNLOADS, "{}"))
    expected = known.get("expected", {}).get(arguments.url, {})
    source = Source(arguments.url, **expected, mirrors=known.get("mirrors", {}), proxy=known.get("proxy"))
    download(source, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("url")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
