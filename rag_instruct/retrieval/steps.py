"""How the run of each kind of queries is made: the names of queries, and the steps from a data set's settings."""

from collections.abc import Mapping
from typing import Any

from rag_instruct.paradigms import PARADIGMS, REFILL, is_refilled, quotas
from rag_instruct.settings import Settings

EVALUATION = "evaluation_"  # before a benchmark's name: the queries that are its questions
FIRST_DOCUMENTS = "first_documents"  # the queries that find linked documents: vectors of passages


def steps(settings: Settings, queries: str) -> list[str]:
    """Return the steps that make the run of these queries, in order. Later stages read the run of the last step."""
    search = {"exemplars": "sources", **dict.fromkeys([*PARADIGMS, REFILL], "noise")}.get(queries, "evaluation")
    asked = settings["retriever"]
    first = asked.get(search, "dense") if isinstance(asked, dict) else asked
    reranked = search in settings.get("rerank", {}).get("searches", ())
    if queries == FIRST_DOCUMENTS:  # these queries are vectors without a text
        first, reranked = "dense", False
    return ["given" if queries in settings["runs"] else first, *(["reranked"] if reranked else [])]


def encoder_and_corpus(settings: Settings, queries: str) -> tuple[str, str]:
    """Return the encoder and the corpus of queries. For benchmarks' questions, `evaluation` may name others."""
    own = {**settings, **(settings["evaluation"] if queries.startswith(EVALUATION) else {})}
    return own["encoder"], own["corpus"]


def queries_of(settings: Settings) -> list[str]:
    """Return the names of a data set's queries."""
    paradigms = [paradigm for paradigm in PARADIGMS if quotas(settings, paradigm)]
    linked = settings["multi_documents"]["choose"] == "linked" and any(PARADIGMS[one].several for one in paradigms)
    tested = [EVALUATION + one for one in settings["evaluation"]["benchmarks"]]
    extra = [*([REFILL] if is_refilled(settings) else []), *([FIRST_DOCUMENTS] if linked else [])]
    return ["exemplars", *paradigms, *extra, *tested]


def payer(config: Mapping[str, Any], corpus: str, encoder: str) -> str:
    """Return the data set that pays for the vectors of a corpus: the first that needs them from this encoder."""
    for name, settings in config["datasets"].items():
        needed = [one for one in queries_of(settings) if needs_vectors(settings, one)]
        if any(encoder_and_corpus(settings, one) == (encoder, corpus) for one in needed):
            return str(name)
    return str(next(iter(config["datasets"])))


def compared_retrievers(settings: Settings, queries: str) -> list[str]:
    """Return the retrievers whose runs for a benchmark's questions results/<data set>/retrieval.md compares."""
    return settings["evaluation"]["retrievers"] or steps(settings, queries)


def needs_vectors(settings: Settings, queries: str) -> bool:
    """Return whether the run of these queries, or a comparison of retrievers, needs vectors."""
    ways = steps(settings, queries)
    if queries.startswith(EVALUATION):
        ways = [*ways, *settings["evaluation"]["retrievers"]]
    return bool({"dense", "hybrid"} & set(ways))
