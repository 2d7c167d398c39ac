"""PubHealth (Kotonya and Toni, 2020), test split: claims that journalists judged true or false. Others are left out."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import built, questions_of_files
from rag_instruct.errors import UserError
from rag_instruct.records import member
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_verdict
from rag_instruct.scoring.scores import score_closed

VERDICTS = ("true", "false")
HUB_LABELS = {0: "false", 1: "mixture", 2: "true", 3: "unproven"}  # the hub's copy has numbers for labels
COLUMNS = ("claim_id", "claim", "label")


def build(record: Any, number: int) -> Question | None:
    label = member(record, "label")
    verdict = HUB_LABELS.get(label, "") if isinstance(label, int) else str(label).strip().lower()
    if verdict not in VERDICTS:
        return None
    return Question(
        id=str(member(record, "claim_id")),
        question=f"Is this claim true or false? {member(record, 'claim').strip()}",
        answers=(verdict,),
        choices=tuple((word, word) for word in VERDICTS),
    )


def questions(paths: list[Path]) -> Iterator[Question]:
    for path in paths:
        yield from (
            built(path, _rows(path), build) if path.suffix == ".tsv" else questions_of_files([path], build, COLUMNS)
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of the authors' .tsv. Rows of test.tsv begin with a number that has no column name."""
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t")
            header = next(rows, [])
            for row in rows:
                if len(row) not in (len(header), len(header) + 1):
                    raise UserError(
                        f"{path}, line {rows.line_num}: the line has {len(row)} fields, but the header has "
                        f"{len(header)}: is this the authors' own file?"
                    )
                yield dict(zip(header, row[len(row) - len(header) :], strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({error}): is the file complete?") from error


BENCHMARK = Benchmark(
    "pubhealth", "Pub", "closed", "exact_match", size=987, questions=questions,
    score=score_closed, paper_score=mentions_verdict,
)  # fmt: skip
