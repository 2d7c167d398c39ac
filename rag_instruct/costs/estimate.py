"""Estimates what a stage would still buy, from the requests of its dry run."""

from dataclasses import dataclass

from rag_instruct.costs.dry_run import DryRunClient
from rag_instruct.files import digest
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.prices import FREE
from rag_instruct.llm.tokens import counter, prompt_tokens

SAMPLE = 500  # requests whose tokens we count; we assume the same average for the others
ENOUGH = 50  # stored answers that we need to learn lengths and yields from them
ASSUMED_YIELD = 0.9  # rows per candidate
WORDS = "some words of a passage in the corpus that the teacher is shown with its title "


@dataclass
class Estimate:
    """What a stage would still buy. `counted` is true if a dry run made its requests, false if they are assumed."""

    stage: str
    model: str
    counted: bool
    stored: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None  # None if no price is known
    batch_dollars: float | None


def estimate(
    client: DryRunClient, stage: str, requests: float, counted: bool, account: BudgetAccount, answer_tokens: int
) -> Estimate:
    """Estimate the cost of `requests` requests like those that the client noted.

    If the store holds too few answers to learn the length from, assume `answer_tokens` per answer.
    """
    model, known = client.session.model, client.session.completions
    noted = sorted(client.wanted.items(), key=lambda item: digest(item[0]))[:SAMPLE]
    count = counter(model.model, model.tokenizer)
    prompt = sum(prompt_tokens(request, count) for _, request in noted) / max(len(noted), 1)
    # A reasoning model's stored answers include its thoughts. We add them to assumed answers.
    learnt = len(known) >= ENOUGH
    completion = sum(known.values()) / len(known) if learnt else answer_tokens + model.reasoning_tokens
    tokens = {"prompt": round(requests * prompt), "completion": round(requests * completion)}
    price = account.price(model.model, model.name)
    if price is None and not any(endpoint.key_variable for endpoint in model.endpoints):
        price = FREE  # the user's own server
    dollars = price.dollars(tokens) if price else None
    batch = price.dollars(tokens, batch=True) if price else None
    amounts = round(requests), tokens["prompt"], tokens["completion"], dollars, batch
    return Estimate(stage, model.model, counted, client.session.replayed, *amounts)


def candidates_a_row(pairs: int, rejects: int) -> float:
    """Return how many candidates a row takes: from the stored answers if there are enough, or else assumed."""
    return (pairs + rejects) / pairs if pairs and pairs + rejects >= ENOUGH else 1 / ASSUMED_YIELD
