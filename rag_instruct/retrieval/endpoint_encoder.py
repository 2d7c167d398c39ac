"""Encode texts at an endpoint. We pay for vectors and store them like a teacher's answers, so we buy none twice."""

import asyncio
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.files import dump
from rag_instruct.llm.door import too_long
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.llm.vector_client import VectorClient
from rag_instruct.llm.vectors import vector_of
from rag_instruct.logs import bar
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings
from rag_instruct.settings import Settings

STAGE = "embedding"
PROBE = "dimension"  # the text whose vector shows the dimension
SHORTEN = (
    "let the endpoint cut texts by one of its parameters, under `query_parameters` or `passage_parameters` of the "
    "encoder; or, if the text is a passage, cut the corpus into shorter passages (`words`)"
)
Result = TypeVar("Result")


class EndpointEncoder:
    """Encodes texts like `Encoder`. One object encodes only queries or only passages: its settings are for one kind.

    `encode` and `encode_passages` make the same vectors; both exist only to match `Encoder`. They wait until `loop` has
    all replies. Do not call them in the thread that runs `loop`, or they wait forever.
    """

    def __init__(self, settings: EndpointEncoderSettings, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        self._settings, self._session, self._loop = settings, session, loop

    @cached_property
    def dimension(self) -> int:
        """How many numbers a vector has. Without the setting `dimension`, we request a vector and count."""
        return self._settings.dimension or int(self._encoded([PROBE]).shape[1])

    @property
    def model_identity(self) -> dict[str, str | None]:
        """What must be the same for queries and passages: the model."""
        return {"model": self._session.model.model}

    @property
    def identity(self) -> str:
        """The settings that change a vector, as JSON. All vectors of an index must have the same identity."""
        model, settings = self._session.model, self._settings
        asked = {"model": model.model, "parameters": model.sampling, "prefix": settings.prefix}
        return dump({**asked, "dimension": self.dimension, "normalize": settings.normalize})

    def encode(self, texts: list[str], what: str) -> np.ndarray:
        """Return one vector for each text, in the same order: float32, shape (len(texts), dimension).

        `what` is the title of the progress bar.
        """
        with bar(what, total=len(texts), unit=" texts") as counter:
            return self.encode_passages(texts, counter)

    def encode_passages(self, texts: list[str], counter: Any) -> np.ndarray:
        """Return one vector for each text, like `encode`. `counter` is a progress bar."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        found = self._encoded([self._settings.prefix + text for text in texts], counter)
        if self._settings.dimension and found.shape[1] < self.dimension:
            raise UserError(
                f"{self._session.model.model} sends vectors of {found.shape[1]} numbers, not {self.dimension}: lower "
                "or remove `dimension` of its encoder in config.yaml"
            )
        if found.shape[1] != self.dimension:
            raise UserError(
                f"{self._session.model.model} sends vectors of {found.shape[1]} numbers, but sent {self.dimension} "
                "before: the endpoint has another model now: restore the earlier model, or name the new `model` under "
                "`teachers`"
            )
        return found

    def _encoded(self, texts: list[str], counter: Any = None) -> np.ndarray:
        asking = asyncio.run_coroutine_threadsafe(self._ask(texts, counter), self._loop)
        vectors = asking.result()
        if len({len(vector) for vector in vectors}) > 1:
            raise UserError(
                f"{self._session.model.model} sends vectors of different dimensions: use an endpoint of one model only"
            )
        found: np.ndarray = np.stack(vectors)[:, : self._settings.dimension]
        if self._settings.normalize:
            exact = found.astype(np.float64)
            found = exact / np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
        return found.astype(np.float32)

    async def _ask(self, texts: list[str], counter: Any) -> list[np.ndarray]:
        async def vector(text: str) -> np.ndarray:
            _, reply = await self._session.ask({"input": text})
            if "failure" in reply:
                remedy = SHORTEN if too_long(reply["failure"]) else "remove the text, or choose another encoder"
                name = self._session.model.model
                raise UserError(f"{name} refuses a text ({reply['failure']}): {text[:100]!r}: {remedy}")
            if counter is not None:
                counter.update()
            return vector_of(reply["text"])

        # We wait for all vectors before we raise the first error. The session stores all vectors that arrive, so a
        # rerun does not pay for them again.
        found = await asyncio.gather(*map(vector, texts), return_exceptions=True)
        if errors := [one for one in found if isinstance(one, BaseException)]:
            raise errors[0]
        return [one for one in found if not isinstance(one, BaseException)]


def with_endpoint(
    settings: EndpointEncoderSettings,
    dataset: str,
    job: Settings,
    output: Path,
    work: Callable[[EndpointEncoder], Result],
) -> Result:
    """Open a session with the endpoint, and return the result of `work` with an encoder. See `with_teacher`."""

    async def in_session(session: Session) -> Result:
        encoder = EndpointEncoder(settings, session, asyncio.get_running_loop())
        return await asyncio.to_thread(work, encoder)

    return with_teacher(
        settings.teacher, dataset, STAGE, job, output, in_session, json.loads(settings.parameters), VectorClient
    )
