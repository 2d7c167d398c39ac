"""ConvFinQA (Chen et al., 2022), dev split: conversations whose questions need calculations on a financial report."""

import re
from functools import partial
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import questions_of_files
from rag_instruct.records import member
from rag_instruct.records.values import is_missing, listed, shown, words_of
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_stripped_number
from rag_instruct.scoring.scores import score_number


def turns(record: Any, number: int) -> list[Question]:
    """Return one question for each turn. It begins with the earlier turns and their answers."""
    asked, gold = member(record, "annotation.dialogue_break"), member(record, "annotation.exe_ans_list")
    programs = member(record, "annotation.turn_program")
    if not len(asked) == len(gold) == len(programs):
        raise ValueError(
            f"the numbers of questions ({len(asked)}), answers ({len(gold)}) and programs ({len(programs)}) differ"
        )
    context = (_report(record),)
    found, before = [], ""
    for turn, (question, answer, program) in enumerate(zip(asked, gold, programs, strict=True)):
        identifier = f"{member(record, 'id')}#{turn}"
        found.append(Question(identifier, before + question, accepted(answer, program), documents=context))
        before += f"{question}\n{_shown(answer)}\n"
    return found


def accepted(answer: float | str, program: str) -> tuple[str, ...]:
    """Return the turn's answer. If the answer is a share, return the percentage too."""
    plain = _shown(answer)
    return (plain,) if isinstance(answer, str) or not is_share(program) else (plain, f"{answer * 100:.6g}%")


def is_share(program: str) -> bool:
    """Return whether a program computes a share.

    It ends in a division or in a sum of divisions, or it takes a percentage from the report. A number
    divided by 2 to 9 is a mean, and no share.
    """
    steps = re.findall(r"(\w+)\(([^()]*)\)", program)
    shares: list[bool] = []
    for operation, arguments in steps:
        parts = [part.strip() for part in arguments.split(",")]
        summed = operation in ("add", "subtract") and all(_share(part, shares) for part in parts)
        averaged = re.fullmatch("const_[2-9]", parts[-1]) and not _share(parts[0], shares)
        shares.append(summed or (operation == "divide" and not averaged))
    return shares[-1] if shares else _share(program.strip(), shares)


def _share(argument: str, shares: list[bool]) -> bool:
    """Return whether an argument is a share: an earlier step that is a share (#0), a percentage, or const_1 (100 %)."""
    if argument.startswith("#"):
        return shares[int(argument[1:])]
    return argument.endswith("%") or argument == "const_1"


def _shown(answer: float | str) -> str:
    if not isinstance(answer, str | int | float) or is_missing(answer):
        raise TypeError(f"an answer must be a number, yes or no, but is {shown(answer)}")
    return answer if isinstance(answer, str) else f"{answer:.10g}"


def _report(record: Any) -> str:
    """Return the report's text: the text before the table, the table with one line for each row, the text after it."""
    table = listed(member(record, "table"), "table")
    if not all(isinstance(row, list) for row in table):
        raise TypeError(f"the table must be a list of rows, but is {shown(table)}")
    rows = [" | ".join(map(str, row)) for row in table]
    before, after = (words_of(member(record, place), place) for place in ("pre_text", "post_text"))
    lines = [*before, *rows, *after]
    return "\n".join(line for line in lines if line.strip(" ."))


BENCHMARK = Benchmark(
    "convfinqa", "CFQA", "own_context", "exact_match", size=1490,
    questions=partial(questions_of_files, build=turns),
    score=score_number, paper_score=mentions_stripped_number,
)  # fmt: skip
