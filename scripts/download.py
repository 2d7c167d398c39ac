"""Download one file: resumed after a break, retried, checked by size and sha256.

    python -m scripts.download https://host/psgs_w100.tsv.gz --output downloads/psgs_w100.tsv.gz \\
        --expected '{"https://host/psgs_w100.tsv.gz": {"size": 4694541059}}'
"""

import argparse
import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import Source, download


def main(arguments: argparse.Namespace) -> None:
    expected = json.loads(arguments.expected).get(arguments.url, {})
    source = Source(arguments.url, **expected, mirrors=json.loads(arguments.mirrors), proxy=arguments.proxy)
    download(source, arguments.output)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("url")
    parser.add_argument("--expected", default="{}", help="JSON: size and sha256 by address")
    parser.add_argument("--mirrors", default="{}", help="JSON: other beginnings of addresses, by the published ones")
    parser.add_argument("--proxy")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
