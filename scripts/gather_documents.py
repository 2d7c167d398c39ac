"""List the documents for each question of a benchmark: the question's own, search results, or a file's contexts.

    python -m scripts.gather_documents questions.jsonl --run run.parquet --passages passages.arrow --documents 10 \\
        --output documents.jsonl
    python -m scripts.gather_documents questions.jsonl --contexts retrieved.jsonl --documents 10 \\
        --output documents.jsonl

Args:
    questions: .jsonl of scripts.load_benchmark
    run: search results of scripts.list_queries's queries, .parquet
    passages: corpus of the run, .arrow
    contexts: file of records with `ctxs` or `retrieval_ctxs`, instead of a run
    documents: number of documents for a question without its own
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.contexts import from_file, from_search
from rag_instruct.files import write_jsonl
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question


def main(
    questions: Path,
    *,
    run: Path | None = None,
    passages: Path | None = None,
    contexts: Path | None = None,
    documents: int,
    output: Path,
) -> None:
    asked = list(read_records(questions, Question))
    if contexts:
        rows = from_file(asked, contexts, documents)
    else:
        rows = from_search(asked, Run(run, passages) if run and passages else None, documents)
    write_jsonl(output, rows)


if __name__ == "__main__":
    cli.run(main)
