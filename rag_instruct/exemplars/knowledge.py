"""The knowledge-intensive filter by a language model, as in the paper, several exemplars to a request."""

from collections.abc import Iterable, Iterator
from functools import partial

from rag_instruct.files import digest
from rag_instruct.llm.prompts import Prompt, Step
from rag_instruct.llm.session import Asked, Teacher, at_once, read
from rag_instruct.schema import Exemplar

KEPT = "knowledge"  # the category of the prompt that stays


def batches(exemplars: Iterable[Exemplar], size: int) -> Iterator[list[Exemplar]]:
    """Groups of `size` on average and twice that at most, each of one set.

    Where a group ends is said by the digest of its last exemplar, not by counting: an exemplar that
    comes or goes changes its own group's request, and all others stay paid for.
    """
    batch: list[Exemplar] = []
    for exemplar in exemplars:
        if batch and batch[-1]["source"] != exemplar["source"]:
            yield batch
            batch = []
        batch.append(exemplar)
        if len(batch) == 2 * size or int(digest(exemplar["instruction"])[:12], 16) % size == 0:
            yield batch
            batch = []
    if batch:
        yield batch


def question(step: Step, batch: list[Exemplar]) -> Step:
    """The step with room for a category of each exemplar, by its number."""
    numbers = [str(number) for number in range(1, len(batch) + 1)]
    one = (step.reply_schema or {})["properties"]["category"]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": numbers,
        "properties": dict.fromkeys(numbers, one),
    }
    return step.replaced(schema=schema, max_tokens=step.max_tokens * len(batch))


def instructions(batch: list[Exemplar]) -> str:
    """The exemplars as the teacher is shown them."""
    shown = (
        f'<instruction number="{n}">\n{one["instruction"]}\n</instruction>' for n, one in enumerate(batch, start=1)
    )
    return "\n\n".join(shown)


async def judge(batch: list[Exemplar], prompt: Prompt, teacher: Asked) -> list[Exemplar]:
    """The exemplars with the teacher's category as `reason`, or why there is none.

    A reply that does not answer for all of them, or that the endpoint refused, is followed by a
    request for each alone, so that one exemplar's fault is not its neighbours'.
    """
    step = question(prompt.steps[0], batch)
    key, reply = await teacher.ask(step.body("any", {"instructions": instructions(batch)}))
    verdict, missing = read(step, reply)
    if verdict is None and len(batch) > 1:
        alone = [await judge([exemplar], prompt, teacher) for exemplar in batch]
        return [{**one, "request_keys": [key, *one["request_keys"]]} for (one,) in alone]
    return [
        {**exemplar, "request_keys": [key], "reason": verdict[str(number)] if verdict else missing}
        for number, exemplar in enumerate(batch, start=1)
    ]


async def filter_by_teacher(
    exemplars: Iterable[Exemplar], prompt: Prompt, teacher: Teacher, size: int
) -> tuple[list[Exemplar], list[Exemplar]]:
    """Kept exemplars, and dropped ones with the teacher's category as `reason`; about `size` to a request."""
    work = partial(judge, prompt=prompt, teacher=teacher)
    judged = await at_once(batches(exemplars, size), work, teacher.model.in_flight, "judging exemplars")
    rows = [row for batch in judged for row in batch]
    kept = [{key: value for key, value in row.items() if key != "reason"} for row in rows if row["reason"] == KEPT]
    return kept, [row for row in rows if row["reason"] != KEPT]
