"""Choose first source documents for each exemplar that multi-document paradigms may try.

    python -m scripts.choose_first_documents kept.jsonl --run exemplars.parquet --passages passages.arrow \\
        --quotas multi_doc_answer/alpaca=1600 multi_doc_answer/lmsys=1600 --oversample 0.02 --tries 4 --seed 1 \\
        --source-words 20 --count 3 --output first.jsonl

Args:
    exemplars: .jsonl that the exemplar filter kept
    run: search results of the exemplars, .parquet
    passages: corpus, .arrow
    quotas: paradigm/set=rows for each multi-document paradigm and exemplar set; the set * means any set
    oversample: extra rows, as a share of the rows
    tries: candidates to try for one row
    seed: draws exemplars
    source_words: least words of a source document; a first document needs twice as many
    count: the largest number of first documents of an exemplar
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.logs import logger
from rag_instruct.paradigms import PARADIGMS, tried
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.linked_documents import first_documents
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar


def main(
    exemplars: Path,
    *,
    run: Path,
    passages: Path,
    quotas: list[str],
    oversample: float,
    tries: int,
    seed: str,
    source_words: int,
    count: int,
    output: Path,
) -> None:
    rows: dict[str, dict[str, int]] = {}
    for name, number in cli.counts_by_name(quotas, "--quotas").items():
        paradigm, _, source = name.partition("/")
        rows.setdefault(cli.one_of(paradigm, PARADIGMS, "--quotas"), {})[source] = number
    kept = list(read_records(exemplars, Exemplar))
    wanted = {name for paradigm in rows for name in tried(kept, paradigm, rows[paradigm], oversample, tries, seed)}
    found = first_documents(sorted(wanted), Run(run, passages), source_words, count)
    logger.info("%d exemplars may be tried; they have %d first documents", len(wanted), len(found))
    write_records(output, found)


if __name__ == "__main__":
    cli.run(main)
