"""Estimates the cost of vectors that are bought from an endpoint."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.costs.dry_run import DryRunClient
from rag_instruct.costs.estimate import SAMPLE, WORDS, Estimate, estimate
from rag_instruct.costs.evaluation_preview import size_of
from rag_instruct.llm.answers import AnswerStore, request_key
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.session import with_sampling
from rag_instruct.logs import logger, progress
from rag_instruct.paradigms import PARADIGMS, REFILL, quotas, slots
from rag_instruct.retrieval.embeddings import text_of
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings
from rag_instruct.retrieval.queries import read_queries
from rag_instruct.retrieval.steps import (
    EVALUATION,
    FIRST_DOCUMENTS,
    encoder_and_corpus,
    needs_query_vectors,
    needs_vectors,
    payer,
    queries_of,
)


def preview_embedding(
    settings: Mapping[str, Any],
    name: str,
    results: Path,
    store: AnswerStore,
    account: BudgetAccount,
    current: Collection[Path],
) -> list[Estimate]:
    """Return the estimates for each encoder behind an endpoint.

    An encoder has one estimate for the passages of each corpus whose vectors this data set pays for, and one for all
    queries. Queries whose files are not `current` are assumed, not counted. Passages that are not current are left out,
    with a warning.
    """
    dataset = settings["datasets"][name]
    query_sets = [queries for queries in queries_of(dataset) if needs_query_vectors(dataset, queries)]
    searched = sorted({encoder_and_corpus(dataset, queries) for queries in query_sets})
    behind_endpoints = [(encoder, corpus) for encoder, corpus in searched if "teacher" in settings["encoders"][encoder]]
    need_passage_vectors = {
        encoder_and_corpus(dataset, queries) for queries in query_sets if needs_vectors(dataset, queries)
    }
    estimates = []
    for encoder, corpus in behind_endpoints:
        has_ready_vectors = encoder in settings["corpora"][corpus].get("embeddings", {})
        pays = (encoder, corpus) in need_passage_vectors and payer(settings, corpus, encoder) == name
        if pays and not has_ready_vectors:
            passages = results / "corpora" / corpus / "passages.arrow"
            client = _client(settings, encoder, "passage", store)
            estimates += _of_passages(passages, client, settings["encoders"][encoder], account, current)
    # Queries of FIRST_DOCUMENTS cost nothing: they are vectors of passages.
    with_texts = [queries for queries in query_sets if queries != FIRST_DOCUMENTS]
    for encoder in sorted({encoder for encoder, _ in behind_endpoints}):
        of_encoder = [queries for queries in with_texts if encoder_and_corpus(dataset, queries)[0] == encoder]
        client = _client(settings, encoder, "query", store)
        estimates.append(_of_queries(of_encoder, client, settings, name, encoder, results, account, current))
    return estimates


def _client(settings: Mapping[str, Any], encoder: str, kind: str, store: AnswerStore) -> DryRunClient:
    described = settings["encoders"][encoder]
    teacher = with_sampling(settings["teachers"][described["teacher"]], described.get(f"{kind}_parameters", {}))
    return DryRunClient.of(teacher, store, described["teacher"])


def _of_passages(
    passages: Path, client: DryRunClient, encoder: dict[str, Any], account: BudgetAccount, current: Collection[Path]
) -> list[Estimate]:
    """Return the estimate for a corpus, or nothing with a warning if its passages are missing or stale."""
    if passages not in current:
        logger.warning(
            "%s: missing or stale, so the price of its vectors is not included: make it first with `snakemake --cores "
            "4 -- %s` (put your --configfile before `--`)",
            *(passages, passages),
        )
        return []
    corpus = PassageStore(passages)
    texts = progress(map(text_of, corpus.slice(0, len(corpus))), "looking into the store", len(corpus))
    lacking = _lacking(texts, len(corpus), client, EndpointEncoderSettings.of(encoder, "passage").prefix)
    return [estimate(client, f"embedding {passages.parent.name}", lacking, True, account, 0)]


def _of_queries(
    query_sets: list[str], client: DryRunClient, settings: Mapping[str, Any], name: str, encoder: str, results: Path,
    account: BudgetAccount, current: Collection[Path],
) -> Estimate:  # fmt: skip
    prefix = EndpointEncoderSettings.of(settings["encoders"][encoder], "query").prefix
    lacking, counted = 0, True
    for queries in query_sets:
        path, field, assumed = _texts_of(queries, settings, name, results, current)
        if path in current:
            _, texts = read_queries(path, field)
            lacking += _lacking(texts, len(texts), client, prefix)
        else:
            lacking, counted = lacking + assumed(), False
            client.note({"input": prefix + WORDS})
    return estimate(client, "embedding queries", lacking, counted, account, 0)


def _texts_of(
    queries: str, settings: Mapping[str, Any], name: str, results: Path, current: Collection[Path]
) -> tuple[Path, str, Callable[[], int]]:
    """Return the file of queries, the field with their texts, and a function that returns how many to assume."""
    dataset = settings["datasets"][name]
    if queries == "exemplars":
        drawn = sum(dataset["exemplars"].values())
        return results / name / "exemplars/kept.jsonl", "instruction", lambda: drawn
    if queries in PARADIGMS:
        rows = len(slots(quotas(dataset, queries), dataset["oversample"]))
        return results / name / f"pairs/{queries}.jsonl", "question", lambda: rows
    if queries == REFILL:  # nobody knows how many rows it must replace before it runs
        return results / name / f"pairs/{REFILL}.jsonl", "question", lambda: 0
    tested = queries.removeprefix(EVALUATION)
    path = results / name / f"evaluation/{tested}/queries.jsonl"
    return path, "question", lambda: size_of(tested, settings["benchmarks"][tested], results, current)


def _lacking(texts: Iterable[str], count: int, client: DryRunClient, prefix: str) -> int:
    """Return how many texts have no vector in the store. Note a sample of their requests."""
    model, lacking = client.session.model, 0
    for number, text in enumerate(texts):
        request = model.request({"input": prefix + text})
        key = request_key(request)
        if client.has(key):
            continue
        lacking += 1
        if number % max(1, count // SAMPLE) == 0 or not client.wanted:
            client.wanted[key] = request
    return lacking
