"""Find documents that belong together, for questions over several documents.

A *first document* is the passage from which a multi-document question starts. It is one of an exemplar's best hits. A
second search, with the vectors of the first documents, finds passages near to them. A near passage is linked if it
names the first document's article, or if the first document names the near passage's article.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from rag_instruct.corpus.linking import article, can_be_source, is_about_its_article, link
from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.queries import digest_of, save_by_query
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.retrieval.vectors import VectorFile
from rag_instruct.schema import FirstDocument, Link, LinkedDocument, LinkedDocuments

# Linked passages that we keep for a first document. An exemplar may serve several rows. No two of them
# use the same linked passage, and each uses at most three. So we keep enough for four rows.
KEPT = 12
# A linked passage must have at least RELATED times the score of the passage that is nearest to the first document.
RELATED = 0.5
# In a link, one passage names the article of the other. If the named passage does not begin with the subject of its
# article, it tells a detail, such as a city's climate. Then RELATED_DETAIL replaces RELATED.
RELATED_DETAIL = 0.75
# A title such as "Glacier" may be an ordinary word in a text. If a link rests on such a title, the linked passage must
# have at most this rank.
# Normally the first document itself has rank 1, so 19 other passages can have such a rank.
TERM_RANKS = 20


def first_documents(exemplar_ids: Iterable[str], run: Run, least_words: int, count: int) -> list[FirstDocument]:
    """Return the first documents of the exemplars, each once, in the order of the corpus.

    Each exemplar gets at most `count` of them, all of different articles.
    """
    found: dict[tuple[int, str], list[str]] = {}
    for exemplar in exemplar_ids:
        for hit in _firsts(run.hits(exemplar), least_words, count):
            found.setdefault((hit.row, hit.passage.id), []).append(exemplar)
    return [FirstDocument(name, row, tuple(sorted(ids))) for (row, name), ids in sorted(found.items())]


def _firsts(hits: list[Hit], least_words: int, count: int) -> list[Hit]:
    """Return at most `count` hits, one for each article.

    `least_words` is the minimum for a source document; a first document needs twice as many words.
    Hits with a link by name to another hit come first, because they probably have a linked passage. Then come the other
    hits. Each group keeps the order of the ranks.
    """
    able = [hit for hit in hits if can_be_source(hit.passage, 2 * least_words)]

    def has_no_link(hit: Hit) -> bool:
        return not any(_by_name(link(hit.passage, other.passage)) for other in able)

    of_article: dict[str, Hit] = {}
    for hit in sorted(able, key=has_no_link):  # False sorts before True
        of_article.setdefault(article(hit.passage), hit)
    return list(of_article.values())[:count]


def _by_name(between: Link | None) -> bool:
    """Return whether there is a link whose words are surely the name of an article."""
    return between is not None and between.kind == "name"


def copy_vectors(
    documents: Sequence[FirstDocument], shards: Sequence[Path], first_rows: Sequence[int], output: Path
) -> None:
    """Copy the vectors of the first documents from the shards to `output`, as the vectors of queries.

    `first_rows` has the corpus row of the first vector of each shard.
    Raises UserError when a passage is not in the shards.
    """
    rows = np.array([document.row for document in documents], np.int64)
    files = [VectorFile(shard) for shard in shards]
    vectors = np.empty((len(rows), files[0].dimension), np.float32)
    done = 0
    for file, first in zip(files, first_rows, strict=True):
        here = np.flatnonzero((rows >= first) & (rows < first + len(file)))
        vectors[here] = file.scattered(rows[here] - first)
        done += len(here)
    if done != len(rows):
        raise UserError(
            f"{output.parent}: {len(rows) - done:,} of {len(rows):,} first documents are not in the shards of the "
            "vectors: the corpus changed; delete this folder, and it is made again"
        )
    save_by_query(output, vectors, digest_of([document.id for document in documents]))


def linked_documents(documents: Iterable[FirstDocument], run: Run, least_words: int) -> Iterator[LinkedDocuments]:
    """Yield each first document with the passages that are linked to it.

    `run` has the nearest passages of each first document, under the document's id.
    """
    for document in documents:
        linked = _linked(document, run, least_words)
        yield LinkedDocuments(document.id, document.row, document.exemplars, linked=linked)


def _linked(document: FirstDocument, run: Run, least_words: int) -> tuple[LinkedDocument, ...]:
    """Return the nearest linked passage of each article but the first document's, at most KEPT passages."""
    (first,) = run.store[[document.row]]
    others = [hit for hit in run.hits(document.id) if hit.row != document.row]
    found: dict[str, LinkedDocument] = {}
    for hit in others:
        between = link(first, hit.passage)
        if between and _related(first, hit, between, others[0].score) and can_be_source(hit.passage, least_words):
            one = LinkedDocument(hit.passage.id, hit.row, hit.rank, round(hit.score, 6), document.id, link=between)
            found.setdefault(article(hit.passage), one)
        if len(found) == KEPT:
            break
    return tuple(found.values())


def _related(first: Passage, hit: Hit, between: Link, best: float) -> bool:
    """Return whether a linked passage is near enough to the first document.

    `best` is the score of the passage that is nearest to the first document, linked or not.
    """
    if between.kind == "term" and hit.rank > TERM_RANKS:
        return False
    if best <= 0:  # then a fraction of `best` means nothing
        return True
    named = first if between.named == first.id else hit.passage
    return hit.score >= (RELATED if is_about_its_article(named) else RELATED_DETAIL) * best


def by_exemplar(path: Path | None) -> dict[str, list[LinkedDocuments]] | None:
    """Read the first documents of each exemplar. Keep only first documents with a linked passage.

    Return None if `path` is None.
    """
    if path is None:
        return None
    found: dict[str, list[LinkedDocuments]] = {}
    for one in read_records(path, LinkedDocuments):
        for exemplar in one.exemplars if one.linked else ():
            found.setdefault(exemplar, []).append(one)
    return found
