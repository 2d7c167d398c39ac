"""PubMedQA (Jin et al., 2019), test split: does an abstract answer the question in its title with yes, no or maybe?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import built, first_member
from rag_instruct.errors import UserError
from rag_instruct.files import read_json
from rag_instruct.records import Form, Located, located_records, member
from rag_instruct.records.values import name_of, words_of
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_verdict
from rag_instruct.scoring.scores import score_closed

VERDICTS = ("yes", "no", "maybe")


def build(record: Any, _: int) -> Question:
    return Question(
        id=name_of(member(record, "pubid"), "pubid"),
        question=first_member(record, "question", "QUESTION"),
        answers=(member(record, "final_decision"),),
        choices=tuple((word, word) for word in VERDICTS),
        documents=("\n".join(words_of(first_member(record, "context.contexts", "CONTEXTS"), "contexts")),),
    )


def questions(paths: list[Path]) -> Iterator[Question]:
    """Yield the test questions.

    `paths` are the files of the labelled set (the hub's, or ori_pqal.json), then test_ground_truth.json, which names
    the test's questions.
    """
    *labelled, listed = paths
    if not labelled:
        raise UserError(
            f"{listed}: PubMedQA needs two files, the labelled set and the list of test ids: set `ids` in config.yaml"
        )
    test = read_json(listed)
    if not (isinstance(test, dict) and test and all(decision in VERDICTS for decision in test.values())):
        raise UserError(
            f"{listed} does not have a decision for each id: set `ids` to the authors' test_ground_truth.json"
        )
    for path in labelled:
        for question in built(path, _records(path), build):
            if question.id in test:
                if (test[question.id],) != question.answers:
                    raise UserError(
                        f"question {question.id} has the answer {question.answers[0]!r} in {path}, but "
                        f"{test[question.id]!r} in {listed}: are both files from the same release?"
                    )
                yield question


def _records(path: Path) -> Iterator[Located]:
    if path.suffix == ".json":  # the authors' file is an object of records by id
        return located_records(path, form=Form(keyed="pubid"))
    return located_records(path, ("pubid", "question", "context.contexts", "final_decision"))


BENCHMARK = Benchmark(
    "pubmedqa", "PubMed", "own_context", "exact_match", size=500, questions=questions,
    score=score_closed, paper_score=mentions_verdict,
)  # fmt: skip
