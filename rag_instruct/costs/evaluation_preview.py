"""Estimates the cost of evaluating models behind endpoints."""

from collections.abc import Collection, Mapping
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

# Tokens that we assume for an answer while too few are stored. Most answers are far shorter than `max_new_tokens`.
ANSWER_TOKENS = 60


def preview_evaluation(
    settings: Mapping[str, Any],
    name: str,
    results: Path,
    store: AnswerStore,
    account: BudgetAccount,
    current: Collection[Path],
) -> list[Estimate]:
    """Return the estimates of each model behind an endpoint, over all benchmarks.

    A model has one estimate for its answers with documents and, if `closed_book` is set, one for its answers without
    documents. If the questions or documents are not all `current`, the requests are assumed, not counted.
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
        for with_documents in (True, False) if evaluation["closed_book"] else (True,):
            documents = evaluation["documents"] if with_documents else 0
            client = DryRunClient.of(teacher, store, teacher_name)
            asked = _all_tasks(evaluation, name, results, with_documents, current)
            if asked is None:
                lacking = questions
                client.note(body(Task("any", WORDS, (WORDS * 6,) * documents), documents, decoding))
            else:
                lacking = look([partial(answer_of, task, client.session, decoding) for task in asked])[1]
            title = f"evaluation {'documents' if with_documents else 'closed book'}"
            # While a prompt is too long, it is asked again with one document less.
            requests = Requests(lacking, lacking, lacking * (1 + documents))
            estimates.append(estimate(client, title, requests, asked is not None, account, ANSWER_TOKENS))
    return estimates


def _all_tasks(
    evaluation: Mapping[str, Any], name: str, results: Path, with_documents: bool, current: Collection[Path]
) -> list[Task] | None:
    """Return all tasks, or None if the questions or documents of a benchmark are not current."""
    files = [
        (results / f"benchmarks/{tested}/questions.jsonl", results / f"{name}/evaluation/{tested}/documents.jsonl")
        for tested in evaluation["benchmarks"]
    ]
    if not all(path in current for pair in files for path in pair):
        return None
    return [
        task
        for questions, documents in files
        for task in tasks(read_records(questions, Question), documents if with_documents else None)
    ]


def size_of(name: str, settings: Mapping[str, Any], results: Path, current: Collection[Path]) -> int:
    """Return how many questions a benchmark has. If this is unknown, return 0 and warn."""
    made = results / f"benchmarks/{name}/questions.jsonl"
    if made in current:
        return sum(1 for _ in read_records(made, Question))
    if size := benchmark(schema_of(name, settings)).size:
        return size
    if "path" in settings:
        where, form, fields = settings["where"], Form.of(settings), settings.get("fields", {})
        return len(loaded(schema_of(name, settings), [Path(settings["path"])], where, form, fields))
    logger.warning("%s: the questions are not on this machine yet, so their price is not included", name)
    return 0
