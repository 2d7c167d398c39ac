"""The synthesis stage as a process, killed, capped and doubled, online and in batches."""

import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from conftest import ROOT
from faulty import Running
from stage import KEY, Stage, prepare, settings

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.jobs import job_settings
from rag_instruct.llm import endpoints
from rag_instruct.llm.adoption import OrphanedBatches
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.prices import load_prices
from rag_instruct.llm.session import open_session

pytestmark = pytest.mark.slow

KILLS = 20
PARALLEL = 4


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    prepare(folder)
    return folder


def finished(stage):
    code, said = stage.run()
    assert code == 0, said
    return said


def begun(stage):
    """The stage under way, its imports behind it: it holds the lock of what it makes."""
    job = stage.start()
    lock = stage.answers / f".{digest(stage.pairs.resolve())[:16]}.lock"
    while not lock.exists():
        assert job.poll() is None, job.communicate()
        time.sleep(0.02)
    return job


def answered(folder):
    """The keys of the requests whose answers are in the store."""
    return {record["key"] for record in AnswerStore(folder / "answers").records() if "reply" in record}


@pytest.mark.parametrize("batch", [False, True], ids=["online", "batch"])
def test_20_kills_cost_what_was_in_flight_and_change_no_byte(material, tmp_path, batch):
    """Chunk by chunk, each killed at another moment of its life and then run to its end."""
    faults = ["--faults", 0.05 if batch else 0.15]  # a request that is lost in four batches is given up
    moments = [(number + random.Random(number).random()) / KILLS for number in range(KILLS)]

    def stages(url, folder):
        given = settings(url, tmp_path / folder / "answers", batch=batch, timeout=1)
        (tmp_path / folder).mkdir(exist_ok=True)
        return [
            Stage(material, tmp_path / folder / "out", given, number, KILLS, slots=KILLS * 12)
            for number in range(KILLS)
        ]

    def lived(stage):
        job = begun(stage)
        started = time.monotonic()
        said = job.communicate()[0]
        assert job.returncode == 0, said
        return time.monotonic() - started

    with Running("--latency", 0.2, *faults) as whole:
        undisturbed = stages(whole.base_url, "undisturbed")
        with ThreadPoolExecutor(PARALLEL) as pool:
            lifetime = median(pool.map(lived, undisturbed))  # beside others, as those that are killed
        needed = whole.bill()

    def killed(number):
        job = begun(disturbed[number])
        time.sleep(lifetime * moments[number])
        alive = job.poll() is None
        job.send_signal(signal.SIGKILL)
        job.communicate()
        return alive

    with Running("--latency", 0.2, *faults) as torn:
        disturbed = stages(torn.base_url, "disturbed")
        with ThreadPoolExecutor(PARALLEL) as pool:
            kills = sum(pool.map(killed, range(KILLS)))
        half = torn.bill()
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(finished, disturbed))
        paid = torn.bill()

    assert kills >= KILLS / 2
    some, all_ = (half["batches"], needed["batches"]) if batch else (half["distinct"], needed["distinct"])
    print(kills, some, all_)
    assert all_ / 10 < some < all_, "killed at work: much was bought, and not all"
    assert [stage.result() for stage in disturbed] == [stage.result() for stage in undisturbed]
    # The server may see a request in two forms: after a 500, it is sent without its schema, which may be the cause.
    assert answered(tmp_path / "disturbed") == answered(tmp_path / "undisturbed")
    # What is in flight: eight requests online, nothing of a batch, which is found again.
    unread = paid["faults"].get("lost", 0) + paid["faults"].get("half a character", 0)
    assert paid["billed"] - paid["distinct"] - unread <= (0 if batch else 8 * kills)


def killed_in_batches(stages, served):
    jobs = [begun(stage) for stage in stages]
    while served.bill()["batches"] < len(stages):
        time.sleep(0.02)
    for job in jobs:
        job.kill()
        job.communicate()


@pytest.mark.parametrize("batch", [False, True], ids=["then online", "then in batches"])
@pytest.mark.parametrize("seconds", [0.1, 4], ids=["ended", "running"])
def test_batches_of_dead_jobs_are_taken_over_by_whatever_is_run_then(material, tmp_path, batch, seconds):
    """The chunks are cut otherwise, three jobs are started at once, a batch may still be running or not be wanted any more."""
    with Running("--batch-seconds", seconds) as served:

        def stages(chunks, batch, poll_seconds=0.1):
            asked = {"batch": batch, "poll_seconds": poll_seconds}
            given = settings(served.base_url, tmp_path / "answers", budget={"requests": 40}, **asked)
            return [Stage(material, tmp_path / f"out{chunks}", given, n, chunks) for n in range(chunks)]

        killed_in_batches(stages(2, True, poll_seconds=60), served)
        with ThreadPoolExecutor(3) as pool:
            said = "".join(pool.map(finished, stages(3, batch)))
        bill = served.bill()
    assert bill["billed"] == bill["distinct"] == len(AnswerStore(tmp_path / "answers")) == 40
    taken = re.findall(r"(batch_\d) of an earlier run is (\w+)", said)
    assert {batch for batch, _ in taken} == {"batch_0", "batch_1"}
    # A job that needs nothing of a running batch may end before it; then the next takes it over.
    ended = [batch for batch, status in taken if status == "completed"]
    assert len(ended) == len(set(ended)), "what has ended is taken over once"


@contextmanager
def claiming(answers, keys):
    """Another process that claims them, as one that is about to ask does, until the block ends."""
    script = (
        "import sys; from pathlib import Path; from rag_instruct.lock import Claims; "
        "claims = Claims(Path(sys.argv[1])); print(all([claims.take(key) for key in sys.argv[2:]])); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, answers / ".claims", *keys]
    job = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert job.stdout.readline() == "True\n"
    yield
    job.communicate()


def requests_of(served):
    """The requests of the first batch by their keys."""
    with urllib.request.urlopen(f"{served.base_url}/files/file-0/content") as reply:
        lines = map(json.loads, reply)
        return {line["custom_id"]: line["body"] for line in lines}


def test_what_another_was_about_to_ask_when_its_batch_was_taken_over_is_not_bought_again(material, tmp_path):
    """Who takes over cannot claim it then, and whoever asks for it next finds it free."""
    with Running("--batch-seconds", 8) as served:

        def stages(chunks):
            given = settings(served.base_url, tmp_path / "answers", batch=True)
            return [Stage(material, tmp_path / f"out{chunks}", given, n, chunks) for n in range(chunks)]

        killed_in_batches(stages(1), served)
        halves = stages(2)
        with claiming(tmp_path / "answers", requests_of(served)):
            first = begun(halves[0])
            while not (tmp_path / "answers/.batches/batch_0.taken").exists():
                assert first.poll() is None, first.communicate()
                time.sleep(0.05)
        said = finished(halves[1])
        assert "batch_0 of an earlier run" not in said, "it is the other's"
        assert first.wait() == 0
        assert served.bill()["billed"] == 40


def wait_for_batches(served):
    """Until none is under way."""
    while "in_progress" in urllib.request.urlopen(f"{served.base_url}/batches").read().decode():
        time.sleep(0.05)


def teacher_of(given, batch):
    """The settings' teacher, in this process; to be made inside a running loop."""
    described = job_settings(given)["teachers"]["t"] | {"batch": batch}
    del described["price"]
    account = BudgetAccount("set", "synthesis", load_prices(ROOT / "resources/prices.yaml"))
    answers = AnswerStore(Path(job_settings(given)["answers"]))
    return open_session(endpoints.TeacherModel.of(described, None), answers, account)


def test_answers_that_another_takes_before_this_one_looks_are_not_bought_again(material, tmp_path, monkeypatch):
    """The request was free, and missing in the store; when this job looks for batches, there is none left."""
    monkeypatch.setenv("TEST_KEY", KEY)
    with Running("--batch-seconds", 0.5) as served:
        given = settings(served.base_url, tmp_path / "answers", batch=True)
        stage = Stage(material, tmp_path / "out", given)

        async def asked():
            async with teacher_of(given, batch=True) as teacher:
                job = begun(stage)
                while not served.bill()["batches"]:
                    await asyncio.sleep(0.02)
                job.kill()
                job.communicate()
                adopt = OrphanedBatches.adopt

                async def late(orphans):
                    monkeypatch.setattr(OrphanedBatches, "adopt", adopt)
                    wait_for_batches(served)  # a running one would be waited for, with claims that are held here
                    finished(stage)
                    return await adopt(orphans)

                monkeypatch.setattr(OrphanedBatches, "adopt", late)
                requests = requests_of(served)
                replies = await asyncio.gather(*map(teacher.ask, requests.values()))
                assert {key for key, _ in replies} == requests.keys()

        asyncio.run(asked())
        assert served.bill()["billed"] == 40


def test_a_disk_that_is_full_when_a_batch_ends_leaves_nobody_waiting(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)

    async def full(store, record):
        raise UserError("the disk is full")

    async def asked(given):
        async with teacher_of(given, batch=True) as teacher:
            monkeypatch.setattr(AnswerStore, "put", full)
            bodies = [{"messages": [{"role": "user", "content": f"number {n}"}]} for n in range(3)]
            return await asyncio.gather(*map(teacher.ask, bodies), return_exceptions=True)

    with Running() as served:
        failed = asyncio.run(asyncio.wait_for(asked(settings(served.base_url, tmp_path / "answers")), 20))
    assert [str(error) for error in failed] == ["the disk is full"] * 3


@pytest.mark.parametrize(("opened", "batch"), [("before", True), ("after", False)])
def test_a_batch_let_go_between_the_look_and_the_request_is_not_bought_again(
    material, tmp_path, monkeypatch, opened, batch
):
    """Its job was alive at the look, or had not opened it yet; nobody waited for a claim of it."""
    monkeypatch.setenv("TEST_KEY", KEY)
    with Running("--batch-seconds", 3) as served:
        given = settings(served.base_url, tmp_path / "answers", batch=True)

        def opened_batch():
            job = begun(Stage(material, tmp_path / "out", given))
            while not served.bill()["batches"]:
                time.sleep(0.02)
            return job

        async def asked():
            job = opened_batch() if opened == "before" else None
            async with teacher_of(given, batch) as teacher:
                job = job or opened_batch()
                job.kill()
                job.communicate()
                requests = requests_of(served)
                replies = await asyncio.gather(*map(teacher.ask, requests.values()))
                assert {key for key, _ in replies} == requests.keys()

        asyncio.run(asked())
        wait_for_batches(served)  # they are billed when they have ended
        bill = served.bill()
        assert bill["billed"] == bill["distinct"] == len(AnswerStore(tmp_path / "answers")) == 40


def test_a_batch_is_taken_over_from_a_job_that_dies_while_others_wait_for_it(material, tmp_path):
    """It is entered in the ledger of the data set that bought it."""
    with Running("--batch-seconds", 5) as served:
        given = settings(served.base_url, tmp_path / "answers", batch=True)
        first = begun(Stage(material, tmp_path / "set", given))
        while not served.bill()["batches"]:
            time.sleep(0.02)
        ablation = Stage(material, tmp_path / "ablation", given, data_set="ablation")
        waiting = begun(ablation)
        time.sleep(1.5)
        first.kill()
        first.communicate()
        assert waiting.wait(60) == 0, waiting.communicate()
        assert served.bill()["billed"] == served.bill()["batches"] * 40 == 40
    assert {record["for"] for record in AnswerStore(tmp_path / "answers").records()} == {"set"}


def test_a_batch_whose_requests_are_deleted_at_the_provider_stops_no_run(material, tmp_path):
    with Running() as served:
        given = settings(served.base_url, tmp_path / "answers", batch=True, poll_seconds=2)
        stage = Stage(material, tmp_path / "out", given)
        killed_in_batches([stage], served)
        time.sleep(0.6)
        urllib.request.urlopen(f"{served.base_url}/batches/batch_0").close()  # it has ended
        request = urllib.request.Request(f"{served.base_url}/files/file-0", method="DELETE")
        urllib.request.urlopen(request).close()
        said = finished(stage)
        assert "skipped batch_0 of an earlier run: the provider no longer has its requests" in said
        assert len(AnswerStore(tmp_path / "answers")) == 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("batch", [False, True], ids=["online", "batch"])
def test_an_interruption_keeps_what_is_in_flight(material, tmp_path, number, batch):
    """Ctrl-C, or the end of a job's time on a cluster."""
    with Running("--latency", 1.0, "--batch-seconds", 1.5) as served:
        stage = Stage(material, tmp_path / "out", settings(served.base_url, tmp_path / "answers", batch=batch))
        job = begun(stage)
        while not (served.bill()["batches"] if batch else served.bill()["served"]):
            time.sleep(0.1)
        job.send_signal(number)
        said = job.communicate()[0]
        assert job.returncode == 1
        assert "interrupted: waiting for the requests in flight" in said
        assert "Traceback" not in said
        if not batch:
            assert 0 < served.bill()["billed"] == len(AnswerStore(tmp_path / "answers")) < 40
        finished(stage)
        assert served.bill()["billed"] == served.bill()["distinct"] == len(AnswerStore(tmp_path / "answers"))


def test_two_jobs_at_a_time_on_one_store_lose_and_tear_nothing(material, tmp_path):
    with Running() as served:
        given = settings(served.base_url, tmp_path / "answers")
        for turn in range(4):
            jobs = [Stage(material, tmp_path / f"out{turn}", given, n, 2, slots=60 + turn) for n in range(2)]
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(finished, jobs))
            assert sum(len(job.rows()[0]) for job in jobs) == 60 + turn
        bill = served.bill()
    store = AnswerStore(tmp_path / "answers")
    assert bill["billed"] == bill["distinct"] == len(store)
    lines = [line for path in (tmp_path / "answers").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == len(store)


@pytest.mark.parametrize("batch", [False, True], ids=["online", "batch"])
def test_two_data_sets_that_ask_the_same_at_a_time_pay_once(material, tmp_path, batch):
    """A data set and its ablation in one run."""
    with Running("--latency", 0.3) as served:
        given = settings(served.base_url, tmp_path / "answers", batch=batch)
        names = ("set", "ablation")
        jobs = [Stage(material, tmp_path / name, given, data_set=name) for name in names]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(finished, jobs))
        assert jobs[0].result() == jobs[1].result()
        assert served.bill()["billed"] == served.bill()["distinct"] == len(AnswerStore(tmp_path / "answers")) == 40


@pytest.mark.parametrize("batch", [False, True], ids=["online", "batch"])
def test_one_budget_for_all_jobs_of_a_data_set(material, tmp_path, batch):
    """What another job has in flight, or in a batch, is spoken for; a raised cap spends the rest."""
    with Running("--latency", 0.05, "--batch-seconds", 1.5) as served:

        def jobs(cap):
            given = settings(served.base_url, tmp_path / "answers", budget={"requests": cap}, batch=batch)
            return [Stage(material, tmp_path / "out", given, n, 2, slots=120) for n in range(2)]

        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(Stage.run, jobs(50)))
        assert [code for code, _ in ended] == [1, 1]
        assert all("the budget of set, 50 requests, is used up" in said for _, said in ended)
        assert served.bill()["billed"] == 50
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(finished, jobs(120)))
        assert served.bill()["billed"] == served.bill()["distinct"] == 120


def test_every_fault_at_once_and_the_counts_add_up(material, tmp_path):
    slots, tries = 250, 2
    with Running("--latency", 0.02, "--faults", 0.3, "--lasting", 0.05) as served:
        stage = Stage(
            material,
            tmp_path / "out",
            settings(served.base_url, tmp_path / "answers", timeout=1),
            slots=slots,
            tries=tries,
        )
        finished(stage)
        bill = served.bill()
    pairs, rejects = stage.rows()
    assert len({pair["slot"] for pair in pairs}) == len(pairs)
    lost = set(range(slots)) - {pair["slot"] for pair in pairs}
    tried = [(row["slot"], row["attempt"]) for row in pairs + rejects]
    assert len(set(tried)) == len(tried) == len(AnswerStore(tmp_path / "answers"))
    for slot in lost:
        assert {(slot, attempt) for attempt in range(tries)} <= set(tried), "a lost row has used up its candidates"
    assert all(row["reason"] for row in rejects)
    expected = {("refused", ""), ("unparsable", ""), ("unfinished", "length"), ("unfinished", "content_filter")}
    assert expected <= {(row["reason"], row.get("detail", "")) for row in rejects}
    assert any(row["detail"].startswith("400") for row in rejects if row["reason"] == "no answer")
    assert bill["distinct"] == sum(row["reason"] != "no answer" for row in rejects) + len(pairs)
    # From the store alone, without a server or a key: the same.
    made = stage.result()
    del stage.environment["TEST_KEY"]
    stage.environment["RAG_INSTRUCT_REPLAY"] = "1"
    finished(stage)
    assert stage.result() == made


def test_a_share_of_rows_declines_and_the_others_cite(material, tmp_path):
    with Running() as served:
        stage = Stage(material, tmp_path / "out", settings(served.base_url, tmp_path / "answers"), slots=30)
        stage.arguments += ["--declining", "0.3", "--citations"]
        finished(stage)
    pairs, _ = stage.rows()
    declining = [pair for pair in pairs if "withheld" in pair]
    assert 3 <= len(declining) <= 18
    assert all(pair["declined"] == "The documents at hand do not tell more." for pair in declining)
    assert all(pair["withheld"] == pair["sources"][0]["id"] for pair in declining)
    assert all(pair["cited"] and pair["answer"].endswith(" [1]") for pair in pairs)


def test_provenance_resolves_and_the_key_is_nowhere(material, tmp_path):
    with Running("--latency", 0.01, "--faults", 0.2) as served:
        for mode in ({}, {"batch": True}):
            given = settings(served.base_url, tmp_path / "answers", **mode)
            stage = Stage(material, tmp_path / f"out{len(mode)}", given, slots=20 + 20 * len(mode))
            stage.environment |= {"OPENAI_LOG": "debug"}
            said = finished(stage)
            assert KEY not in said
    passages = PassageStore(material / "passages.arrow")
    store = AnswerStore(tmp_path / "answers")
    exemplars = {row["id"]: row for row in map(json.loads, (material / "exemplars.jsonl").open())}
    for row in stage.rows()[0]:
        assert exemplars[row["exemplar_id"]]["instruction"] == row["exemplar"]
        (record,) = map(store.record, row["request_keys"])
        (source,) = row["sources"]
        assert passages[[source["row"]]][0].id == source["id"]
        assert passages[[source["row"]]][0].document in record["request"]["messages"][-1]["content"]
        assert json.loads(re.sub("^[^{]*", "", record["reply"]["text"]))["question"] == row["question"]
    for path in (path for folder in (material, tmp_path) for path in folder.rglob("*") if path.is_file()):
        assert KEY.encode() not in path.read_bytes(), path
