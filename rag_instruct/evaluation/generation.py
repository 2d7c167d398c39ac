"""Answers of a checkpoint, batch by batch; each batch is kept as it is made, and a rerun makes the missing ones."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerBase

from rag_instruct.evaluation.questioning import Output, Task, output
from rag_instruct.files import digest
from rag_instruct.llm.answers import AnswerStore, request_key
from rag_instruct.llm.segments import Record, Reply
from rag_instruct.logs import bar, logger
from rag_instruct.models.chat import prompt_ids
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import Engine, Generated


class Prompt(NamedTuple):
    """A task as a model reads it: token ids, the number of documents that fit, and the answer's key in the store."""

    task: Task
    ids: list[int]
    documents: int
    key: str


class Generation(NamedTuple):
    """Who answers, and how."""

    model: str  # the identity of the weights
    tokenizer: PreTrainedTokenizerBase
    longest: int  # tokens of prompt and answer
    decoding: Decoding
    seed: int

    def prompt(self, task: Task) -> Prompt:
        """The task with as many of its documents, best first, as fit; without ids when not even the question does."""
        room = self.longest - self.decoding.max_new_tokens
        for documents in range(len(task.documents), -1, -1):
            ids = prompt_ids(self.tokenizer, task.prompt(documents))
            if len(ids) <= room:
                return Prompt(task, ids, documents, request_key(self.request(ids)))
        return Prompt(task, [], 0, "")

    def request(self, ids: list[int]) -> dict[str, Any]:
        """All that decides an answer; of the prompt a digest, since the questions' files have the rest."""
        seed = {"seed": self.seed} if self.decoding.temperature else {}
        return {"model": self.model, "prompt": digest(*ids), **self.decoding._asdict(), **seed}


def answer(
    tasks: Sequence[Task], generation: Generation, load: Callable[[], Engine], store: AnswerStore, data_set: str
) -> list[Output]:
    """The answers to `tasks`, in their order; the model is loaded only when one is missing."""
    prompts = [generation.prompt(task) for task in tasks]
    wanted = [prompt for prompt in prompts if prompt.ids]
    missing = {prompt.key for prompt in wanted if store.get(prompt.key) is None}
    logger.info("%d questions, %d answers are kept already", len(tasks), len({p.key for p in wanted} - missing))
    if missing:
        asyncio.run(_generate(wanted, missing, generation, load(), store, data_set))
    return [_output(prompt, store, generation) for prompt in prompts]


async def _generate(
    prompts: Sequence[Prompt], missing: set[str], generation: Generation, engine: Engine, store: AnswerStore, name: str
) -> None:
    """Batches are cut from all prompts, made or not: so what is beside an answer does not depend on kills."""
    with bar("generating", len(missing), " answers") as counter:
        for number, batch in enumerate(batches(prompts, engine, generation.decoding.max_new_tokens)):
            left = [prompt for prompt in batch if prompt.key in missing]
            if not left:
                continue
            made = engine.generate([prompt.ids for prompt in left], generation.decoding, generation.seed + number)
            # Together, so that a kill leaves all of a batch or none.
            await asyncio.gather(
                *(store.put(_record(*pair, generation, name)) for pair in zip(left, made, strict=True))
            )
            counter.update(len(left))


def batches(prompts: Sequence[Prompt], engine: Engine, new_tokens: int) -> Iterator[list[Prompt]]:
    """Different prompts, the longest first, so that what is too much for the memory shows at once."""
    batch: list[Prompt] = []
    different = {prompt.key: prompt for prompt in prompts}.values()
    for prompt in sorted(different, key=lambda prompt: (-len(prompt.ids), prompt.key)):
        longest = len((batch or [prompt])[0].ids) + new_tokens
        if len(batch) == engine.batch_rows or (len(batch) + 1) * longest > max(engine.batch_tokens, longest):
            yield batch
            batch = []
        batch.append(prompt)
    if batch:
        yield batch


def _record(prompt: Prompt, made: Generated, generation: Generation, data_set: str) -> Record:
    reply: Reply = {"text": made.text, "finish_reason": "stop" if made.finished else "length", "usage": None}
    request = generation.request(prompt.ids)
    return {"key": prompt.key, "for": data_set, "stage": "evaluation", "request": request, "reply": reply}


def _output(prompt: Prompt, store: AnswerStore, generation: Generation) -> Output:
    if not prompt.ids:
        failure = f"the question leaves no room for an answer among the model's {generation.longest:,} tokens"
        return output(prompt.task, "", "failed", 0, failure=failure)
    reply = store.get(prompt.key)
    assert reply is not None, f"the store has no answer to {prompt.key}"
    return output(prompt.task, reply["text"], reply["finish_reason"], prompt.documents, request_key=prompt.key)


def generated_folder(answers: Path) -> Path:
    """Where answers of weights are kept: beside those that were bought, whose budget they must not use up."""
    return answers / "generated"
