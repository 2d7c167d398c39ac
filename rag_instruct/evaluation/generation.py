"""Let a local model answer questions in batches. Each batch is stored at once; a rerun generates missing answers."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerBase

from rag_instruct.evaluation.questioning import Task, output
from rag_instruct.evaluation.records import Output
from rag_instruct.files import digest
from rag_instruct.llm.answers import AnswerStore, request_key
from rag_instruct.llm.segments import Record, Reply
from rag_instruct.logs import bar, logger
from rag_instruct.models.chat import prompt_ids
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import Engine, Generated, padded_batches


class Fitted(NamedTuple):
    """A task as token ids, with the documents that fit."""

    task: Task
    ids: list[int]
    documents: int  # how many fit
    key: str  # of the answer in the store


class Generation(NamedTuple):
    """The model, and how it generates answers."""

    model: str  # the identity of the weights
    tokenizer: PreTrainedTokenizerBase
    longest: int  # tokens of prompt and answer together
    decoding: Decoding
    seed: int

    def fitted(self, task: Task) -> Fitted:
        """Return the task with as many of its best documents as fit. `ids` is empty if the question is too long."""
        room = self.longest - self.decoding.max_new_tokens
        for documents in range(len(task.documents), -1, -1):
            ids = prompt_ids(self.tokenizer, task.prompt(documents))
            if len(ids) <= room:
                return Fitted(task, ids, documents, request_key(self.request(ids)))
        return Fitted(task, [], 0, "")

    def request(self, ids: list[int]) -> dict[str, Any]:
        """Return everything that determines an answer. It has a digest of the prompt, whose text is in other files."""
        seed = {"seed": self.seed} if self.decoding.temperature else {}
        return {"model": self.model, "prompt": digest(*ids), **self.decoding._asdict(), **seed}


def answer(
    tasks: Sequence[Task], generation: Generation, load: Callable[[], Engine], store: AnswerStore, data_set: str
) -> list[Output]:
    """Return the outputs in the order of `tasks`. `load` loads the model only if an answer is missing."""
    prompts = [generation.fitted(task) for task in tasks]
    wanted = [prompt for prompt in prompts if prompt.ids]
    keys = {prompt.key for prompt in wanted}
    missing = {key for key in keys if store.get(key) is None}
    logger.info("%d questions, %d answers are stored already", len(tasks), len(keys - missing))
    if missing:
        asyncio.run(_generate(wanted, missing, generation, load(), store, data_set))
    return [_output(prompt, store, generation) for prompt in prompts]


async def _generate(
    prompts: Sequence[Fitted], missing: set[str], generation: Generation, engine: Engine, store: AnswerStore, name: str
) -> None:
    """Generate the missing answers.

    We form batches from all prompts, missing or not. So a batch keeps its number after an interruption. Its seed
    depends on this number.
    """
    with bar("generating", len(missing), " answers") as counter:
        for number, batch in enumerate(batches(prompts, engine, generation.decoding.max_new_tokens)):
            left = [prompt for prompt in batch if prompt.key in missing]
            if not left:
                continue
            made = engine.generate([prompt.ids for prompt in left], generation.decoding, generation.seed + number)
            # One write for the whole batch, so that an interruption leaves all of its answers or none.
            await asyncio.gather(
                *(store.put(_record(*pair, generation, name)) for pair in zip(left, made, strict=True))
            )
            counter.update(len(left))


def batches(prompts: Sequence[Fitted], engine: Engine, new_tokens: int) -> Iterator[list[Fitted]]:
    """Yield batches of distinct prompts that the engine can answer at once with `new_tokens` tokens each."""
    different = sorted({prompt.key: prompt for prompt in prompts}.values(), key=lambda prompt: prompt.key)
    lengths = [len(prompt.ids) + new_tokens for prompt in different]
    for numbers in padded_batches(lengths, engine.batch_tokens, engine.batch_rows):
        yield [different[number] for number in numbers]


def _record(prompt: Fitted, made: Generated, generation: Generation, data_set: str) -> Record:
    reply: Reply = {"text": made.text, "finish_reason": "stop" if made.finished else "length", "usage": None}
    request = generation.request(prompt.ids)
    return {"key": prompt.key, "for": data_set, "stage": "evaluation", "request": request, "reply": reply}


def _output(prompt: Fitted, store: AnswerStore, generation: Generation) -> Output:
    if not prompt.ids:
        failure = f"the question leaves no room for an answer among the model's {generation.longest:,} tokens"
        return output(prompt.task, "", "failed", 0, failure=failure)
    reply = store.get(prompt.key)
    assert reply is not None, f"the store has no answer to {prompt.key}"
    return output(prompt.task, reply["text"], reply["finish_reason"], prompt.documents, request_key=prompt.key)


def generated_folder(answers: Path) -> Path:
    """Return the folder of local models' answers. They cost nothing, but answers in the parent folder are charged."""
    return answers / "generated"
