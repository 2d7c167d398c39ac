"""Estimates what a stage would still buy, from the requests of its dry run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from rag_instruct.costs.dry_run import DryRunClient
from rag_instruct.files import digest
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.prices import FREE
from rag_instruct.llm.segments import tokens_of
from rag_instruct.llm.tokens import counter, prompt_tokens

SAMPLE = 500  # requests whose tokens we count; we assume the same average for the others
ENOUGH = 50  # with fewer stored answers, we assume their length; with fewer candidates, at most ASSUMED_YIELD
ASSUMED_YIELD = 0.9  # pairs per candidate
PRIOR = 10  # we add this many imaginary candidates, with the assumed yield, to the real ones
# 16 words. Assumed requests repeat them until they have a typical length.
WORDS = "some words of a passage in the corpus that the teacher is shown with its title "


@dataclass
class Estimate:
    """What a stage would still buy. `counted` is true if a dry run made its requests, false if they are assumed."""

    stage: str
    model: str
    counted: bool
    stored: int  # requests that need not be bought, because the store has their answers or refusals
    requests: int  # expected requests to buy
    least: int  # the fewest requests that may be needed
    most: int  # the most requests that may be needed
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None  # None if no price is known
    batch_dollars: float | None


class Requests(NamedTuple):
    """How many requests a stage is expected to buy, and the range in which the number lies."""

    expected: float
    least: float
    most: float


def estimate(
    client: DryRunClient,
    stage: str,
    requests: Requests | float,
    counted: bool,
    account: BudgetAccount,
    answer_tokens: int,
) -> Estimate:
    """Estimate the cost of `requests` requests like those that the client noted.

    The answers are as long as stored ones. If too few are stored, we assume `answer_tokens` for each.
    """
    if not isinstance(requests, Requests):
        requests = Requests(requests, requests, requests)
    model = client.session.model
    sample = sorted(client.wanted, key=digest)[:SAMPLE]  # a random sample that is the same in each run
    count = counter(model.model, model.tokenizer)
    prompt = sum(prompt_tokens(client.wanted[key], count) for key in sample) / max(len(sample), 1)
    # `answer_tokens` is 0 for embeddings: a vector has no completion tokens.
    known = _lengths(client, stage) if answer_tokens else []
    # A reasoning model's stored answers include its thoughts. We add them to assumed answers.
    completion = sum(known) / len(known) if len(known) >= ENOUGH else answer_tokens + model.reasoning_tokens
    tokens = {"prompt": round(requests.expected * prompt), "completion": round(requests.expected * completion)}
    price = account.price(model.model, model.name)
    if price is None and not any(endpoint.key_variable for endpoint in model.endpoints):
        price = FREE  # the user's own server
    dollars = price.dollars(tokens) if price else None
    batch = price.dollars(tokens, batch=True) if price else None
    counts = round(requests.expected), round(requests.least), round(requests.most)
    amounts = *counts, tokens["prompt"], tokens["completion"], dollars, batch
    return Estimate(stage, model.model, counted, client.found, *amounts)


def _lengths(client: DryRunClient, stage: str) -> list[int]:
    """Return the tokens of the answers that the dry run has read. If these are few, take the stage's latest answers."""
    known = list(client.session.completions.values())
    if len(known) >= ENOUGH:
        return known
    return [tokens_of(reply)["completion"] for reply in islice(client.stored(stage), SAMPLE)]


def subtract_stored(estimates: Sequence[Estimate], store: AnswerStore) -> None:
    """Lower `least` of assumed stages: the store may already hold some of the answers that they need.

    A stored record says only "synthesis", not of which paradigm. So each stored answer that no dry run has found is
    taken off one estimate only, the first that could use it.
    """
    for model in {one.model for one in estimates if not one.counted}:
        stages = Counter(record.get("stage", "unknown") for record in store.answers_of(model))
        for stage, bought in stages.items():
            could_use = [one for one in estimates if one.model == model and one.stage.startswith(stage)]
            left = max(0, bought - sum(one.stored for one in could_use))
            for one in could_use:
                used = 0 if one.counted else min(left, one.least)
                one.least -= used
                left -= used


def rows_to_requests(rows: int, tries: int, steps: int, pairs: int, rejects: int) -> Requests:
    """Return the requests that fill `rows` row slots. A slot tries up to `tries` candidates of `steps` requests.

    `pairs` and `rejects` are the numbers of accepted and rejected candidates so far. We smooth their yield by PRIOR.
    While they are few, we take the lower of this and the assumed yield.
    """
    expected_yield = (pairs + PRIOR * ASSUMED_YIELD) / (pairs + rejects + PRIOR)
    if pairs + rejects < ENOUGH:
        expected_yield = min(expected_yield, ASSUMED_YIELD)
    # The expected tries of a slot that stops at its first accepted candidate, or after `tries`.
    candidates = (1 - (1 - expected_yield) ** tries) / expected_yield
    # At least one request per slot: the store may have the answers to the others.
    return Requests(rows * candidates * steps, rows, rows * tries * steps)
