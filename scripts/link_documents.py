"""Find the passages that are linked to first documents, among the passages that are nearest to them.

    python -m scripts.link_documents first.jsonl --run first_documents.parquet --passages passages.arrow \\
        --source-words 20 --output linked.jsonl

Args:
    documents: .jsonl of scripts.choose_first_documents
    run: search results of the first documents, .parquet
    passages: corpus, .arrow
    source_words: least words of a source document
    output: output, .jsonl
"""

from collections.abc import Iterator
from pathlib import Path

from rag_instruct import cli
from rag_instruct.logs import logger, progress
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.linked_documents import linked_documents
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import FirstDocument, LinkedDocuments


def main(documents: Path, *, run: Path, passages: Path, source_words: int, output: Path) -> None:
    found = list(read_records(documents, FirstDocument))
    asked = progress(found, "linking", len(found))
    alone = 0

    def counted() -> Iterator[LinkedDocuments]:
        nonlocal alone
        for one in linked_documents(asked, Run(run, passages), source_words):
            alone += not one.linked
            yield one

    write_records(output, counted())
    logger.info("%s of %s first documents have linked passages", f"{len(found) - alone:,}", f"{len(found):,}")


if __name__ == "__main__":
    cli.run(main)
