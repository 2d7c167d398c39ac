"""Convert a benchmark's files to questions with answers.

python -m scripts.load_benchmark downloads/benchmarks/popqa/files.json --schema popqa --output questions.jsonl
python -m scripts.load_benchmark my_quiz.jsonl --schema own --where '{"kind": "open"}' --output questions.jsonl

Args:
    source: a file, or the files.json of a download
    schema: file of rag_instruct/benchmarks/ that reads the records, without .py
    form: JSON object: how the file is written: encoding, quoted, quote, delimiter, header, member,
        under, keyed, as in config.yaml
    ids: file that names the questions of the test
    fields: JSON object, for your own file: its names of our fields, each a name or a list of names
    where: JSON object, for your own file: only records with these field values are questions
    output: output, .jsonl
"""

from collections.abc import Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks.settings import loaded
from rag_instruct.download import listed_files
from rag_instruct.logs import logger
from rag_instruct.record_files import write_records
from rag_instruct.records import Form


def main(
    source: Path,
    *,
    schema: str,
    form: str = "{}",
    ids: Sequence[Path] = (),
    fields: str = "{}",
    where: str = "{}",
    output: Path,
) -> None:
    paths = [*listed_files(source)[0], *ids]
    read_as = Form(**cli.json_object(form, "--form", Form._fields))
    given, named = cli.json_object(where, "--where"), cli.json_object(fields, "--fields")
    questions = loaded(schema, paths, given, read_as, named)
    logger.info("%s: %d questions", schema, write_records(output, questions))


if __name__ == "__main__":
    cli.run(main)
