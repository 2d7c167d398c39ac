"""Merge the paradigms' rows into the data set, and count everything that was dropped.

    python -m scripts.merge_dataset rows/{single,multi}_doc_answer.jsonl \\
        --paradigms single_doc_answer=8000 multi_doc_answer=8000 --seed 1 \\
        --dataset rag_instruct_40k.jsonl --rejects rejects.jsonl --counts counts.json

Args:
    rows: .jsonl files of rows
    paradigms: name=rows of each paradigm
    seed: shuffles the data set
    stopped: rows that a quality filter stopped, .jsonl of scripts.filter_rows
    verdicts: .jsonl files of scripts.verify_paradigms
    on_verification: what to do with rows that fail the verification
    evidence: bits of rows, .jsonl of scripts.measure_evidence
    on_evidence: what to do with rows whose bits show another paradigm
    earlier_rejects: rejects of earlier stages, .jsonl
    exemplars: counts of scripts.report_exemplars, .json
    dataset: output, .jsonl
    rejects: output, .jsonl
    counts: output, .json
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.dataset.merging import apply_tests, merge, refuse_empty, rejects_by_reason
from rag_instruct.dataset.shortfall import shortfall
from rag_instruct.dataset.verdicts import matrix
from rag_instruct.evidence.summary import summary_of
from rag_instruct.files import read_json, write_json
from rag_instruct.logs import logger
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import Reject, Row, StoppedRow, Verdict, Weighed


def main(
    rows: list[Path],
    *,
    paradigms: list[str],
    seed: str,
    stopped: Path | None = None,
    verdicts: Sequence[Path] = (),
    on_verification: Literal["keep", "drop", "relabel"] = "drop",
    evidence: Path | None = None,
    on_evidence: Literal["keep", "drop", "relabel"] = "keep",
    earlier_rejects: Sequence[Path] = (),
    exemplars: Path | None = None,
    dataset: Path,
    rejects: Path,
    counts: Path,
) -> None:
    wanted = cli.counts_by_name(paradigms, "--paradigms")
    made = (row for path in rows for row in read_records(path, Row))
    judged = [verdict for path in verdicts for verdict in read_records(path, Verdict)]
    weighed = list(read_records(evidence, Weighed)) if evidence else []
    halted = read_records(stopped, StoppedRow) if stopped else ()
    found, left_out = apply_tests(made, wanted, halted, weighed, on_evidence, judged, on_verification)
    merged, left, numbers = merge(found, wanted, seed, left_out)
    rejected = [*(reject for path in earlier_rejects for reject in read_records(path, Reject)), *left]
    write_records(dataset, merged)
    write_records(rejects, rejected)
    summary = {
        "wanted": sum(wanted.values()),
        "rows": len(merged),
        "paradigms": numbers,
        "rejects": rejects_by_reason(rejected),
        "verification": matrix(judged),
        "evidence": summary_of(weighed),
        "exemplars": read_json(exemplars) if exemplars else {},
    }
    write_json(counts, summary)
    refuse_empty(dataset, merged, rejected)
    if lacking := shortfall(dataset.stem, summary):
        logger.warning("%s", lacking)
    logger.info("%s: %d of %d wanted rows, %d rejects", dataset, len(merged), sum(wanted.values()), len(rejected))


if __name__ == "__main__":
    cli.run(main)
