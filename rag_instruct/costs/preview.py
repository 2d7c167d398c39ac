"""Estimates what a data set will cost: counts the requests that it would still have to buy."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rag_instruct.costs.dry_run import DryRunClient, look
from rag_instruct.costs.estimate import WORDS, Estimate, Requests, estimate, rows_to_requests
from rag_instruct.costs.inputs import alike
from rag_instruct.dataset.verification import TESTS, Examiner, most_requests, sampled
from rag_instruct.exemplars.knowledge import batches, instructions, judge, question
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.prompts import Prompt, load_prompt
from rag_instruct.llm.segments import Request
from rag_instruct.paradigms import PARADIGMS, Paradigm, quotas, slots
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.linked_documents import by_exemplar
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, Row
from rag_instruct.synthesis.facts import facts_by_passage
from rag_instruct.synthesis.slots import Origin, Synthesis

# Tokens of an answer, while too few answers are stored. The paper's questions have 22 words and its answers 81.
ASSUMED_TOKENS = {"exemplar filter": 10, "synthesis": 180, "verification": 40}
# Tests of a multi-document row without one of its sources. If the documents state the answer, the judge leaves out each
# source document once: 2 to 4 tests. Otherwise there are none. We expect 2 on average.
LEFT_OUT = 2


def preview_data_set(
    settings: dict[str, Any], name: str, results: Path, prompts: Path, account: BudgetAccount, current: Collection[Path]
) -> list[Estimate]:
    """Return estimates for a data set's paid stages, in the order in which they run.

    `settings` are those of config.yaml. `results` and `prompts` are folders. If a stage's inputs are not all `current`,
    its requests are assumed, not counted.
    """
    dataset, store = settings["datasets"][name], AnswerStore(Path(settings["answers"]))
    shared = _folder_with_exemplars(settings, name, results, current)
    stages = _PaidStages(dataset, results, results / name, shared, prompts, account, current)

    def client(teacher: str) -> DryRunClient:
        return DryRunClient.of(settings["teachers"][teacher], store, teacher)

    estimates = []
    if dataset["exemplar_filter"] != "heuristic":
        estimates.append(stages.exemplar_filter(client(dataset["exemplar_filter"])))
    written = [paradigm for paradigm in PARADIGMS if quotas(dataset, paradigm)]
    estimates += [stages.synthesis(paradigm, client(dataset["teacher"])) for paradigm in written]
    if dataset["verification"]["share"]:
        teacher = dataset["verification"]["judge"]
        estimates += [stages.verification(paradigm, client(teacher)) for paradigm in written]
    return estimates


def _folder_with_exemplars(settings: dict[str, Any], name: str, results: Path, current: Collection[Path]) -> Path:
    """Return the data set's folder if it has a current search result.

    Otherwise return the folder of a data set with the same exemplars that has one. If none has one, return the data
    set's own folder.
    """
    folders = [results / data_set for data_set in alike(settings, name)]
    return next((folder for folder in folders if folder / "search/exemplars.parquet" in current), results / name)


@dataclass
class _PaidStages:
    """Estimates the stages of a data set, each by a dry run with its teacher."""

    dataset: dict[str, Any]
    results: Path
    own: Path  # the data set's own folder
    shared: Path  # the folder of a data set with the same exemplars, or the own folder
    prompts: Path
    account: BudgetAccount
    current: Collection[Path]
    pairs: int = 0  # candidates whose stored answers gave a pair (all paradigms so far)
    rejects: int = 0  # candidates whose stored answers gave none

    def exemplar_filter(self, client: DryRunClient) -> Estimate:
        prompt, size = load_prompt(self.prompts / "knowledge_intensive.yaml"), self.dataset["exemplars_a_request"]
        drawn = self.shared / "exemplars/drawn.jsonl"
        if drawn in self.current:
            groups = batches(read_records(drawn, Exemplar), size)
            lacking: float = look([partial(judge, group, prompt, client.session) for group in groups])[1]
        else:
            group = [Exemplar("", "", 0, "", WORDS * 3)] * size
            lacking = sum(self.dataset["exemplars"].values()) / size
            client.note(question(prompt.steps[0], group).body("any", {"instructions": instructions(group)}))
        tokens = ASSUMED_TOKENS["exemplar filter"] * size
        # Exemplars of a request that is refused, or whose reply cannot be read, are asked about one by one.
        requests = Requests(lacking, lacking, lacking * (1 + size))
        return estimate(client, "exemplar filter", requests, drawn in self.current, self.account, tokens)

    def synthesis(self, paradigm: str, client: DryRunClient) -> Estimate:
        dataset = self.dataset
        prompt = load_prompt(self.prompts / dataset["prompts"] / f"{paradigm}.yaml", dataset["language"])
        wanted = slots(quotas(dataset, paradigm), dataset["oversample"])
        kept, run = self.shared / "exemplars/kept.jsonl", self.shared / "search/exemplars.parquet"
        passages = self.results / "corpora" / dataset["corpus"] / "passages.arrow"
        needs_links = dataset["multi_documents"]["choose"] == "linked" and PARADIGMS[paradigm].several
        linked = self.own / "linked_documents/linked.jsonl" if needs_links else None
        facts = self.own / "facts.jsonl" if prompt.focus == "sentence" else None
        counted = all(path in self.current for path in (kept, run, passages, linked, facts) if path)
        if counted:
            exemplars = list(read_records(kept, Exemplar))
            simulate, seed = dataset["simulate_instructions"], str(dataset["seed"])
            found, no_origin = Run(run, passages), Origin("", "", 0)  # a dry run writes no rows
            synthesis = Synthesis(
                paradigm, exemplars, found, prompt, client.session, simulate, seed, no_origin,
                least_words=dataset["source_words"], linked=by_exemplar(linked),
                declining=dataset["declining"], citing=dataset["citations"],
                facts=facts_by_passage(facts) if facts else {},
            )  # fmt: skip
            works = [partial(synthesis.fill, place, slot, dataset["tries"]) for place, slot in enumerate(wanted)]
            filled, lacking = look(works)
            self.pairs += sum(map(bool, filled))
            self.rejects += sum(bool(reject.request_keys) for reject in synthesis.rejects)  # others had no documents
        else:
            lacking = len(wanted)
            client.note(assumed_request(prompt, paradigm))
        requests = rows_to_requests(lacking, dataset["tries"], len(prompt.steps), self.pairs, self.rejects)
        tokens = ASSUMED_TOKENS["synthesis"] // len(prompt.steps)
        return estimate(client, f"synthesis {paradigm}", requests, counted, self.account, tokens)

    def verification(self, paradigm: str, client: DryRunClient) -> Estimate:
        dataset, prompts = self.dataset, self.prompts / "verification"
        share, rows = dataset["verification"]["share"], self.own / f"rows/{paradigm}.jsonl"
        if rows in self.current:
            examiner = Examiner(client.session, prompts)
            tested = sampled(read_records(rows, Row), share, str(dataset["seed"]))
            lacking: float = look([partial(examiner.examine, row) for row in tested])[1]
        else:
            lacking = share * len(slots(quotas(dataset, paradigm), dataset["oversample"]))
            client.note(assumed_request(load_prompt(prompts / "from_documents.yaml"), paradigm))
        requests = _verifying(lacking, PARADIGMS[paradigm], dataset["documents"])
        tokens = ASSUMED_TOKENS["verification"]
        return estimate(client, f"verification {paradigm}", requests, rows in self.current, self.account, tokens)


def _verifying(rows: float, paradigm: Paradigm, documents: int) -> Requests:
    """Return the requests that verify `rows` rows of a paradigm.

    A row has `documents` documents, or more if it has more source documents.
    """
    expected = 2 * (TESTS + LEFT_OUT * paradigm.several)  # an answer and a grade in each test
    most = most_requests(max(documents, paradigm.most), paradigm.several)
    # At least one request per row: if its reply cannot be read, the row gets no more.
    return Requests(rows * expected, rows, rows * most)


def assumed_request(prompt: Prompt, paradigm: str) -> Request:
    """Return a request of typical length (passages of 100 words), for a stage whose inputs are missing or stale."""
    documents = (PARADIGMS[paradigm].least + PARADIGMS[paradigm].most) / 2
    variables = {"documents": WORDS * round(documents * 6), "exemplar": WORDS * 3, "question": WORDS, "simulation": ""}
    if prompt.simulation and prompt.focus == "document":
        variables["simulation"] = prompt.simulated("any", variables["exemplar"])
    return prompt.steps[0].body("any", _Blanks(variables))


class _Blanks(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return WORDS
