"""Let a model behind an endpoint answer questions, with the client, store and budget that all paid stages share."""

from collections.abc import Sequence
from functools import partial

from rag_instruct.evaluation.questioning import Task, output
from rag_instruct.evaluation.records import Output
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.door import too_long
from rag_instruct.llm.segments import Reply, Request
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.models.decoding import Decoding


async def answer(tasks: Sequence[Task], teacher: Session, decoding: Decoding) -> list[Output]:
    """Return the outputs in the order of `tasks`."""
    ask = partial(answer_of, teacher=teacher, decoding=decoding)
    outputs = await at_once(tasks, ask, teacher.model.in_flight, "answers")
    logger.info("%d questions: %d answers bought, %d from the store", len(outputs), teacher.bought, teacher.replayed)
    return outputs


async def answer_of(task: Task, teacher: Session, decoding: Decoding) -> Output:
    """Return the output with as many documents as fit. A permanent refusal gives an output that failed."""
    for documents in range(len(task.documents), -1, -1):
        key, reply = await teacher.ask(body(task, documents, decoding))
        if not too_long(reply.get("failure", "")):  # fewer documents help only if the prompt was too long
            break
    return output(task, reply["text"].strip(), _finish(reply), documents, key, reply.get("failure", ""))


def body(task: Task, documents: int, decoding: Decoding) -> Request:
    """Return the request without the fields `model`, `temperature` and `top_p`, which the session adds."""
    return {
        "messages": [{"role": "user", "content": task.prompt(documents)}],
        "max_tokens": decoding.max_new_tokens,
    }


def _finish(reply: Reply) -> str:
    """Return the endpoint's reason if it is stop, length or failed.

    For any other reason, such as a content filter, return length if there is a text, and failed if there is none.
    """
    finish = reply["finish_reason"]
    if finish in ("stop", "length", "failed"):
        return str(finish)
    return "failed" if not reply["text"] else "length"
