"""Read an instruction set in its original schema, or an own one: the first human turn of each record.

    python -m scripts.load_exemplars alpaca.json --name alpaca --schema alpaca --license CC-BY-NC-4.0 \\
        --output alpaca.parquet --summary alpaca.json
    python -m scripts.load_exemplars mine.jsonl.zst --name mine --fields '{"instruction": "prompt.text"}' \\
        --license MIT --output mine.parquet --summary mine.json
"""

import argparse
import json
from itertools import chain
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import listed_files
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet, load, own_schema


def main(arguments: argparse.Namespace) -> None:
    paths, origins = zip(*map(listed_files, arguments.sources), strict=True)
    several = {"file": ", ".join(map(str, arguments.sources))}
    origin = origins[0] if len(origins) == 1 else several
    schema = SCHEMAS[arguments.schema] if arguments.schema else own_schema(json.loads(arguments.fields))
    described = {"set": arguments.name, "license": arguments.license, **origin}
    load(InstructionSet(chain(*paths), arguments.name, schema), arguments.output, arguments.summary, described)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("sources", type=Path, nargs="+", help="files, or the files.json of a download")
    parser.add_argument("--name", required=True, help="the set's name, which its exemplars' ids begin with")
    schemas = parser.add_mutually_exclusive_group(required=True)
    schemas.add_argument("--schema", choices=sorted(SCHEMAS))
    schemas.add_argument("--fields", help="JSON of an own schema's field names")
    parser.add_argument("--license", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--summary", type=Path, required=True, help="what the set is, and what was left out")
    cli.run(main, parser.parse_args())
