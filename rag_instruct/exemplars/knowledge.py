"""The paper's exemplar filter: a language model says which exemplars need knowledge. One request asks about several."""

from collections.abc import Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from rag_instruct.files import digest
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, Step, read
from rag_instruct.llm.session import Session
from rag_instruct.llm.watch import YieldWatch
from rag_instruct.reasons import Fault
from rag_instruct.schema import DroppedExemplar, Exemplar, fields_of

KNOWLEDGE = "knowledge"  # the category of the exemplars that we keep
Judged = Exemplar | DroppedExemplar


def batches(exemplars: Iterable[Exemplar], size: int) -> Iterator[list[Exemplar]]:
    """Group the exemplars of each set into batches, of about `size` on average and twice that at most.

    The digest of an exemplar decides whether its batch ends there. So a new or removed exemplar changes only the
    requests near it, and the answers to all others can be reused.
    """
    batch: list[Exemplar] = []
    for exemplar in exemplars:
        if batch and batch[-1].source != exemplar.source:
            yield batch
            batch = []
        batch.append(exemplar)
        if len(batch) == 2 * size or int(digest(exemplar.instruction)[:12], 16) % size == 0:
            yield batch
            batch = []
    if batch:
        yield batch


def question(step: Step, batch: list[Exemplar]) -> Step:
    """Return the step with a reply schema that asks for a category of each exemplar, by its number."""
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
    """Return the exemplars as text for the teacher, numbered from 1."""
    shown = (f'<instruction number="{n}">\n{one.instruction}\n</instruction>' for n, one in enumerate(batch, start=1))
    return "\n\n".join(shown)


async def judge(
    batch: list[Exemplar], prompt: Prompt, teacher: Session, watch: YieldWatch | None = None
) -> list[Judged]:
    """Return all exemplars of a batch, in order. Those that the teacher does not call knowledge are DroppedExemplars.

    If the endpoint refuses the request or the reply does not fit the schema, we ask about each exemplar separately. So
    one bad exemplar does not lose the others. `watch` stops the stage when the teacher's replies cannot be read.
    """
    step = question(prompt.steps[0], batch)
    key, reply = await teacher.ask(step.body("any", {"instructions": instructions(batch)}))
    categories = read(step, reply)
    asked = [replace(exemplar, request_keys=(key,)) for exemplar in batch]
    if isinstance(categories, Fault):
        if watch:
            watch.useless(categories)
        if len(batch) > 1:
            alone = [await judge([exemplar], prompt, teacher, watch) for exemplar in batch]
            return [replace(one, request_keys=(key, *one.request_keys)) for (one,) in alone]
        return [DroppedExemplar(**fields_of(one), **categories._asdict()) for one in asked]
    if watch:
        watch.useful("")
    return [_judged(one, categories[str(number)]) for number, one in enumerate(asked, start=1)]


def _judged(exemplar: Exemplar, category: str) -> Judged:
    return exemplar if category == KNOWLEDGE else DroppedExemplar(**fields_of(exemplar), reason=category)


async def filter_by_teacher(
    exemplars: Iterable[Exemplar], prompt: Prompt, teacher: Session, size: int
) -> tuple[list[Exemplar], list[DroppedExemplar]]:
    """Return the exemplars that we keep, and the dropped ones.

    A request has `size` exemplars on average (see `batches`).
    """
    work = partial(judge, prompt=prompt, teacher=teacher, watch=YieldWatch("exemplar filter", teacher))
    judged = await at_once(batches(exemplars, size), work, teacher.model.in_flight, "judging exemplars")
    every = [one for batch in judged for one in batch]
    dropped = [one for one in every if isinstance(one, DroppedExemplar)]
    return [one for one in every if not isinstance(one, DroppedExemplar)], dropped
