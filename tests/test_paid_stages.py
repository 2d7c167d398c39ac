"""The synthesis stage as a process, killed, capped and doubled, online and in batches."""

import json
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from faulty import Running
from stage import KEY, Stage, prepare, settings

from rag_instruct.answers import AnswerStore
from rag_instruct.files import digest
from rag_instruct.passage import PassageStore

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


@pytest.mark.parametrize("batch", [False, True], ids=["online", "batch"])
def test_20_kills_cost_what_was_in_flight_and_change_no_byte(material, tmp_path, batch):
    """Chunk by chunk, each killed at another moment of its life and then run to its end."""
    faults = ["--faults", 0.15]
    moments = [(number + random.Random(number).random()) / KILLS for number in range(KILLS)]

    def stages(url, folder):
        environment = settings(url, tmp_path / folder / "answers", batch=batch, timeout=1)
        (tmp_path / folder).mkdir()
        return [
            Stage(material, tmp_path / folder / "out", environment, number, KILLS, slots=KILLS * 12)
            for number in range(KILLS)
        ]

    with Running("--latency", 0.2, *faults) as whole:
        undisturbed = stages(whole.base_url, "undisturbed")
        job = begun(undisturbed[0])
        started = time.monotonic()
        job.communicate()
        lifetime = time.monotonic() - started
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(finished, undisturbed[1:]))
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
    assert all_ / 5 < some < all_, "killed at work: much was bought, and not all"
    assert [stage.result() for stage in disturbed] == [stage.result() for stage in undisturbed]
    assert paid["distinct"] == needed["distinct"]
    # What is in flight: eight requests online, nothing of a batch, which is found again.
    unread = paid["faults"].get("lost", 0) + paid["faults"].get("half a character", 0)
    assert paid["billed"] - paid["distinct"] - unread <= (0 if batch else 8 * kills)


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
        assert "interrupted: what is in flight is waited for" in said
        assert "Traceback" not in said
        if not batch:
            assert 0 < served.bill()["billed"] == len(AnswerStore(tmp_path / "answers")) < 40
        finished(stage)
        assert served.bill()["billed"] == served.bill()["distinct"] == len(AnswerStore(tmp_path / "answers"))


def test_two_jobs_at_a_time_on_one_store_lose_and_tear_nothing(material, tmp_path):
    with Running() as served:
        environment = settings(served.base_url, tmp_path / "answers")
        for turn in range(4):
            jobs = [Stage(material, tmp_path / f"out{turn}", environment, n, 2, slots=60 + turn) for n in range(2)]
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(finished, jobs))
            assert sum(len(job.rows()[0]) for job in jobs) == 60 + turn
        bill = served.bill()
    store = AnswerStore(tmp_path / "answers")
    assert bill["billed"] == bill["distinct"] == len(store)
    lines = [line for path in (tmp_path / "answers").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == len(store)


def test_one_budget_for_all_jobs_of_a_data_set(material, tmp_path):
    """The cap may be exceeded by what the other job has in flight, no more; a raised one spends the rest."""
    with Running("--latency", 0.05) as served:

        def jobs(cap):
            environment = settings(served.base_url, tmp_path / "answers", budget={"requests": cap})
            return [Stage(material, tmp_path / "out", environment, n, 2, slots=120) for n in range(2)]

        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(Stage.run, jobs(50)))
        assert [code for code, _ in ended] == [1, 1]
        assert all("the budget of set, 50 requests, is used up" in said for _, said in ended)
        assert 50 <= served.bill()["billed"] <= 50 + 8
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(finished, jobs(120)))
        assert served.bill()["billed"] == served.bill()["distinct"] == 120


def test_every_fault_at_once_and_the_counts_add_up(material, tmp_path):
    slots, tries = 150, 2
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
    expected = {"refused", "unparsable", "unfinished (length)", "unfinished (content_filter)"}
    assert expected <= {row["reason"] for row in rejects}
    assert any(row["reason"].startswith("no answer (400") for row in rejects)
    assert bill["distinct"] == sum("no answer" not in row["reason"] for row in rejects) + len(pairs)
    # From the store alone, without a server or a key: the same.
    made = stage.result()
    del stage.environment["TEST_KEY"]
    stage.environment["RAG_INSTRUCT_REPLAY"] = "1"
    finished(stage)
    assert stage.result() == made


def test_provenance_resolves_and_the_key_is_nowhere(material, tmp_path):
    with Running("--latency", 0.01, "--faults", 0.2) as served:
        for mode in ({}, {"batch": True}):
            environment = settings(served.base_url, tmp_path / "answers", **mode)
            environment |= {"OPENAI_LOG": "debug"}
            stage = Stage(material, tmp_path / f"out{len(mode)}", environment, slots=20 + 20 * len(mode))
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
