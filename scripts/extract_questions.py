"""List a benchmark's questions. Exemplars and rows that contain one of them are dropped later (decontamination).

python -m scripts.extract_questions downloads/benchmarks/arc/files.json --question question --output arc.jsonl
python -m scripts.extract_questions data.zip --member data/dev.json --question annotation.qa --output convfinqa.jsonl

Args:
    source: a file, or the files.json of a download
    question: name of the question's field in a record; a dot enters a nested object
    under: key of the list of records, if the file is a JSON object
    member: name of the file inside a .zip
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import listed_files
from rag_instruct.files import write_jsonl
from rag_instruct.logs import logger
from rag_instruct.overlap import questions_of


def main(source: Path, *, question: str, under: str = "", member: str = "", output: Path) -> None:
    paths = [path / member for path in listed_files(source)[0]]
    questions = questions_of(paths, question, under)
    write_jsonl(output, ({"question": question} for question in questions))
    logger.info("%s: %d questions", output.stem, len(questions))


if __name__ == "__main__":
    cli.run(main)
