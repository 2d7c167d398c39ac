"""Finds the files that a preview may read: those that exist and that a run would not make again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.graph.plan import stale_files
from rag_instruct.logs import logger
from rag_instruct.paradigms import PARADIGMS, REFILL, is_refilled, quotas
from rag_instruct.retrieval.steps import encoder_and_corpus, queries_of

# Settings that decide which exemplars a data set draws and keeps, and what its search finds.
EXEMPLAR_SETTINGS = [
    "corpus",
    "encoder",
    "retriever",
    "bm25",
    "rerank",
    "exemplars",
    "cleaning",
    "decontaminate",
    "exemplar_filter",
    "exemplars_a_request",
    "forbidden_licenses",
    "runs",
    "source_depth",
    "seed",
]
EXEMPLAR_FILES = ("exemplars/drawn.jsonl", "exemplars/kept.jsonl", "search/exemplars.parquet")


def current_files(
    settings: Mapping[str, Any], name: str, results: Path, snakefile: Path | None, configfiles: Sequence[Path]
) -> Collection[Path]:
    """Return the files that the preview of a data set reads, without missing and stale ones.

    A file is stale if a run by this Snakefile would make it again. Without a Snakefile, no file counts as stale.
    """
    made = [path for path in _files(settings, name, results) if path.exists()]
    if snakefile is None or not made:
        return made
    try:
        stale = stale_files(made, snakefile, configfiles)
    except UserError as error:
        logger.warning("stale files count as current, because %s", error)
        return made
    return [path for path in made if path not in stale]


def _files(settings: Mapping[str, Any], name: str, results: Path) -> Iterator[Path]:
    dataset = settings["datasets"][name]
    for data_set in alike(settings, name):
        yield from (results / data_set / file for file in EXEMPLAR_FILES)
    for corpus in sorted({encoder_and_corpus(dataset, queries)[1] for queries in queries_of(dataset)}):
        yield results / "corpora" / corpus / "passages.arrow"
    own = results / name
    yield from (own / "linked_documents/linked.jsonl", own / "facts.jsonl")
    for paradigm in PARADIGMS:
        if quotas(dataset, paradigm):
            yield from (own / f"pairs/{paradigm}.jsonl", own / f"rows/{paradigm}.jsonl")
    if is_refilled(dataset):
        yield own / f"pairs/{REFILL}.jsonl"
    for tested in dataset["evaluation"]["benchmarks"]:
        yield results / f"benchmarks/{tested}/questions.jsonl"
        yield from (own / f"evaluation/{tested}/{file}.jsonl" for file in ("queries", "documents"))


def alike(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the data set, and then all others whose settings make the same exemplars.

    An ablation often has the same exemplars as another data set. Before the ablation's own files exist, the preview can
    read the other's, and count stored answers.
    """

    def exemplar_settings(data_set: str) -> list[Any]:
        chosen = settings["datasets"][data_set]
        # Equal dicts may differ in order, and the order of the exemplar sets counts.
        return [*(chosen.get(key) for key in EXEMPLAR_SETTINGS), list(chosen["exemplars"])]

    own = exemplar_settings(name)
    return [name, *(other for other in settings["datasets"] if other != name and exemplar_settings(other) == own)]
