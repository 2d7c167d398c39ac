"""Finds the files that a preview may read. It skips files that a run would make again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.graph.plan import stale_files
from rag_instruct.logs import logger
from rag_instruct.paradigms import PARADIGMS, REFILL, is_refilled, quotas
from rag_instruct.retrieval.steps import encoder_and_corpus, queries_of

# Settings that decide which exemplars a data set draws and keeps, and what its search finds.
DECIDES_EXEMPLARS = [
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
OF_EXEMPLARS = ("exemplars/drawn.jsonl", "exemplars/kept.jsonl", "search/exemplars.parquet")


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
    for one in alike(settings, name):
        yield from (results / one / file for file in OF_EXEMPLARS)
    for corpus in sorted({encoder_and_corpus(dataset, one)[1] for one in queries_of(dataset)}):
        yield results / "corpora" / corpus / "passages.arrow"
    own = results / name
    yield from (own / "linked_documents/linked.jsonl", own / "facts.jsonl")
    for paradigm in (one for one in PARADIGMS if quotas(dataset, one)):
        yield from (own / f"pairs/{paradigm}.jsonl", own / f"rows/{paradigm}.jsonl")
    if is_refilled(dataset):
        yield own / f"pairs/{REFILL}.jsonl"
    for tested in dataset["evaluation"]["benchmarks"]:
        yield results / f"benchmarks/{tested}/questions.jsonl"
        yield from (own / f"evaluation/{tested}/{file}.jsonl" for file in ("queries", "documents"))


def alike(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the data set and all others with the same exemplars.

    An ablation often has the same exemplars as another data set. Before the ablation's own files exist, the preview can
    read the other's, and count stored answers.
    """

    def decides(one: str) -> list[Any]:
        chosen = settings["datasets"][one]
        return [*(chosen.get(key) for key in DECIDES_EXEMPLARS), list(chosen["exemplars"])]  # their order counts too

    return [one for one in dict.fromkeys((name, *settings["datasets"])) if decides(one) == decides(name)]
