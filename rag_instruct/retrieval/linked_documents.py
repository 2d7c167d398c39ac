"""Find documents that belong together, for questions over several documents.

An exemplar's best hit is its first document. A second search, with the vector of this passage, finds the passages near
to it. Those that name its article, or whose article it names, are linked to it.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from rag_instruct.corpus.linking import article, can_be_source, link
from rag_instruct.errors import UserError
from rag_instruct.logs import logger, progress
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.queries import digest_of, save_by_query
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.retrieval.vectors import VectorFile
from rag_instruct.schema import FirstDocument, Link, LinkedDocument, LinkedDocuments

KEPT = 12  # linked passages that are kept for a first document: four rounds of three
TERM_RANKS = 20  # a link by what may be an ordinary word counts only among the nearest passages, up to this rank


def first_documents(exemplar_ids: Iterable[str], run: Run, least_words: int) -> list[FirstDocument]:
    """Return the first documents of the exemplars, in the order of the corpus. Each stands there once.

    An exemplar without a hit that can be one gets none.
    """
    found: dict[tuple[int, str], list[str]] = {}
    for exemplar in exemplar_ids:
        if best := _first(run.hits(exemplar), least_words):
            found.setdefault((best.row, best.passage.id), []).append(exemplar)
    return [FirstDocument(name, row, tuple(sorted(ids))) for (row, name), ids in sorted(found.items())]


def _first(hits: list[Hit], least_words: int) -> Hit | None:
    """Return the best hit with twice the `least_words` of a source document, if possible one linked to another hit."""
    able = [hit for hit in hits if can_be_source(hit.passage, 2 * least_words)]
    linked = (hit for hit in able if any(_is_name(link(hit.passage, other.passage)) for other in able))
    return next(linked, able[0] if able else None)


def _is_name(between: Link | None) -> bool:
    return between is not None and between.kind == "name"


def read_vectors(
    documents: Sequence[FirstDocument], shards: Sequence[Path], first_rows: Sequence[int], output: Path
) -> None:
    """Write the passages' own vectors as the vectors of queries, one shard after another. They are not computed again.

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


def linked_documents(documents: Sequence[FirstDocument], run: Run, least_words: int) -> Iterator[LinkedDocuments]:
    """Yield each first document with the passages that are linked to it. `run` lists the nearest passages."""
    alone = 0
    for document in progress(documents, "linking", len(documents)):
        linked = _linked(document, run, least_words)
        alone += not linked
        yield LinkedDocuments(document.id, document.row, document.exemplars, linked=linked)
    logger.info("%s of %s first documents have linked passages", f"{len(documents) - alone:,}", f"{len(documents):,}")


def _linked(document: FirstDocument, run: Run, least_words: int) -> tuple[LinkedDocument, ...]:
    """Return the nearest linked passage of each other article, at most KEPT."""
    first = run.store[[document.row]][0]
    found: dict[str, LinkedDocument] = {}
    for hit in run.hits(document.id):
        between = link(first, hit.passage)
        if between and (between.kind == "name" or hit.rank <= TERM_RANKS) and can_be_source(hit.passage, least_words):
            one = LinkedDocument(hit.passage.id, hit.row, hit.rank, round(hit.score, 6), document.id, link=between)
            found.setdefault(article(hit.passage), one)
        if len(found) == KEPT:
            break
    return tuple(found.values())


def by_exemplar(path: Path | None) -> dict[str, LinkedDocuments] | None:
    """Read linked documents by the id of each exemplar. None without a file."""
    if path is None:
        return None
    return {exemplar: found for found in read_records(path, LinkedDocuments) for exemplar in found.exemplars}
