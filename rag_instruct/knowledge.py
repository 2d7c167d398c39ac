"""The knowledge-intensive filter by a language model, as in the paper."""

from collections.abc import Iterable

from rag_instruct.exemplars import Exemplar
from rag_instruct.prompts import Prompt
from rag_instruct.teacher import Teacher, at_once, read


async def filter_by_teacher(
    exemplars: Iterable[Exemplar], prompt: Prompt, teacher: Teacher
) -> tuple[list[Exemplar], list[Exemplar]]:
    """Kept exemplars, and dropped ones with the teacher's category as `reason`."""

    async def judge(exemplar: Exemplar) -> Exemplar:
        step = prompt.steps[0]
        key, reply = await teacher.ask(step.body("any", {"exemplar": exemplar["instruction"]}))
        verdict, missing = read(step, reply)
        return {**exemplar, "request_key": key, "reason": verdict["category"] if verdict else missing}

    judged = await at_once(exemplars, judge, teacher.model.in_flight, "judging exemplars")
    kept = [
        {key: value for key, value in row.items() if key != "reason"} for row in judged if row["reason"] == "knowledge"
    ]
    return kept, [row for row in judged if row["reason"] != "knowledge"]
