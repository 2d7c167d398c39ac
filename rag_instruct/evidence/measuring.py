"""Measure the bits of questions and answers under a model, given documents, and store the measurements."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerBase

from rag_instruct.evidence.gains import Bits
from rag_instruct.files import digest
from rag_instruct.llm.answers import AnswerStore, request_key
from rag_instruct.llm.segments import Record, Reply
from rag_instruct.logs import bar, logger
from rag_instruct.models.chat import prepared, written
from rag_instruct.models.engines import identity
from rag_instruct.models.likelihood import STEPS, Likelihood, Text
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.models.templates import DEFAULT

LONGEST_ANSWER = 512  # we measure only the first tokens of a longer answer
# The number of measurements that we write to disk at a time. A killed job loses its unwritten measurements: up to 16.
# On a GPU, it also loses the rest of a batch. On the CPU, it also loses finished texts that wait for an earlier text,
# because we write in order.
WRITTEN_AT_A_TIME = 16


class Prompted(NamedTuple):
    """A question and its answer, and the documents that the model reads before them."""

    question: str
    answer: str
    documents: tuple[str, ...]
    common: bool = False  # other questions have the same documents; on the CPU, the model reads the documents only once


class Measurer:
    """Measures bits with a model, and keeps them in a store. Loads the model only if a measurement is missing."""

    def __init__(
        self, model: str, tokenizer: PreTrainedTokenizerBase, load: Callable[[], Likelihood], store: AnswerStore,
        data_set: str,
    ) -> None:  # fmt: skip
        self._model = model  # the identity of the weights
        self._tokenizer = tokenizer
        self._load = load
        self._store = store
        self._data_set = data_set
        self._loaded: Likelihood | None = None

    def bits(self, texts: Iterable[Prompted]) -> dict[Prompted, Bits]:
        """Return the bits of each text."""
        tokens = {one: self._text(one) for one in dict.fromkeys(texts)}
        keys = {one: request_key(self._request(text)) for one, (text, _) in tokens.items()}
        missing = {keys[one]: text for one, (text, _) in tokens.items() if self._store.get(keys[one]) is None}
        if missing:
            logger.info("%d measurements, %d are stored already", len(tokens), len(tokens) - len(missing))
            self._measure(missing)
        return {one: self._read(keys[one], question_tokens) for one, (_, question_tokens) in tokens.items()}

    def _text(self, prompted: Prompted) -> tuple[Text, int]:
        """Return the text as tokens, and how many of its measured tokens come before the answer.

        Measured tokens before the answer are the question's, and the template's between question and answer. We
        tokenise the documents, the question and the answer separately. So the question and the answer have the same
        tokens, whatever the documents.
        """
        user = {"role": "user", "content": DEFAULT.render(prompted.question, prompted.documents)}
        prompt = written(self._tokenizer, [user])
        # We strip the question, because some chat templates (Llama 3's) strip the message.
        start = prompt.rindex(prompted.question.strip())
        before, question, answer = (
            self._tokenizer(text, add_special_tokens=False)["input_ids"]
            for text in (prompt[:start], prompt[start:], prompted.answer)
        )
        answer = answer[:LONGEST_ANSWER]
        return Text(before + question + answer, len(question) + len(answer), prompted.common), len(question)

    def _request(self, text: Text) -> dict[str, str | int | bool]:
        """Return everything that determines the bits, except the processor. A digest replaces the text."""
        return {"model": self._model, "text": digest(*text.ids), "measured": text.measured, "common": text.common}

    def _measure(self, missing: dict[str, Text]) -> None:
        self._loaded = self._loaded or self._load()
        keys = list(missing)
        with bar("measuring", len(keys), " texts") as counter:
            measured = iter(self._loaded.measure(list(missing.values())))
            while some := list(islice(measured, WRITTEN_AT_A_TIME)):
                records = [self._record(keys[place], missing[keys[place]], hundredths) for place, hundredths in some]
                asyncio.run(self._put(records))
                counter.update(len(some))

    async def _put(self, records: Sequence[Record]) -> None:
        await asyncio.gather(*map(self._store.put, records))

    def _record(self, key: str, text: Text, hundredths: Sequence[int]) -> Record:
        """Return the record of a measurement. `hundredths` are the tokens' bits in hundredths of a bit."""
        reply: Reply = {"text": " ".join(map(str, hundredths)), "finish_reason": "stop", "usage": None}
        return {"key": key, "for": self._data_set, "stage": "evidence", "request": self._request(text), "reply": reply}

    def _read(self, key: str, question_tokens: int) -> Bits:
        reply = self._store.get(key)
        assert reply is not None, f"the store has no measurement {key}"
        hundredths = np.array(reply["text"].split(), float)
        return Bits(*np.split(hundredths / STEPS, [question_tokens]))


def measurer_of(model: str, revision: str | None, workers: int, store: AnswerStore, data_set: str) -> Measurer:
    """Return a measurer for a model's weights. On the CPU, it measures `workers` texts at the same time."""
    tokenizer = prepared(load_tokenizer(model, revision))
    return Measurer(identity(model, revision), tokenizer, lambda: Likelihood(model, revision, workers), store, data_set)


def measured_folder(answers: Path) -> Path:
    """Return the folder of measurements.

    It is a subfolder, because records directly in the folder of answers count against the budget.
    """
    return answers / "measured"
