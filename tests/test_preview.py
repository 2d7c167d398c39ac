"""What a preview learns from stored answers."""

import asyncio
import json

import pytest
from asking import PRICES
from conftest import ROOT
from stage import DEPTH, prepare

from rag_instruct.costs.dry_run import DryRunClient, look
from rag_instruct.costs.embedding_preview import _lacking, _of_passages
from rag_instruct.costs.estimate import Estimate, estimate, subtract_stored
from rag_instruct.costs.preview import _PaidStages
from rag_instruct.costs.tables import preview_table
from rag_instruct.llm.answers import AnswerStore, request_key
from rag_instruct.llm.budget import BudgetAccount

TEACHER = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "sampling": {"temperature": 0}}
SKIPPED = json.dumps({"skip": True, "question": "", "answer": ""})
DATASET = {
    "corpus": "c", "paradigms": {"useless_doc": 10, "single_doc_answer": 10}, "oversample": 0, "tries": 2, "seed": 1,
    "prompts": "full", "language": "en", "simulate_instructions": True, "source_depth": DEPTH, "source_words": 0,
    "declining": 0, "citations": False, "multi_documents": {"choose": "next_hits"}, "documents": 5,
    "verification": {"share": 0.5, "judge": "t"},
}  # fmt: skip


def put(folder, requests, text="x", tokens=9, stage="synthesis"):
    """Put an answer to each request into the store, as another data set bought it."""

    async def add():
        store = AnswerStore(folder)
        for key, request in requests.items():
            usage = {"prompt_tokens": 10, "completion_tokens": tokens}
            reply = {"text": text, "finish_reason": "stop", "usage": usage}
            await store.put({"key": key, "for": "other", "stage": stage, "request": request, "reply": reply})
        store.close()

    asyncio.run(add())


def requests(count, model="m"):
    return {f"key {number}": {"model": model, "messages": []} for number in range(count)}


def client(folder):
    return DryRunClient.of(TEACHER, AnswerStore(folder), "t")


@pytest.fixture
def stages(tmp_path):
    """The paid stages of a data set whose exemplars are searched."""
    prepare(tmp_path / "corpora/c")
    for name, source in (("exemplars/kept.jsonl", "exemplars.jsonl"), ("search/exemplars.parquet", "run.parquet")):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "corpora/c" / source).rename(tmp_path / "set" / name)
    made, account = tmp_path / "set", BudgetAccount("set", "preview", PRICES)
    current = [*made.rglob("*.*"), tmp_path / "corpora/c/passages.arrow"]
    return _PaidStages(DATASET, tmp_path, made, made, ROOT / "resources/prompts", account, current)


def test_a_slot_whose_tries_were_all_rejected_is_no_pair(stages, tmp_path):
    answers = tmp_path / "answers"
    assert stages.synthesis("single_doc_answer", client(answers)).requests == 11, "at the assumed yield"
    while (refused := client(answers)) and stages.synthesis("useless_doc", refused).requests:
        put(answers, refused.wanted, SKIPPED)
    stages.pairs = stages.rejects = 0
    done = stages.synthesis("useless_doc", client(answers))
    assert (done.stored, done.requests) == (20, 0), "each slot has used both tries"
    assert (stages.pairs, stages.rejects) == (0, 20)
    assert stages.synthesis("single_doc_answer", client(answers)).requests == 17, "9 of 30 candidates become pairs"


def assumed(stage, least, counted=False, stored=0):
    return Estimate(stage, "m", counted, stored, least + 4, least, 2 * least, 0, 0, None, None)


def test_a_stored_answer_may_serve_one_assumed_stage(tmp_path):
    """Before, each paradigm was without all the answers of the synthesis."""
    put(tmp_path, requests(60))
    estimates = [
        assumed("exemplar filter", 40),
        assumed("synthesis useless_doc", 40),
        assumed("synthesis single_doc_answer", 40),
        assumed("synthesis multi_doc_answer", 40, counted=True, stored=10),
        assumed("verification useless_doc", 40),
    ]
    subtract_stored(estimates, AnswerStore(tmp_path))
    assert [one.least for one in estimates] == [40, 0, 30, 40, 40], "50 of 60 answers are left for 80 requests"
    assert {(one.requests, one.most) for one in estimates} == {(44, 80)}


def test_answers_of_another_model_serve_no_stage(tmp_path):
    put(tmp_path, requests(60, "other"))
    subtract_stored(estimates := [assumed("synthesis useless_doc", 40)], AnswerStore(tmp_path))
    assert estimates[0].least == 40


@pytest.mark.parametrize(
    ("stored", "stage", "tokens"), [(50, "synthesis", 70), (49, "synthesis", 180), (50, "verification", 180)]
)
def test_the_length_of_answers_is_learnt_from_all_of_the_model_and_stage(tmp_path, stored, stage, tokens):
    """Before, only the answers that a dry run had read counted: none, if the stage is assumed."""
    put(tmp_path, requests(stored), tokens=70, stage=stage)
    put(tmp_path, requests(90, "other"), tokens=500)
    asked, account = client(tmp_path), BudgetAccount("set", "preview", PRICES)
    asked.note({"messages": [], "max_tokens": 9})
    found = estimate(asked, "synthesis useless_doc", 10, False, account, 180)
    assert found.completion_tokens == 10 * tokens


def test_vectors_that_are_bought_are_in_the_store(tmp_path):
    texts = [f"text {number}" for number in range(10)]
    bodies = [client(tmp_path).session.model.request({"input": f"query: {text}"}) for text in texts[:4]]
    put(tmp_path, {request_key(body): body for body in bodies}, stage="embedding")
    buyer = client(tmp_path)
    assert _lacking(texts, 10, buyer, "query: ") == 6
    found = estimate(buyer, "embedding c", 6, True, BudgetAccount("set", "preview", PRICES), 0)
    assert (found.stored, found.requests, found.completion_tokens) == (4, 6, 0)


@pytest.mark.parametrize(("unknown", "lacking"), [(True, 1), (False, 0)])
def test_a_refusal_in_unknown_words_would_be_bought_again(tmp_path, unknown, lacking):
    """Before, a dry run took it for the answer, but a run asks again."""
    body = {"messages": [{"role": "user", "content": "?"}]}
    request = client(tmp_path).session.model.request(body)
    record = {"key": request_key(request), "for": "other", "stage": "synthesis", "request": request, "failure": "no"}
    asyncio.run(AnswerStore(tmp_path).put(record | ({"unknown": True} if unknown else {})))
    asked = client(tmp_path)
    assert look([lambda: asked.session.ask(body)])[1] == len(asked.wanted) == lacking
    assert client(tmp_path).has(request_key(request)) == (asked.found == 1) == (not lacking)


def test_the_range_of_a_verification_bounds_what_a_row_needs(stages, tmp_path):
    """5 of 10 rows have 5 documents. The first reply may be unreadable, or each noise document may need a test."""
    found = stages.verification("single_doc_answer", client(tmp_path / "answers"))
    assert (found.requests, found.least, found.most) == (5 * 2 * 3, 5, 5 * (1 + 2 * (3 + 4)))
    stages.dataset = {**DATASET, "documents": 0}
    found = stages.verification("single_doc_answer", client(tmp_path / "answers"))
    assert found.most == 5 * (1 + 2 * 3)


def test_a_row_of_several_source_documents_may_need_a_test_of_each(stages, tmp_path):
    stages.dataset = {**DATASET, "paradigms": {"multi_doc_answer": 10}, "documents": 0}
    found = stages.verification("multi_doc_answer", client(tmp_path / "answers"))
    assert (found.requests, found.least, found.most) == (5 * 2 * 5, 5, 5 * (1 + 2 * (3 + 4)))


def test_a_cell_without_a_price_names_both_remedies():
    shown = preview_table([assumed("synthesis p", 1)], (0, 0), BudgetAccount("set", "preview", PRICES), True)
    assert "A cell with - has no known price: give the teacher a `price` in config.yaml, or add the model" in shown
    assert "resources/prices.yaml" not in shown, "`prices` may name another file"


def test_a_corpus_of_a_configfile_is_made_with_this_file(tmp_path, caplog):
    passages = tmp_path / "passages.arrow"
    assert _of_passages(passages, client(tmp_path), {}, BudgetAccount("set", "preview", PRICES), []) == []
    assert f"`snakemake --cores 4 -- {passages}` (put your --configfile before `--`)" in caplog.text
