"""TriviaQA, unfiltered (Joshi et al., 2017), validation split: quiz questions; Wikipedia aliases are answers too."""

from functools import partial
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import first_member, questions_of_files
from rag_instruct.records import Form
from rag_instruct.records.values import name_of, unique
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open

COLUMNS = ("question", "question_id", "answer.value", "answer.aliases")
HIDDEN = "<unk>"  # stands for each answer in the hub's test split


def build(record: Any, number: int) -> Question:
    value = first_member(record, "answer.value", "Answer.Value")
    if value == HIDDEN:
        raise ValueError(f"the answer is {HIDDEN}: the test split hides its answers, take the validation split")
    return Question(
        id=name_of(first_member(record, "question_id", "QuestionId"), "question_id"),
        question=first_member(record, "question", "Question"),
        answers=unique([value, *first_member(record, "answer.aliases", "Answer.Aliases")]),
    )


BENCHMARK = Benchmark(
    "triviaqa", "TQA", "open", "accuracy", size=11_313,
    questions=partial(questions_of_files, build=build, columns=COLUMNS, form=Form(under="Data")),
    score=score_open, paper_score=mentions_answer,
)  # fmt: skip
