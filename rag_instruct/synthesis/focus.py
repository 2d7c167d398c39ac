"""The focus of a prompt: a row's source documents and what the prompt needs about them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from rag_instruct.corpus.passages import Passage
from rag_instruct.files import digest
from rag_instruct.paradigms import PARADIGMS


@dataclass(frozen=True)
class Focus:
    """The source documents of a row, and the variables that the prompt needs.

    `hidden` are passages that state the answer and stay out of the row, even as noise. `must_say` has groups of
    words: from each group, the answer must have one that the question does not have.
    """

    sources: tuple[Passage, ...]
    hidden: tuple[Passage, ...]
    variables: dict[str, str]
    must_say: tuple[tuple[str, ...], ...] = ()

    def parted(self, unused: Collection[int]) -> tuple["Focus", tuple[Passage, ...]]:
        """Return the focus without the source documents of these numbers (from 1), and these documents."""
        numbered = list(enumerate(self.sources, start=1))
        used = tuple(passage for number, passage in numbered if number not in unused)
        return replace(self, sources=used), tuple(passage for number, passage in numbered if number in unused)


def texts_of(passages: tuple[Passage, ...]) -> str:
    """Return titles and texts of the passages as one text."""
    return " ".join(f"{passage.title}. {passage.text}" for passage in passages)


def whole_documents(paradigm: str, exemplar: str, ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """Yield focuses on whole passages: first on the best ones, then on the next best, and so on.

    The number of passages is chosen by a hash of the seed and the paradigm, within the paradigm's bounds. Only capable
    teachers can write from whole passages.
    """
    least, most = PARADIGMS[paradigm].least, PARADIGMS[paradigm].most
    count = least + int(digest(seed, paradigm), 16) % (most - least + 1)
    for start in range(0, len(ranked) - count + 1, count):
        sources = tuple(ranked[start : start + count])
        shown = "\n\n".join(f"Document {n}: {passage.document}" for n, passage in enumerate(sources, start=1))
        yield Focus(sources, (), {"documents": shown})
