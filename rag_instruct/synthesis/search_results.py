"""What the searches found for an exemplar: its best hits, and passages that are linked to the best of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag_instruct.corpus.linking import can_be_source
from rag_instruct.corpus.passages import Passage
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Link, LinkedDocument, LinkedDocuments, Source


@dataclass(frozen=True)
class LinkedHits:
    """A first document, and the passages that are linked to it, the nearest first."""

    first: Passage
    others: list[tuple[Hit, Link]]


@dataclass(frozen=True)
class SearchResults:
    """Passages that can be source documents for an exemplar, best first."""

    hits: list[Hit]
    linked: list[LinkedHits]

    @staticmethod
    def of(run: Run, exemplar_id: str, linked: Iterable[LinkedDocuments], least_words: int) -> "SearchResults":
        """Read the hits of an exemplar from its run, and the passages of its linked documents."""
        hits = [hit for hit in run.hits(exemplar_id) if can_be_source(hit.passage, least_words)]
        by_row = {one.row: one.linked for one in linked}
        return SearchResults(
            hits, [LinkedHits(hit.passage, _hits_of(by_row[hit.row], run)) for hit in hits if hit.row in by_row]
        )

    @property
    def ranked(self) -> list[Passage]:
        """All passages, each once: the best hits, then those that are linked to first documents."""
        passages = [hit.passage for hit in self.hits] + [hit.passage for one in self.linked for hit, _ in one.others]
        return list({passage.id: passage for passage in passages}.values())

    def sources(self, passages: Iterable[Passage]) -> tuple[Source, ...]:
        """Return passages as source documents, with rank and score in the first search that found them."""
        found = {hit.passage.id: hit for one in reversed(self.linked) for hit, _ in one.others}
        found |= {hit.passage.id: hit for hit in self.hits}
        hits = [found[passage.id] for passage in passages]
        return tuple(
            Source(hit.passage.id, hit.row, hit.rank, round(hit.score, 6), nearest_to=hit.nearest_to) for hit in hits
        )


def _hits_of(linked: Sequence[LinkedDocument], run: Run) -> list[tuple[Hit, Link]]:
    passages = run.store[[one.row for one in linked]]
    return [
        (Hit(passage, one.row, one.rank, one.score, one.nearest_to), one.link)
        for passage, one in zip(passages, linked, strict=True)
    ]
