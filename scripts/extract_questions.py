"""List a benchmark's questions. Exemplars and rows that contain one of them are dropped later (decontamination).

python -m scripts.extract_questions downloads/benchmarks/arc/files.json --question question --output arc.jsonl
python -m scripts.extract_questions data.zip --form '{"member": "data/dev.json"}' --question annotation.qa \\
    --output convfinqa.jsonl

Args:
    source: a file, or the files.json of a download
    question: name of the question's field in a record; a dot enters a nested object
    form: JSON object: how the file is written: encoding, quoted, quote, delimiter, header, member,
        under, keyed, as in config.yaml
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import listed_files
from rag_instruct.files import write_jsonl
from rag_instruct.logs import logger
from rag_instruct.overlap import questions_of
from rag_instruct.records import Form


def main(source: Path, *, question: str, form: str = "{}", output: Path) -> None:
    read_as = Form(**cli.json_object(form, "--form", Form._fields))
    questions = questions_of(listed_files(source)[0], question, read_as)
    write_jsonl(output, ({"question": question} for question in questions))
    logger.info("%s: %d questions", output.stem, len(questions))


if __name__ == "__main__":
    cli.run(main)
