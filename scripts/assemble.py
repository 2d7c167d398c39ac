"""Give the pairs of a paradigm their noise documents.

    python -m scripts.assemble pairs.jsonl --run questions.parquet --passages passages.arrow \\
        --documents 10 --beyond 200 --seed 1 --rows rows.jsonl --rejects rejects.jsonl

Args:
    run: the questions' search
    documents: of a row, source and noise together
    beyond: noise ranks beyond this
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.assembling import assemble
from rag_instruct.logs import logger
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Pair


def main(
    pairs: Path,
    *,
    run: Path,
    passages: Path,
    documents: int,
    beyond: int,
    seed: str,
    corpus_license: str,
    rows: Path,
    rejects: Path,
) -> None:
    made = list(read_records(pairs, Pair))
    found, rejected = assemble(made, Run(run, passages), documents, beyond, seed, corpus_license)
    logger.info("%d rows of %d pairs, %d without enough noise", len(found), len(made), len(rejected))
    write_records(rows, found)
    write_records(rejects, rejected)


if __name__ == "__main__":
    cli.run(main)
