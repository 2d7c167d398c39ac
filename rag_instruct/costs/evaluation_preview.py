"""Estimates the cost of evaluating models behind endpoints."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import benchmark
from rag_instruct.benchmarks.settings import loaded, schema_of
from rag_instruct.costs.dry_run import DryRunClient, look
from rag_instruct.costs.estimate import WORDS, Estimate, Requests, estimate
from rag_instruct.evaluation.endpoint_answers import answer_of, body
from rag_instruct.evaluation.questioning import Task, tasks
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.session import with_sampling
from rag_instruct.logs import logger
from rag_instruct.models.decoding import DECODINGS, Decoding
from rag_instruct.record_files import read_records
from rag_instruct.records import Form
from rag_instruct.schema import Question
from rag_instruct.settings import GIVEN

ANSWER_TOKENS = 60  # while too few answers are stored; most answers are far shorter than the limit


def preview_evaluation(
    settings: Mapping[str, Any],
    name: str,
    results: Path,
    store: AnswerStore,
    account: BudgetAccount,
    current: Collection[Path],
) -> list[Estimate]:
    """Return the estimates of each model behind an endpoint, over all benchmarks.

    A model has one estimate with documents and, if wanted, one closed book. If a stage's inputs are not all `current`,
    its requests are assumed, not counted.
    """
    evaluation = settings["datasets"][name]["evaluation"]
    behind_endpoints = [model for model in evaluation["models"] if "teacher" in settings["models"][model]]
    if not behind_endpoints:
        return []
    decoding = Decoding(evaluation["max_new_tokens"], **DECODINGS[evaluation["decoding"]])
    estimates = []
    questions = sum(
        size_of(tested, settings["benchmarks"][tested], results, current) for tested in evaluation["benchmarks"]
    )
    for model in behind_endpoints:
        teacher_name = settings["models"][model]["teacher"]
        teacher = with_sampling(settings["teachers"][teacher_name], decoding.sampling())
        for given in GIVEN if evaluation["closed_book"] else GIVEN[:1]:
            client = DryRunClient.of(teacher, store, teacher_name)
            asked = _all_tasks(evaluation, name, results, given, current)
            if asked is None:
                lacking = _note_assumed(evaluation, given, client, decoding, questions)
            else:
                lacking = look([partial(answer_of, task, client.session, decoding) for task in asked])[1]
            title = f"evaluation {'documents' if given == GIVEN[0] else 'closed book'}"
            # A prompt that is too long is asked again with fewer documents.
            most = lacking * (1 + evaluation["documents"] * (given == GIVEN[0]))
            requests = Requests(lacking, lacking, most)
            estimates.append(estimate(client, title, requests, asked is not None, account, ANSWER_TOKENS))
    return estimates


def _all_tasks(
    evaluation: Mapping[str, Any], name: str, results: Path, given: str, current: Collection[Path]
) -> list[Task] | None:
    """Return all tasks, or None if the questions or documents of a benchmark are not current."""
    files = [
        (results / f"benchmarks/{tested}/questions.jsonl", results / f"{name}/evaluation/{tested}/documents.jsonl")
        for tested in evaluation["benchmarks"]
    ]
    if not all(path in current for pair in files for path in pair):
        return None
    return list(_tasks(files, given))


def _tasks(files: list[tuple[Path, Path]], given: str) -> Iterator[Task]:
    for questions, documents in files:
        yield from tasks(read_records(questions, Question), documents if given == GIVEN[0] else None)


def _note_assumed(
    evaluation: Mapping[str, Any], given: str, client: DryRunClient, decoding: Decoding, questions: int
) -> int:
    """Note a request of typical length, and return the number of requests: one for each question."""
    documents = (WORDS * 6,) * evaluation["documents"] if given == GIVEN[0] else ()
    client.note(body(Task("any", WORDS, documents), len(documents), decoding))
    return questions


def size_of(name: str, settings: Mapping[str, Any], results: Path, current: Collection[Path]) -> int:
    """Return how many questions a benchmark has. For a user's own benchmark, count them in its file."""
    made = results / f"benchmarks/{name}/questions.jsonl"
    if made in current:
        return sum(1 for _ in read_records(made, Question))
    if size := benchmark(schema_of(name, settings)).size:
        return size
    if "path" in settings:
        known = schema_of(name, settings), [Path(settings["path"])], settings["where"], Form.of(settings)
        return len(loaded(*known, settings.get("fields", {})))
    logger.warning("%s: the questions are not on this machine yet, so their price is not included", name)
    return 0
