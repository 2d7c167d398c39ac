"""Measure a benchmark's retrieval: the recall of gold passages, and how often the documents contain an answer.

python -m scripts.measure_retrieval questions.jsonl --documents documents.jsonl --output retrieval.json

Args:
    questions: .jsonl of scripts.load_benchmark
    documents: .jsonl of scripts.gather_documents
    output: output, .json
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.retrieval_quality import quality
from rag_instruct.files import read_jsonl, write_json
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question


def main(questions: Path, *, documents: Path, output: Path) -> None:
    write_json(output, quality(list(read_records(questions, Question)), read_jsonl(documents)))


if __name__ == "__main__":
    cli.run(main)
