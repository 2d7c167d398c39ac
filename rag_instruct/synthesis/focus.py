"""The focus of a prompt: a row's source documents and what the prompt needs about them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rag_instruct.corpus.passages import Passage
from rag_instruct.files import digest
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.schema import Link
from rag_instruct.synthesis.search_results import SearchResults


@dataclass(frozen=True)
class Focus:
    """The source documents of a row, and the variables that the prompt needs.

    `hidden` are passages that state the answer and stay out of the row, even as noise. `from_sentences` says that the
    parser made the questions from single sentences. Else the teacher makes them from whole documents.
    """

    sources: tuple[Passage, ...]
    hidden: tuple[Passage, ...]
    variables: dict[str, str]
    from_sentences: bool = False
    links: tuple[Link, ...] = ()  # between the source documents

    def split(self, unused: Collection[int]) -> tuple["Focus", tuple[Passage, ...]]:
        """Return the focus on the used documents, and the unused documents. `unused` has their numbers, from 1."""
        numbered = list(enumerate(self.sources, start=1))
        used = tuple(passage for number, passage in numbered if number not in unused)
        kept = {passage.id for passage in used}
        links = tuple(link for link in self.links if {link.naming, link.named} <= kept)
        rest = tuple(passage for number, passage in numbered if number in unused)
        return replace(self, sources=used, links=links), rest


def texts_of(passages: tuple[Passage, ...]) -> str:
    """Return titles and texts of the passages as one text."""
    return " ".join(f"{passage.title}. {passage.text}" for passage in passages)


def whole_documents(paradigm: str, ranked: list[Passage], seed: str) -> Iterator[Focus]:
    """Yield focuses on whole passages: first on the best ones, then on the next best, and so on.

    Only capable teachers can write from whole passages.
    """
    count = _count(paradigm, seed)
    for start in range(0, len(ranked) - count + 1, count):
        yield _shown(ranked[start : start + count])


def linked_focuses(paradigm: str, found: SearchResults, seed: str) -> Iterator[Focus]:
    """Yield focuses on a first document and passages that are linked to it. First documents take turns.

    A hash draws the number of documents. If fewer passages are linked, there are fewer documents, but at least two.
    """
    others = _count(paradigm, seed) - 1
    for start in range(0, max((len(one.others) for one in found.linked), default=0), others):
        for one in found.linked:
            if chosen := one.others[start : start + others]:
                yield _shown([one.first, *(hit.passage for hit, _ in chosen)], tuple(link for _, link in chosen))


def _count(paradigm: str, seed: str) -> int:
    """Return the number of source documents, chosen by a hash within the paradigm's bounds."""
    least, most = PARADIGMS[paradigm].least, PARADIGMS[paradigm].most
    return least + int(digest(seed, paradigm), 16) % (most - least + 1)


def _shown(sources: Sequence[Passage], links: tuple[Link, ...] = ()) -> Focus:
    shown = "\n\n".join(f"Document {n}: {passage.document}" for n, passage in enumerate(sources, start=1))
    return Focus(tuple(sources), (), {"documents": shown}, links=links)
