"""Read from the settings which sets of queries a data set searches for, and by which steps.

A set of queries has one of these names:
- `exemplars`: the instructions, which find source documents;
- a paradigm: the questions of its pairs, which find noise documents;
- REFILL: the questions of pairs that replace dropped pairs; these questions find noise documents too;
- FIRST_DOCUMENTS: the vectors of first documents, which find linked documents;
- EVALUATION and a benchmark's name: the benchmark's questions, which find documents for the answers.
"""

from collections.abc import Mapping
from typing import Any

from rag_instruct.paradigms import PARADIGMS, REFILL, is_refilled, quotas
from rag_instruct.settings import Settings

EVALUATION = "evaluation_"
FIRST_DOCUMENTS = "first_documents"


def steps(settings: Settings, queries: str) -> list[str]:
    """Return the steps that make the run of these queries, in order. Later stages read the run of the last step."""
    first, reranked = _search(settings, queries)
    if queries in settings["runs"]:
        first = "given"
    return [first, "reranked"] if reranked else [first]


def _search(settings: Settings, queries: str) -> tuple[str, bool]:
    """Return the retriever that searches for these queries, and whether its run is reranked."""
    if queries == FIRST_DOCUMENTS:  # these are vectors, but a search by words and a reranker need texts
        return "dense", False
    if queries == "exemplars":
        search = "sources"
    elif queries in (*PARADIGMS, REFILL):
        search = "noise"
    else:
        search = "evaluation"
    retriever = settings["retriever"]  # one retriever for all searches, or one for each search
    if isinstance(retriever, dict):
        retriever = retriever.get(search, "dense")
    return retriever, search in settings.get("rerank", {}).get("searches", ())


def encoder_and_corpus(settings: Settings, queries: str) -> tuple[str, str]:
    """Return the encoder and the corpus of these queries. For a benchmark, `evaluation` may replace either."""
    own = {**settings, **(settings["evaluation"] if queries.startswith(EVALUATION) else {})}
    return own["encoder"], own["corpus"]


def queries_of(settings: Settings) -> list[str]:
    """Return the names of a data set's sets of queries."""
    paradigms = [paradigm for paradigm in PARADIGMS if quotas(settings, paradigm)]
    linked = settings["multi_documents"]["choose"] == "linked" and any(PARADIGMS[one].several for one in paradigms)
    tested = [EVALUATION + one for one in settings["evaluation"]["benchmarks"]]
    extra = [*([REFILL] if is_refilled(settings) else []), *([FIRST_DOCUMENTS] if linked else [])]
    return ["exemplars", *paradigms, *extra, *tested]


def payer(config: Mapping[str, Any], corpus: str, encoder: str) -> str:
    """Return the data set that pays for this encoder's vectors of the corpus.

    The first data set that needs these vectors pays. If no data set needs them, the first data set pays.
    """
    for name, settings in config["datasets"].items():
        needed = [one for one in queries_of(settings) if needs_vectors(settings, one)]
        if any(encoder_and_corpus(settings, one) == (encoder, corpus) for one in needed):
            return str(name)
    return str(next(iter(config["datasets"])))


def compared_retrievers(settings: Settings, queries: str) -> list[str]:
    """Return the retrievers that results/<data set>/retrieval.md compares, for a benchmark's questions.

    Without the setting `evaluation.retrievers`, return the steps of the benchmark's own search.
    """
    return settings["evaluation"]["retrievers"] or steps(settings, queries)


def needs_vectors(settings: Settings, queries: str) -> bool:
    """Return whether the run of these queries, or a comparison of retrievers, needs vectors of the corpus."""
    ways = steps(settings, queries)
    if queries.startswith(EVALUATION):
        ways = [*ways, *settings["evaluation"]["retrievers"]]
    return bool({"dense", "hybrid"} & set(ways))


def needs_query_vectors(settings: Settings, queries: str) -> bool:
    """Return whether these queries need vectors: for their run, or for the filter of similar questions.

    This is true of FIRST_DOCUMENTS, too, although their vectors are copied
    and not embedded.
    """
    compared = queries in (*PARADIGMS, REFILL) and settings["quality_filters"].get("similar_questions")
    return bool(compared) or needs_vectors(settings, queries)
