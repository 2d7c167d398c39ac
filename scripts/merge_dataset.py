"""Merge the paradigms' rows into the data set, and account for all that was left out.

    python -m scripts.merge_dataset rows/*.jsonl --paradigms single_doc_answer=8000 multi_doc_answer=8000 --seed 1 \\
        --dataset rag_instruct_40k.jsonl --rejects rejects.jsonl --counts counts.json

Args:
    rows: one file for each paradigm
    paradigms: name=rows, in the order of the files
    stopped: rows that a quality filter stopped
    verdicts: of the verification
    failing: rows that fail it
    exemplars: what became of the exemplars
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.dataset.merging import merge, rejects_by_reason
from rag_instruct.dataset.verdicts import applied, matrix
from rag_instruct.files import read_json, read_jsonl, write_json, write_jsonl
from rag_instruct.logs import logger


def main(
    rows: list[Path],
    *,
    paradigms: list[str],
    seed: str,
    stopped: Path | None = None,
    verdicts: Sequence[Path] = (),
    failing: Literal["keep", "drop", "relabel"] = "drop",
    earlier_rejects: Sequence[Path] = (),
    exemplars: Path | None = None,
    dataset: Path,
    rejects: Path,
    counts: Path,
) -> None:
    wanted = {name: int(count) for name, count in (pair.split("=") for pair in paradigms)}
    found = {name: list(read_jsonl(path)) for name, path in zip(wanted, rows, strict=True)}
    judged = [verdict for path in verdicts for verdict in read_jsonl(path)]
    found, left_out = applied(found, judged, failing)
    if stopped:
        left_out |= {row["id"]: row for row in read_jsonl(stopped)}
    merged, left, numbers = merge(found, wanted, seed, left_out)
    rejected = [*(row for path in earlier_rejects for row in read_jsonl(path)), *left]
    write_jsonl(dataset, merged)
    write_jsonl(rejects, rejected)
    summary = {
        "rows": len(merged),
        "paradigms": numbers,
        "rejects": rejects_by_reason(rejected),
        "verification": matrix(judged),
        "exemplars": read_json(exemplars) if exemplars else {},
    }
    write_json(counts, summary)
    logger.info("%s: %d rows of %d wanted, %d rejects", dataset, len(merged), sum(wanted.values()), len(rejected))


if __name__ == "__main__":
    cli.run(main)
