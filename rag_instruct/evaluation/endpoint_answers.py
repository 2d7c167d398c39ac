"""Answers of a model behind an endpoint, with the client, store and budget of everything that is bought."""

from collections.abc import Sequence
from functools import partial

from rag_instruct.evaluation.questioning import Task, output
from rag_instruct.evaluation.records import Output
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.segments import Reply, Request
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.models.decoding import Decoding

TOO_LONG = ("context_length", "context length")  # in the words of OpenAI, Azure and vLLM


async def answer(tasks: Sequence[Task], teacher: Session, decoding: Decoding) -> list[Output]:
    """Return the answers to `tasks`, in their order."""
    ask = partial(answer_of, teacher=teacher, decoding=decoding)
    outputs = await at_once(tasks, ask, teacher.model.in_flight, "answers")
    logger.info("%d questions, %d bought, %d from the store", len(outputs), teacher.bought, teacher.replayed)
    return outputs


async def answer_of(task: Task, teacher: Session, decoding: Decoding) -> Output:
    """Return the answer with as many documents as fit; a request that is refused for good is a failed output."""
    for documents in range(len(task.documents), -1, -1):
        key, reply = await teacher.ask(body(task, documents, decoding))
        if not _too_long(reply):
            break
    return output(task, reply["text"].strip(), _finish(reply), documents, key, reply.get("failure", ""))


def body(task: Task, documents: int, decoding: Decoding) -> Request:
    """Return the request without the model and its sampling."""
    return {
        "messages": [{"role": "user", "content": task.prompt(documents)}],
        "max_tokens": decoding.max_new_tokens,
    }


def _too_long(reply: Reply) -> bool:
    """Return whether fewer documents may help. A refusal costs nothing."""
    return any(words in reply.get("failure", "").lower() for words in TOO_LONG)


def _finish(reply: Reply) -> str:
    """Return the finish reason: an answer without text failed, other unusual ends mean that it was cut off."""
    finish = reply["finish_reason"]
    if finish in ("stop", "length", "failed"):
        return str(finish)
    return "failed" if not reply["text"] else "length"
