"""The focus of a prompt: whole documents, or one sentence of each."""

from collections.abc import Iterator
from dataclasses import dataclass

from rag_instruct.corpus.passages import Passage
from rag_instruct.files import digest
from rag_instruct.paradigms import PARADIGMS


@dataclass(frozen=True)
class Focus:
    """The source documents of a row, and what the prompt says of them.

    `hidden` are passages that state the answer but are not shown, so they must not become noise. The answer must have
    some words of each group of `must_say` that the question does not have.
    """

    sources: tuple[Passage, ...]
    hidden: tuple[Passage, ...]
    variables: dict[str, str]
    must_say: tuple[tuple[str, ...], ...] = ()


def whole_documents(paradigm: str, exemplar: str, ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """Focus on the best passages as they are, in a later round on the next best ones: for capable teachers.

    The digest draws the number of documents, between the paradigm's bounds.
    """
    least, most = PARADIGMS[paradigm].least, PARADIGMS[paradigm].most
    count = least + int(digest(seed, paradigm), 16) % (most - least + 1)
    for start in range(0, len(ranked) - count + 1, count):
        sources = tuple(ranked[start : start + count])
        shown = "\n\n".join(f"Document {n}: {passage.document}" for n, passage in enumerate(sources, start=1))
        yield Focus(sources, (), {"documents": shown})
