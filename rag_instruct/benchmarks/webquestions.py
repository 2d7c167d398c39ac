"""WebQuestions (Berant et al., 2013), test split: questions from Google Suggest with answers from Freebase."""

import re
from functools import partial
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import first_member, id_of, questions_of_files
from rag_instruct.records.values import unique
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open

# The authors' file has the answers as Lisp: (list (description "Lightning rod") (description Bifocals)).
DESCRIPTION = re.compile(r'\(description (?:"((?:[^"\\]|\\.)*)"|([^()\s]+))\)')


def build(record: Any, number: int) -> Question:
    answers = first_member(record, "answers", "targetValue")
    if isinstance(answers, str):
        answers = [re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in DESCRIPTION.findall(answers)]
    return Question(
        id=id_of(record, number, "qId"),
        question=first_member(record, "question", "utterance", "qText"),
        answers=unique(answers),
    )


BENCHMARK = Benchmark(
    "webquestions", "WQA", "open", "accuracy", size=2032,
    questions=partial(questions_of_files, build=build),
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
