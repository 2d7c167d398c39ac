"""Take the questions of a benchmark, which no exemplar and no row of a data set may have in it.

python -m scripts.extract_questions downloads/benchmarks/arc/files.json --question question --output arc.jsonl
python -m scripts.extract_questions data.zip --member data/dev.json --question annotation.qa --output convfinqa.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.download import listed_files
from rag_instruct.files import write_jsonl
from rag_instruct.logs import logger
from rag_instruct.overlap import questions_of


def main(arguments: argparse.Namespace) -> None:
    paths = [path / arguments.member for path in listed_files(arguments.source)[0]]
    questions = questions_of(paths, arguments.question, arguments.under)
    write_jsonl(arguments.output, ({"question": question} for question in questions))
    logger.info("%s: %d questions", arguments.output.stem, len(questions))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("source", type=Path, help="a file, or the files.json of a download")
    parser.add_argument("--question", required=True, help="where a record has it: a name, or names joined by dots")
    parser.add_argument("--under", default="", help="the key of a JSON object that holds the records")
    parser.add_argument("--member", default="", help="the file inside a .zip")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
