"""Give every question of a benchmark its documents: its own, the best of a search, or those of a file.

    python -m scripts.gather_documents questions.jsonl --run run.parquet --passages passages.arrow --documents 10 \\
        --output documents.jsonl
    python -m scripts.gather_documents questions.jsonl --contexts retrieved.jsonl --documents 10 \\
        --output documents.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.contexts import from_file, from_search
from rag_instruct.files import write_jsonl
from rag_instruct.retrieval.runs import Run


def main(arguments: argparse.Namespace) -> None:
    questions = list(read_questions(arguments.questions))
    if arguments.contexts:
        rows = from_file(questions, arguments.contexts, arguments.documents)
    else:
        run = Run(arguments.run, arguments.passages) if arguments.run else None
        rows = from_search(questions, run, arguments.documents)
    write_jsonl(arguments.output, rows)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--run", type=Path, nargs="?", help="of the queries that scripts.list_queries lists")
    parser.add_argument("--passages", type=Path, nargs="?")
    parser.add_argument("--contexts", type=Path, nargs="?", help="records with `ctxs` or `retrieval_ctxs`")
    parser.add_argument("--documents", type=int, required=True, help="of a question that has none of its own")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
