"""List the search queries of a benchmark: its questions without own documents, with their options.

python -m scripts.list_queries questions.jsonl --output queries.jsonl

Args:
    questions: .jsonl of scripts.load_benchmark
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.contexts import queries
from rag_instruct.files import write_jsonl
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question


def main(questions: Path, *, output: Path) -> None:
    write_jsonl(output, queries(read_records(questions, Question)))


if __name__ == "__main__":
    cli.run(main)
