"""Read an instruction set in its original schema or your own. The first human turn of each record is the exemplar.

    python -m scripts.load_exemplars alpaca.json --name alpaca --schema alpaca --license CC-BY-NC-4.0 \\
        --output alpaca.parquet --summary alpaca.json
    python -m scripts.load_exemplars mine.jsonl.zst --name mine --fields '{"instruction": "prompt.text"}' \\
        --license MIT --output mine.parquet --summary mine.json

Args:
    sources: files, or the files.json of a download
    name: name of the set; the exemplars' ids begin with it
    schema: name of a known schema; give either this or --fields
    fields: JSON object: the field names of your own schema
    form: JSON object: how the files are written: encoding, quoted, quote, delimiter, header, member,
        under, keyed, as in config.yaml
    license: licence of the set, written into each row
    output: output, .parquet
    summary: output, .json: origin, licence, and numbers of read and dropped records
"""

from itertools import chain
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import listed_files
from rag_instruct.errors import ArgumentError
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet, Schema, load, own_schema
from rag_instruct.records import Form

FIELDS = ("instruction", "input", "conversation", "role", "text", "human")


def main(
    sources: list[Path],
    *,
    name: str,
    schema: str | None = None,
    fields: str | None = None,
    form: str = "{}",
    license: str,
    output: Path,
    summary: Path,
) -> None:
    if (schema is None) == (fields is None):
        raise ArgumentError("give --schema for a known set, or --fields for your own field names, but not both")
    paths, origins = zip(*map(listed_files, sources), strict=True)
    origin = origins[0] if len(origins) == 1 else {"file": ", ".join(map(str, sources))}
    known = SCHEMAS[cli.one_of(schema, SCHEMAS, "--schema")] if schema else _own_schema(fields or "{}")
    read_as = Form(**cli.json_object(form, "--form", Form._fields))
    described = {"set": name, "license": license, **origin}
    load(InstructionSet(chain(*paths), name, known, read_as), output, summary, described)


def _own_schema(fields: str) -> Schema:
    given = cli.json_object(fields, "--fields", FIELDS)
    if not {"instruction", "conversation"} & given.keys():
        raise ArgumentError("--fields: give the key `instruction` or `conversation`, or give --schema")
    return own_schema(given)


if __name__ == "__main__":
    cli.run(main)
