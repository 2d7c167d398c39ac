"""Measures how well the filters of pairs agree with a reader, who labelled pairs as good or bad."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rag_instruct.citations import uncited
from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.errors import UserError
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.reasons import Fault
from rag_instruct.records import located_records, shown
from rag_instruct.records.values import flag
from rag_instruct.synthesis.declining import declining_fault, pair_declining_fault
from rag_instruct.synthesis.filters import pair_fault
from rag_instruct.synthesis.focus import Focus, texts_of

NEEDED = ("paradigm", "question", "answer")


class Judged(NamedTuple):
    """A labelled pair, and why the filters refuse it, or None."""

    id: str
    question: str
    answer: str
    good: bool
    fault: Fault | None

    @property
    def agrees(self) -> bool:
        """Whether filters and reader agree."""
        return self.good == (self.fault is None)


def judge_pairs(path: Path, passages: PassageStore | None) -> list[Judged]:
    """Read labelled pairs, and judge them by the filters for prompts with whole documents.

    A pair is bad if its `should_keep` is false. Lines with `skip` are left out, because they have no pair. Raise
    UserError for a line that is no pair, lacks documents, or has `sources` of a corpus other than `passages`.
    """
    judged = []
    for place, record in located_records(path):
        where = f"{path}, {place}"
        if not isinstance(record, dict):
            raise UserError(f"{where}: {shown(record)} is no pair: write one object a line")
        # Without nulls, because Parquet has every field in every record.
        line = {name: value for name, value in record.items() if value is not None}
        if not line.get("skip"):  # true, or the reason
            judged.append(_judged(where, line, passages))
    return judged


def _judged(where: str, line: dict[str, Any], passages: PassageStore | None) -> Judged:
    if lacking := [name for name in NEEDED if not isinstance(line.get(name), str)]:
        raise UserError(f"{where}: {lacking[0]!r} must be a text: a pair has {', '.join(NEEDED)} and documents")
    if line["paradigm"] not in PARADIGMS:
        raise UserError(f"{where}: the paradigm {line['paradigm']!r} is none of {', '.join(PARADIGMS)}")
    good = flag(line, "should_keep", True, where)
    focus = Focus(tuple(_documents(where, line, passages)), (), {})
    question, answer = line["question"], uncited(line["answer"])  # rejects have citations, but are not marked `cited`
    if full := line.get("withheld_answer"):  # a row that declines
        fault = declining_fault(question, uncited(full), answer, texts_of(focus.sources))
    else:
        fault = pair_fault(line["paradigm"], question, answer, line.get("exemplar", ""), focus)
        if not fault and (withheld := line.get("withheld")):  # a pair whose row will decline
            fault = pair_declining_fault(question, answer, line.get("declined", ""), focus.sources, withheld)
    return Judged(line.get("id", where), line["question"], line["answer"], good, fault)


def _documents(where: str, line: dict[str, Any], passages: PassageStore | None) -> Iterator[Passage]:
    """Yield a pair's source documents: given as texts, or looked up by the rows of the corpus in `sources`."""
    if "documents" in line:
        documents = line["documents"]
        if not isinstance(documents, list) or not all(isinstance(document, str) for document in documents):
            raise UserError(f"{where}: 'documents' must be a list of texts")
        roles = [passage["role"] for passage in line.get("passages", [])] or ["source"] * len(documents)
        if len(roles) != len(documents):
            raise UserError(f"{where}: it has {len(documents)} `documents`, but {len(roles)} `passages`: correct it")
        for role, document in zip(roles, documents, strict=True):
            if role == "source":
                yield _passage(document)
    elif passages and line.get("sources"):
        yield from _looked_up(where, line["sources"], passages)
    else:
        raise UserError(f"{where}: no documents: give `documents`, or `sources` and --passages")


def _looked_up(where: str, sources: list[dict[str, Any]], passages: PassageStore) -> list[Passage]:
    """Return the passages in the rows of a pair's sources. Raise UserError if these rows lack the sources' ids."""
    other = f"{where}: --passages is another corpus than the pair's"
    if beyond := [source["row"] for source in sources if not 0 <= source["row"] < len(passages)]:
        raise UserError(f"{other}: it has {len(passages)} passages, and none in row {beyond[0]} (from 0)")
    found = passages[[source["row"] for source in sources]]
    for source, passage in zip(sources, found, strict=True):
        if source.get("id", passage.id) != passage.id:
            raise UserError(f"{other}: its row {source['row']} (from 0) is {passage.id!r}, not {source['id']!r}")
    return found


def _passage(document: str) -> Passage:
    """Return a document as a passage: the title before the first line break, or no title if there is no line break."""
    title, line_break, text = document.partition("\n")
    return Passage("", title, text) if line_break else Passage("", "", document)


def disagreements(judged: Iterable[Judged]) -> list[str]:
    """Return a text for each pair on which filters and reader disagree, with the filters' reason."""
    return [
        f"{one.id}: {f'refused, though good: {one.fault}' if one.good else 'kept, though bad'}\n"
        f"  {one.question}\n  {one.answer}"
        for one in judged
        if not one.agrees
    ]


def summary(judged: list[Judged]) -> str:
    """Return how many good pairs the filters keep, and how many bad ones they refuse."""
    good, bad = ([one.agrees for one in judged if one.good == label] for label in (True, False))
    return f"kept {sum(good)} of {len(good)} good, refused {sum(bad)} of {len(bad)} bad"
