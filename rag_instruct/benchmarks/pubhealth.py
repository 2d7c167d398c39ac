"""PubHealth (Kotonya and Toni, 2020), test split: claims that journalists judged true or false. Others are left out."""

from functools import partial
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import questions_of_files
from rag_instruct.records import Form, member
from rag_instruct.records.values import name_of
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
        id=name_of(member(record, "claim_id"), "claim_id"),
        question=f"Is this claim true or false? {member(record, 'claim').strip()}",
        answers=(verdict,),
        choices=tuple((word, word) for word in VERDICTS),
    )


BENCHMARK = Benchmark(
    "pubhealth", "Pub", "closed", "exact_match", size=987,
    # Rows of the authors' test.tsv begin with a number that has no column name.
    questions=partial(questions_of_files, build=build, columns=COLUMNS, form=Form(row_names=True)),
    score=score_closed, paper_score=mentions_verdict,
)  # fmt: skip
