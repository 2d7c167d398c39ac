"""Read the runs of other retrievers: in TREC's format, as records, or as a JSON object of scores.

A run lists the best passages of the corpus for each query.
"""

import math
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.records import PLAIN, is_known, located_members, located_records, shown, text_lines
from rag_instruct.records.opening import files_in, kind_of, opened_text, resolved
from rag_instruct.records.values import listed, name_of
from rag_instruct.retrieval.depths import search_depth
from rag_instruct.retrieval.queries import refuse_repeated
from rag_instruct.retrieval.runs import OWN, step_of, write_run
from rag_instruct.retrieval.vectors import HITS

# The names that BEIR, ir-measures, Pyserini, PyTerrier, ranx, DPR and Self-RAG give these fields.
QUERY = ("query_id", "qid", "q_id", "query-id", "queryid")
# PyTerrier writes both docno and docid. Its docid is an internal row number, so docno comes first.
PASSAGE = ("passage_id", "docno", "docid", "doc_id", "corpus-id", "pid", "did")
# A record with one of these fields has a query and the list of its hits. In such a record, `id` is the query's id, and
# in an entry of the list, `id` is the passage's. In a record without a list, `id` could be the query's or the
# passage's, so we do not read `id`.
LISTS = ("ctxs", "retrieval_ctxs", "hits", "results")
QRELS = re.compile(r"\S+\s+(0|Q0)\s+\S+\s+-?\d+")  # TREC's judgements
UNSCORED = re.compile(r"\S+\s+\S+\s+-?\d+")  # BEIR's judgements without their header, or MS MARCO's runs
TREC = "`query Q0 passage rank score name` with a finite score"


class Found(NamedTuple):
    """A hit in a file: its place, the ids as texts, and the score."""

    place: str
    query: str
    passage: str
    score: float
    own: bool = False  # from a file that we wrote: the ids are decoded already


def import_run(
    source: Path, k: int, query_ids: list[str], passages: Path, output: Path, trec: Path, deeper: int = 0
) -> None:
    """Convert another retriever's file to a run, which replaces the search.

    Each query needs at least k hits. All queries keep the same number of best hits: k, or more (up to `deeper`) if
    every query has more.
    Raises UserError for a broken line, for a query with fewer than k hits, and for a passage that the corpus lacks.
    """
    refuse_repeated(query_ids, output)
    found = _by_query(source, query_ids)
    lacking = [query for query in query_ids if len(found[query]) < k]
    if lacking:
        raise UserError(
            f"{source}: {len(lacking):,} of {len(query_ids):,} queries have fewer than {k} hits. The first is "
            f"{lacking[0]!r} with {len(found[lacking[0]])}: search deeper, or lower the depth in "
            "config.yaml (`source_depth`, `noise.depth`, or `evaluation.documents` for benchmarks)"
        )
    k = search_depth(k, deeper, min((len(found[query]) for query in query_ids), default=k))
    store = PassageStore(passages)
    rows = _rows_of({passage for hits in found.values() for passage in hits}, store, source)
    step = step_of(k)
    parts = (
        np.vstack([_best(query, found[query], rows, k, source) for query in query_ids[start : start + step]])
        for start in range(0, len(query_ids), step)
    )
    write_run(parts, query_ids, store, output, trec)


def _by_query(source: Path, wanted: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return the scores of each wanted query by passage id.

    Our TREC files have percent-encoded ids. A tool that has read such a file, for example to rerank it, writes encoded
    ids, too. So if a query id is not in `wanted`, we decode it. `_rows_of` decodes a passage id that the corpus lacks.
    """
    found: dict[str, dict[str, float]] = {query: {} for query in wanted}
    names: dict[str, str] = {}  # one copy of each passage id, because many queries have the same passage
    ignored = 0
    for place, query, passage, score, own in _hits(source):
        if not math.isfinite(score):
            raise UserError(f"{source}, {place}: the score {score} is not finite: correct or remove the hit")
        scores = found.get(query if own or query in found else unquote(query))
        if scores is None:
            ignored += 1
            continue
        if passage in scores:
            raise UserError(f"{source}, {place}: the query {query!r} has the passage {passage!r} twice: remove one")
        scores[names.setdefault(passage, passage)] = score
    if ignored:
        logger.warning("%s: ignored %s hits of queries that this data set does not have", source, f"{ignored:,}")
    return found


def _hits(source: Path) -> Iterator[Found]:
    """Yield the hits of a file of any form, in the file's order."""
    path = _only_file(source) or resolved(source, PLAIN)
    yield from _reader(path)(path)


def _reader(path: Path) -> Callable[[Path], Iterator[Found]]:
    """Return the function that reads this file. The name's ending decides, and for .tsv and .json also the content."""
    if not is_known(path):
        return _of_trec
    kind, compression = kind_of(path)
    if kind == ".tsv":  # records with a header, or TREC's format
        header = next(iter(text_lines(path)), "").strip("\r\n").replace('"', "").split("\t")
        return _of_records if set(header) & set(QUERY) else _of_trec
    if kind == ".json":
        with opened_text(path, PLAIN, compression, with_bar=False) as text:
            return _of_object if text.head.startswith("{") else _of_records
    return _of_records


def _only_file(archive: Path) -> Path | None:
    """Return the only file of a .zip. Return None if `archive` is no .zip or has several files.

    The only file may have any ending, because TREC's files have no fixed ending.
    """
    if archive.suffix.lower() != ".zip" or not zipfile.is_zipfile(archive):
        return None
    names = [name for name in files_in(archive) if "__MACOSX" not in name]
    return archive / names[0] if len(names) == 1 else None


def _of_trec(source: Path) -> Iterator[Found]:
    """Yield the hits of a file in TREC's format. In our own files, ids are percent-encoded, so we decode them."""
    for number, line in enumerate(text_lines(source), start=1):
        if line.isspace():
            continue
        try:
            query, _, passage, _, score, name = re.split("[ \t]+", line.strip(" \t\r\n"))
            own = name == OWN
            decoded = unquote if own else str
            yield Found(f"line {number}", decoded(query), decoded(passage), float(score), own)
        except ValueError as error:
            raise UserError(
                f"{source}, line {number}: {line.strip()!r:.80} is not {TREC}: {_remedy(line.strip())}"
            ) from error


def _remedy(line: str) -> str:
    """Return what to do about a line that is not in TREC's format of runs."""
    if QRELS.fullmatch(line):
        return "give the run that belongs to these judgements (qrels)"
    if UNSCORED.fullmatch(line):
        return "these may be judgements (qrels), or a run without scores: give a run with scores"
    return "correct or remove the line. Files of records need an ending such as .jsonl"


def _of_object(source: Path) -> Iterator[Found]:
    """Yield the hits of a JSON object {query: {passage: score}}, as BEIR and ranx write it."""
    for place, query, scores in located_members(source):
        if not isinstance(scores, Mapping):
            raise UserError(
                f"{source}, {place}: {shown(query)} must have an object of scores by passage, but has {shown(scores)}: "
                "give an object {query: {passage: score}}, an array of records, or a .jsonl file with a record per line"
            )
        for passage, score in scores.items():
            yield Found(place, query, passage, _score(score, f"{source}, {place}"))


def _of_records(source: Path) -> Iterator[Found]:
    """Yield the hits of records with a query, a passage and a score, or with a query and a list of its hits."""
    for place, record in located_records(source):
        where = f"{source}, {place}"
        name = next((name for name in LISTS if isinstance(record, Mapping) and name in record), None)
        if name is None:
            query = _named(record, QUERY, "query's id", where)
            passage = _named(record, PASSAGE, "passage's id", where)
            yield Found(place, query, passage, _score(record.get("score"), where))
            continue
        query = _named(record, (*QUERY, "id"), "query's id", where)
        for hit in _hits_of_record(record, name, where):
            passage = _named(hit, (*PASSAGE, "id"), "passage's id", where)
            yield Found(place, query, passage, _score(hit.get("score"), where))


def _hits_of_record(record: Mapping[str, Any], name: str, where: str) -> list[Any]:
    """Return the list of hits in the field `name`, one of LISTS."""
    try:
        hits = listed(record[name], name)
    except TypeError as error:
        raise UserError(f"{where}: {error}: correct the record") from error
    if not isinstance(hits, list):
        raise UserError(f"{where}: {name} must be a list of hits, but is {shown(hits)}: correct the record")
    return hits


def _named(record: Any, names: Sequence[str], what: str, where: str) -> str:
    """Return the id in the record's first field of `names`."""
    name = next((name for name in names if isinstance(record, Mapping) and name in record), None)
    if name is None:
        raise UserError(f"{where}: no {what} in {shown(record)}: call the field {names[0]}, or {', '.join(names[1:])}")
    try:
        found = name_of(record[name], what)
    except TypeError as error:
        raise UserError(f"{where}: {error}: correct the record") from error
    if not found:
        raise UserError(f"{where}: the {what} is empty: fill it in, or remove the record")
    return found


def _score(value: Any, where: str) -> float:
    """Return a score as a float. `value` is a number, or a text with a number."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return float(value)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{where}: the `score` of a hit must be a number, but is {shown(value)}: correct or remove the hit"
        ) from error


def _rows_of(ids: set[str], store: PassageStore, source: Path) -> dict[str, int]:
    """Return the corpus row of each passage id. If the corpus lacks an id, look for the percent-decoded id."""
    wanted = ids | {unquote(name) for name in ids}
    known = {name: row for row, name in enumerate(store.id_slice(0, len(store))) if name in wanted}
    in_corpus = {name: name if name in known else unquote(name) for name in ids}
    rows = {name: known[found] for name, found in in_corpus.items() if found in known}
    missing = sorted(ids - rows.keys())
    if missing:
        raise UserError(
            f"{source}: {len(missing):,} of its passage ids are not in the corpus, such as {missing[0]!r}: "
            "give a run of the same corpus"
        )
    return rows


def _best(query: str, hits: Mapping[str, float], rows: dict[str, int], k: int, source: Path) -> np.ndarray:
    by_row = {rows[passage]: passage for passage in hits}
    if len(by_row) < len(hits):
        one, other = next((name, by_row[rows[name]]) for name in hits if by_row[rows[name]] != name)
        raise UserError(
            f"{source}: the query {query!r} has {one!r} and {other!r}, which mean the same passage of the corpus, "
            "because one is percent-encoded: remove one of them"
        )
    best = sorted(((rows[passage], score) for passage, score in hits.items()), key=lambda hit: (-hit[1], hit[0]))
    return np.array(best[:k], dtype=HITS)
