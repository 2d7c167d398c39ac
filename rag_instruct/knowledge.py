"""The knowledge-intensive filter by a language model, as in the paper."""

from collections.abc import Iterable
from functools import partial

from rag_instruct.exemplars import Exemplar
from rag_instruct.prompts import Prompt
from rag_instruct.teacher import Asked, Teacher, at_once, read


async def judge(exemplar: Exemplar, prompt: Prompt, teacher: Asked) -> Exemplar:
    """The exemplar with the teacher's category as `reason`, or why there is none."""
    step = prompt.steps[0]
    key, reply = await teacher.ask(step.body("any", {"exemplar": exemplar["instruction"]}))
    verdict, missing = read(step, reply)
    return {**exemplar, "request_key": key, "reason": verdict["category"] if verdict else missing}


async def filter_by_teacher(
    exemplars: Iterable[Exemplar], prompt: Prompt, teacher: Teacher
) -> tuple[list[Exemplar], list[Exemplar]]:
    """Kept exemplars, and dropped ones with the teacher's category as `reason`."""

    judged = await at_once(
        exemplars, partial(judge, prompt=prompt, teacher=teacher), teacher.model.in_flight, "judging exemplars"
    )
    kept = [
        {key: value for key, value in row.items() if key != "reason"} for row in judged if row["reason"] == "knowledge"
    ]
    return kept, [row for row in judged if row["reason"] != "knowledge"]
