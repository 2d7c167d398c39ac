"""What a data set would cost, before anything is paid: its own requests, counted, less what the store holds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rag_instruct.dataset.verification import Examiner, sampled
from rag_instruct.exemplars.knowledge import batches, instructions, judge, question
from rag_instruct.files import digest
from rag_instruct.llm import endpoints
from rag_instruct.llm.answers import AnswerStore, Reply, request_key, tokens_of
from rag_instruct.llm.budget import Purse
from rag_instruct.llm.prices import FREE
from rag_instruct.llm.prompts import Prompt, load_prompt
from rag_instruct.llm.tokens import counter, prompt_tokens
from rag_instruct.logs import progress
from rag_instruct.paradigms import PARADIGMS, quotas, slots
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, Row
from rag_instruct.synthesis.slots import Origin, Synthesis

SAMPLE = 500  # requests whose tokens are counted; the others are taken to be alike
ENOUGH = 50  # stored answers from which lengths and yields are learnt
# Tokens of an answer where nothing is stored yet. The paper's questions have 22 words and its answers 81.
ASSUMED_TOKENS = {"exemplar filter": 10, "synthesis": 180, "verification": 40}
REQUESTS_A_PROOF = {False: 6, True: 10}  # of one document, of several: an answer and its grade for each test
ASSUMED_YIELD = 0.9  # rows a candidate
LINE = "{:30.30} {:16.16} {:>8} {:>8} {:>11} {:>11} {:>9} {:>10}"
WORDS = "some words of a passage in the corpus that the teacher is shown with its title "


class NotBought(Exception):
    """The store lacks an answer."""


class WindowShopper:
    """Stands in for the teacher: answers from the store, and notes what it would have to buy."""

    def __init__(self, model: endpoints.Teacher, store: AnswerStore) -> None:
        self.model, self._store = model, store
        self.wanted: dict[str, dict[str, Any]] = {}
        self.completions: list[int] = []
        self._stored: set[str] = set()
        self.bought = 0

    @property
    def replayed(self) -> int:
        """Requests that the store answers."""
        return len(self._stored)

    async def ask(self, body: dict[str, Any], sample: int = 0) -> tuple[str, Reply]:
        """As Teacher.ask; raises NotBought where that would buy."""
        request = self.model.request(body)
        key = request_key(request, sample)
        if reply := self._store.get(key):
            if key not in self._stored:
                self._stored.add(key)
                self.completions.append(tokens_of(reply)["completion"])
            return key, reply
        self.wanted[key] = request
        raise NotBought(key)

    def note(self, body: dict[str, Any]) -> None:
        """Want a request that stands for others."""
        self.wanted[""] = self.model.request(body)


@dataclass
class Estimate:
    """What a stage would still buy; `counted` when its own requests were made, not assumed ones."""

    stage: str
    model: str
    counted: bool
    stored: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None  # None: no price is known
    batch_dollars: float | None


def preview(settings: dict[str, Any], name: str, results: Path, prompts: Path, purse: Purse) -> list[Estimate]:
    """The estimates of a data set's paid stages, in the order in which they run.

    `settings` are config.yaml's; `results` and `prompts` the folders.
    """
    store = AnswerStore(Path(settings["answers"]))
    dataset, made = settings["datasets"][name], results / name

    def shopper(teacher: str) -> WindowShopper:
        described = settings["teachers"][teacher]
        return WindowShopper(endpoints.Teacher.of(described, base_url=described.get("base_url", "not started")), store)

    estimates = []
    if dataset["exemplar_filter"] != "heuristic":
        prompt = load_prompt(prompts / "knowledge_intensive.yaml")
        estimates.append(_of_filter(dataset, made, prompt, shopper(dataset["exemplar_filter"]), purse))
    written = [paradigm for paradigm in PARADIGMS if quotas(dataset, paradigm)]
    for paradigm in written:
        prompt = load_prompt(prompts / dataset["prompts"] / f"{paradigm}.yaml")
        passages = results / "corpora" / dataset["corpus"] / "passages.arrow"
        estimates.append(_of_synthesis(dataset, made, passages, paradigm, prompt, shopper(dataset["teacher"]), purse))
    if dataset["verification"]["share"]:
        examiner = dataset["verification"]["judge"]
        estimates += [
            _of_verification(dataset, made, paradigm, prompts, shopper(examiner), purse) for paradigm in written
        ]
    return estimates


def _of_filter(dataset: dict[str, Any], made: Path, prompt: Prompt, shopper: WindowShopper, purse: Purse) -> Estimate:
    drawn, size = made / "exemplars/drawn.jsonl", dataset["exemplars_a_request"]
    if drawn.exists():
        groups = batches(read_records(drawn, Exemplar), size)
        lacking: float = look(shopper, [partial(judge, group, prompt, shopper) for group in groups])[1]
    else:
        group = [Exemplar("", "", 0, "", WORDS * 3)] * size
        lacking = sum(dataset["exemplars"].values()) / size
        shopper.note(question(prompt.steps[0], group).body("any", {"instructions": instructions(group)}))
    return estimate(
        shopper, "exemplar filter", lacking, drawn.exists(), purse, ASSUMED_TOKENS["exemplar filter"] * size
    )


def _of_synthesis(
    dataset: dict[str, Any],
    made: Path,
    passages: Path,
    paradigm: str,
    prompt: Prompt,
    shopper: WindowShopper,
    purse: Purse,
) -> Estimate:
    wanted = slots(quotas(dataset, paradigm), dataset["oversample"])
    kept, run = made / "exemplars/kept.jsonl", made / "search/exemplars.parquet"
    counted = kept.exists() and run.exists() and passages.exists()
    if counted:
        exemplars = list(read_records(kept, Exemplar))
        simulate, seed = dataset["simulate_instructions"], str(dataset["seed"])
        synthesis = Synthesis(
            paradigm, exemplars, Run(run, passages), prompt, shopper, simulate, seed, Origin("", "", 0)
        )
        works = [partial(synthesis.fill, place, slot, dataset["tries"]) for place, slot in enumerate(wanted)]
        pairs, lacking = look(shopper, works)
        requests = lacking * candidates_a_row(pairs, len(synthesis.rejects)) * len(prompt.steps)
    else:
        requests = len(wanted) / ASSUMED_YIELD * len(prompt.steps)
        shopper.note(assumed_request(prompt, paradigm))
    tokens = ASSUMED_TOKENS["synthesis"] // len(prompt.steps)
    return estimate(shopper, f"synthesis {paradigm}", requests, counted, purse, tokens)


def _of_verification(
    dataset: dict[str, Any], made: Path, paradigm: str, prompts: Path, shopper: WindowShopper, purse: Purse
) -> Estimate:
    share, rows = dataset["verification"]["share"], made / f"rows/{paradigm}.jsonl"
    if rows.exists():
        examiner = Examiner(shopper, prompts / "verification")
        tested = sampled(read_records(rows, Row), share, str(dataset["seed"]))
        lacking: float = look(shopper, [partial(examiner.examine, row) for row in tested])[1]
    else:
        lacking = share * len(slots(quotas(dataset, paradigm), dataset["oversample"]))
        shopper.note(assumed_request(load_prompt(prompts / "verification/from_documents.yaml"), paradigm))
    each = REQUESTS_A_PROOF[PARADIGMS[paradigm].most > 1]
    return estimate(
        shopper, f"verification {paradigm}", lacking * each, rows.exists(), purse, ASSUMED_TOKENS["verification"]
    )


def look(shopper: WindowShopper, works: Sequence[Callable[[], Awaitable[Any]]]) -> tuple[int, int]:
    """Do the work as far as the store reaches: how many pieces are done, and how many lack an answer."""

    async def everything() -> int:
        lacking = 0
        for work in progress(works, "looking into the store", len(works)):
            try:
                await work()
            except NotBought:
                lacking += 1
        return lacking

    lacking = asyncio.run(everything())
    return len(works) - lacking, lacking


def estimate(
    shopper: WindowShopper, stage: str, requests: float, counted: bool, purse: Purse, answer_tokens: int
) -> Estimate:
    """What `requests` like those that the shopper noted would cost.

    Their answers have `answer_tokens` where the store holds too few to learn from.
    """
    model = shopper.model
    noted = sorted(shopper.wanted.items(), key=lambda item: digest(item[0]))[:SAMPLE]
    count = counter(model.model, model.tokenizer)
    prompt = sum(prompt_tokens(request, count) for _, request in noted) / max(len(noted), 1)
    # What is learnt has the thoughts of a reasoning model in it; what is assumed has room for them added.
    known = shopper.completions
    completion = sum(known) / len(known) if len(known) >= ENOUGH else answer_tokens + model.reasoning_tokens
    tokens = {"prompt": round(requests * prompt), "completion": round(requests * completion)}
    price = purse.price(model.model)
    if price is None and not any(endpoint.key_variable for endpoint in model.endpoints):
        price = FREE  # one's own server
    dollars = price.dollars(tokens) if price else None
    batch = price.dollars(tokens, batch=True) if price else None
    amounts = round(requests), tokens["prompt"], tokens["completion"], dollars, batch
    return Estimate(stage, model.model, counted, shopper.replayed, *amounts)


def candidates_a_row(pairs: int, rejects: int) -> float:
    """How many candidates a row takes: by the stored answers if they are many, else assumed."""
    return (pairs + rejects) / pairs if pairs and pairs + rejects >= ENOUGH else 1 / ASSUMED_YIELD


def assumed_request(prompt: Prompt, paradigm: str | None) -> dict[str, Any]:
    """A request of usual length, for stages whose inputs are not made yet: passages of 100 words."""
    documents = (PARADIGMS[paradigm].least + PARADIGMS[paradigm].most) / 2 if paradigm else 0
    variables = {"documents": WORDS * round(documents * 6), "exemplar": WORDS * 3, "question": WORDS, "simulation": ""}
    if prompt.simulation and prompt.focus == "document":
        variables["simulation"] = prompt.simulation.format_map(variables)
    blanks = _Blanks(variables)
    return prompt.steps[0].body("any", blanks)


class _Blanks(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return WORDS


def table(estimates: list[Estimate], spent: tuple[float, int], purse: Purse) -> str:
    """The estimates for people."""
    columns = list(zip(*(astuple(one)[3:] for one in estimates), strict=True))
    total = Estimate("total", "", True, *map(_total, columns))
    heads = ("stage", "model", "in store", "to buy", "tokens in", "tokens out", "dollars", "in batches")
    lines = [LINE.format(*heads), *(_line(one) for one in [*estimates, total])]
    caps = [
        f"{cap:,g} {name}"
        for name, cap in (("dollars", purse.dollars), ("requests", purse.requests))
        if cap is not None
    ]
    lines.append(f"spent on {purse.data_set} so far: {spent[0]:.2f} dollars, {spent[1]:,} requests")
    lines.append(f"budget: {' and '.join(caps) or 'none (set `budget` in config.yaml)'}; prices of {purse.prices.date}")
    if not all(one.counted for one in estimates):
        lines.append("~ by assumption: the stage's inputs are not made yet; look again when they are")
    return "\n".join(lines)


def _line(one: Estimate) -> str:
    numbers = (f"{n:,}" for n in (one.stored, one.requests, one.prompt_tokens, one.completion_tokens))
    stage = one.stage if one.counted else f"~ {one.stage}"
    return LINE.format(stage, one.model, *numbers, _money(one.dollars), _money(one.batch_dollars))


def _total(amounts: Sequence[Any]) -> Any:
    return None if None in amounts else sum(amounts)


def _money(amount: float | None) -> str:
    return "no price" if amount is None else f"{amount:.2f}"
