"""Add noise documents to a paradigm's pairs, which makes rows.

    python -m scripts.assemble pairs.jsonl --run questions.parquet --passages passages.arrow \\
        --documents 10 --beyond 200 --seed 1 --corpus-license CC-BY-SA-3.0 --rows rows.jsonl --rejects rejects.jsonl

Args:
    pairs: .jsonl of scripts.gather_pairs
    run: search results of the pairs' questions, .parquet
    passages: corpus, .arrow
    documents: documents in each row, source and noise together
    beyond: noise documents have ranks greater than this
    choose: window, hard, random or mixed: where noise documents come from
    seed: draws the noise documents and shuffles all documents
    corpus_license: licence of the passages, written into each row
    rows: output, .jsonl
    rejects: output, .jsonl: pairs without enough noise documents
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.assembling import assemble
from rag_instruct.dataset.noise import CHOICES
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
    choose: str = "window",
    seed: str,
    corpus_license: str,
    rows: Path,
    rejects: Path,
) -> None:
    cli.one_of(choose, CHOICES, "--choose")
    made = list(read_records(pairs, Pair))
    found, rejected = assemble(made, Run(run, passages), documents, beyond, seed, corpus_license, choose)
    logger.info("%d rows of %d pairs, %d without enough noise", len(found), len(made), len(rejected))
    write_records(rows, found)
    write_records(rejects, rejected)


if __name__ == "__main__":
    cli.run(main)
