"""Answers of a model behind an endpoint, by the same client, store and budget as everything that is bought."""

from collections.abc import Sequence
from functools import partial

from rag_instruct.evaluation.questioning import Output, Task, output
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.segments import Reply, Request
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.models.decoding import Decoding

TOO_LONG = ("context_length", "context length")  # in the words of OpenAI, Azure and vLLM


async def answer(tasks: Sequence[Task], teacher: Session, decoding: Decoding) -> list[Output]:
    """The answers to `tasks`, in their order."""
    ask = partial(answer_of, teacher=teacher, decoding=decoding)
    outputs = await at_once(tasks, ask, teacher.model.in_flight, "answers")
    logger.info("%d questions, %d bought, %d from the store", len(outputs), teacher.bought, teacher.replayed)
    return outputs


async def answer_of(task: Task, teacher: Session, decoding: Decoding) -> Output:
    """The answer with as many documents as fit; what the endpoint refuses for good is an output that failed."""
    for documents in range(len(task.documents), -1, -1):
        key, reply = await teacher.ask(body(task, documents, decoding))
        if not _too_long(reply):
            break
    failure = {"failure": reply["failure"]} if "failure" in reply else {}
    return output(task, reply["text"].strip(), _finish(reply), documents, request_key=key, **failure)


def body(task: Task, documents: int, decoding: Decoding) -> Request:
    """The request without the model and its sampling."""
    return {
        "messages": [{"role": "user", "content": task.prompt(documents)}],
        "max_tokens": decoding.max_new_tokens,
    }


def _too_long(reply: Reply) -> bool:
    """Whether fewer documents may help: a refusal costs nothing."""
    return any(words in reply.get("failure", "").lower() for words in TOO_LONG)


def _finish(reply: Reply) -> str:
    """Refusals by a filter are answers that failed; whatever else is odd was cut off."""
    finish = reply["finish_reason"]
    if finish in ("stop", "length", "failed"):
        return str(finish)
    return "failed" if not reply["text"] else "length"
