"""Find the rows that fail a quality filter of the whole data set.

    python -m scripts.filter_rows rows/{single,multi}_doc_answer.jsonl --pairs pairs/{single,multi}_doc_answer.jsonl \\
        --vectors search/{single,multi}_doc_answer/queries.npy \\
        --quality-filters '{"language": "en", "near_duplicates": 0.8}' --stopped stopped.jsonl \\
        --counts counts.json

Args:
    rows: one .jsonl for each paradigm
    pairs: pairs of the same paradigms, in the same order, .jsonl
    vectors: embeddings of the pairs' questions, in the same order, .npy; only `similar_questions` needs them
    quality_filters: JSON of `quality_filters` in config.yaml
    benchmarks: questions that no row may contain, .jsonl of scripts.extract_questions
    stopped: output, .jsonl: ids of the failed rows, with reasons
    counts: output, .json: rows that each filter kept and dropped
"""

from collections.abc import Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.quality_filters import QUALITY_FILTERS, EmbeddedRows, apply_filters
from rag_instruct.files import write_json
from rag_instruct.logs import logger
from rag_instruct.overlap import contamination_index
from rag_instruct.record_files import write_records


def main(
    rows: list[Path],
    *,
    pairs: list[Path],
    vectors: Sequence[Path] = (),
    quality_filters: str,
    benchmarks: Sequence[Path] = (),
    stopped: Path,
    counts: Path,
) -> None:
    checks = cli.json_object(quality_filters, "--quality-filters", QUALITY_FILTERS)
    if benchmarks:
        checks["overlaps"] = contamination_index(benchmarks)
    failed, numbers = apply_filters(EmbeddedRows.read(rows, pairs, vectors), checks)
    for name, count in numbers.items():
        logger.info("%s: %d kept, %d dropped", name.replace("_", " "), count["kept"], count["dropped"])
    write_records(stopped, failed)
    write_json(counts, numbers)


if __name__ == "__main__":
    cli.run(main)
