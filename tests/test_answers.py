import asyncio
import gc
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import AnswerStore, exclusive, request_key
from rag_instruct.llm.segments import compact, take_recorded
from rag_instruct.lock import Claims
from scripts import answers


def put(store, key, reply):
    asyncio.run(store.put({"key": key, "for": "set", "request": REQUEST, "reply": reply}))


REQUEST = {"model": "m", "messages": [{"role": "user", "content": "Wer? ☃"}], "temperature": 0}


def test_a_reply_is_there_for_every_later_store(tmp_path):
    store = AnswerStore(tmp_path)
    put(store, "k1", {"text": "eins ☃", "finish_reason": "stop"})
    put(store, "k2", {"text": "zwei", "finish_reason": "stop"})
    assert store.get("k1")["text"] == "eins ☃", "before the segment is closed"
    later = AnswerStore(tmp_path)
    assert [later.get(key)["text"] for key in ("k1", "k2")] == ["eins ☃", "zwei"]
    assert later.get("k3") is None


def test_each_store_writes_a_segment_of_its_own(tmp_path):
    first = AnswerStore(tmp_path)
    put(first, "k1", {"text": "a"})
    second = AnswerStore(tmp_path)
    put(second, "k2", {"text": "b"})
    put(first, "k3", {"text": "c"})
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert len(AnswerStore(tmp_path)) == 3


def test_a_torn_tail_costs_one_answer(tmp_path):
    store = AnswerStore(tmp_path)
    for number in range(3):
        put(store, f"k{number}", {"text": str(number)})
    store.close()
    (segment,) = tmp_path.glob("*.jsonl")
    whole = segment.read_bytes()
    for cut in range(len(whole) - 1, whole.rindex(b"\n", 0, -1), -7):
        segment.write_bytes(whole[:cut])
        torn = AnswerStore(tmp_path)
        assert torn.get("k1")["text"] == "1"
        assert torn.get("k2") is None


def test_the_key_is_of_the_content_alone():
    shuffled = dict(reversed(REQUEST.items()))
    assert request_key(REQUEST) == request_key(json.loads(json.dumps(shuffled)))
    others = [{**REQUEST, "temperature": 1}, {**REQUEST, "model": "n"}, {**REQUEST, "seed": 1}]
    keys = {request_key(other) for other in [REQUEST, *others]} | {request_key(REQUEST, sample=1)}
    assert len(keys) == 5


def test_one_job_at_a_time_buys_for_an_output(tmp_path):
    order = []

    def second():
        with exclusive(tmp_path, tmp_path / "out.jsonl"):
            order.append("second")

    with exclusive(tmp_path, tmp_path / "out.jsonl"), exclusive(tmp_path, tmp_path / "other.jsonl"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.slow
def test_a_claim_bars_other_processes_until_it_is_dropped_or_its_holder_dies(tmp_path):
    mine, path = Claims(tmp_path / "claims"), tmp_path / "claims"
    one, other = request_key(REQUEST), request_key(REQUEST, sample=1)
    code = f"from rag_instruct.lock import Claims\nfrom pathlib import Path\nclaims = Claims(Path({str(path)!r}))\n"
    code += f"print(claims.take({one!r}), claims.take({other!r}), flush=True)\ninput()"

    def another():
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=-1, stdout=-1, text=True)
        return process, process.stdout.readline().split()

    first, taken = another()
    assert taken == ["True", "True"]
    assert not mine.take(one)
    first.kill()
    first.communicate()
    assert mine.take(one)
    second, taken = another()
    assert taken == ["False", "True"]
    mine.drop(one)
    second.communicate("")
    mine.close()


@pytest.mark.slow
def test_claims_of_a_whole_batch_take_no_time_and_count(tmp_path):
    """All in one file, 20,000 took the kernel nine seconds."""
    claims, keys = Claims(tmp_path), [request_key(REQUEST, sample=number) for number in range(20_000)]
    began = time.process_time()
    assert all(map(claims.take, keys))
    assert time.process_time() - began < 3
    for _ in range(2):
        claims.take(keys[0])
    code = f"from rag_instruct.lock import Claims\nfrom pathlib import Path\nclaims = Claims(Path({str(tmp_path)!r}))\n"
    code += f"while input():\n    print(claims.take({keys[0]!r}), flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=-1, stdout=-1, text=True, bufsize=1) as other:
        for expected in ("False", "False", "True"):
            claims.drop(keys[0])
            other.stdin.write("x\n")
            assert other.stdout.readline().strip() == expected
        other.stdin.write("\n")


def test_one_look_into_the_folder_serves_thousands_and_misses_nothing(tmp_path, monkeypatch):
    for number in range(50):
        put(AnswerStore(tmp_path), f"k{number}", {"text": "a"})
    store, other = AnswerStore(tmp_path), AnswerStore(tmp_path)
    looks, refresh = [], AnswerStore.refresh
    monkeypatch.setattr(AnswerStore, "refresh", lambda self: looks.append(1) or refresh(self))

    async def one(number):
        await asyncio.sleep(0.001 * (number % 50))
        if number == 700:
            await other.put({"key": "new", "for": "set", "request": REQUEST, "reply": {"text": "b"}})
            await store.refreshed()
            assert store.get("new")
        await store.refreshed()

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(1000)))

    asyncio.run(all_of_them())
    assert 2 <= len(looks) < 200


def test_what_another_job_buys_is_seen(tmp_path):
    mine, other = AnswerStore(tmp_path), AnswerStore(tmp_path)
    put(other, "k1", {"text": "a", "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    assert mine.get("k1") is None
    mine.refresh()
    assert mine.get("k1")["text"] == "a"
    put(other, "k2", {"text": "b", "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    put(mine, "k3", {"text": "c", "usage": {"prompt_tokens": 3, "completion_tokens": 2}, "batch": True})
    mine.refresh()
    assert mine.spent == {
        ("set", "m", "", False): {"prompt": 6, "completion": 4, "requests": 2},
        ("set", "m", "", True): {"prompt": 3, "completion": 2, "requests": 1},
    }


def test_compaction_keeps_every_answer_once_and_waits_for_nobody(tmp_path):
    for number in range(4):
        store = AnswerStore(tmp_path)
        put(store, f"k{number}", {"text": str(number)})
        store.close()
    segments = sorted(tmp_path.glob("*.jsonl"))
    with segments[0].open("ab") as file:  # the same key again, and a torn line
        file.write(segments[1].read_bytes().replace(b'"1"', b'"again"') + b'{"key": "torn')
    asyncio.run(failed(tmp_path))
    before = {key: AnswerStore(tmp_path).get(key) for key in ("k0", "k1", "k2", "k3", "bad")}
    user = AnswerStore(tmp_path)
    with pytest.raises(UserError, match="a job is using the answers"):
        compact(tmp_path)
    user.close()
    gc.collect()
    assert compact(tmp_path) == (0, 0), "somebody may be writing still"
    quiet(tmp_path)
    assert compact(tmp_path) == (5, 5)
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    assert {key: AnswerStore(tmp_path).get(key) for key in before} == before
    gc.collect()
    quiet(tmp_path)
    assert compact(tmp_path, drop_failures=True) == (1, 4)
    assert AnswerStore(tmp_path).get("bad") is None


def quiet(folder):
    for path in folder.glob("*.jsonl"):
        os.utime(path, (0, time.time() - 100))


def test_a_writer_whose_locks_are_not_seen_loses_nothing_to_a_compaction(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: None)  # another node's locks
    writer = AnswerStore(tmp_path)
    put(writer, "k1", {"text": "a"})
    quiet(tmp_path)
    compact(tmp_path)
    put(writer, "k2", {"text": "b"})
    assert {key: AnswerStore(tmp_path).get(key)["text"] for key in ("k1", "k2")} == {"k1": "a", "k2": "b"}


async def failed(folder):
    store = AnswerStore(folder)
    await store.put({"key": "bad", "for": "set", "request": REQUEST, "failure": "400 policy"})
    store.close()


def test_a_full_disk_tears_no_other_answer(small_disk):
    store = AnswerStore(small_disk)
    put(store, "k1", {"text": "a"})
    with pytest.raises(UserError, match="the disk is full"):
        put(store, "k2", {"text": "b" * 2_000_000})
    put(store, "k3", {"text": "c"})
    store.close()
    later = AnswerStore(small_disk)
    assert [later.get(key) and later.get(key)["text"] for key in ("k1", "k2", "k3")] == ["a", None, "c"]


def test_the_store_can_be_looked_into(tmp_path, capsys):
    put(AnswerStore(tmp_path), "abcdef", {"text": "eins", "finish_reason": "stop", "usage": {"prompt_tokens": 1234}})
    answers.main("show", tmp_path)
    assert "1,234" in capsys.readouterr().out
    answers.main("show", tmp_path, key="abc")
    shown = capsys.readouterr().out
    assert "Wer? ☃" in shown
    assert "eins" in shown
    with pytest.raises(UserError, match="no request's key begins with zzz"):
        answers.main("show", tmp_path, key="zzz")


def test_a_recording_is_taken_once_by_jobs_that_begin_at_a_time(tmp_path):
    recorded = tmp_path / "recorded.jsonl.gz"
    recorded.write_bytes(gzip.compress(b"{}\n" * 50_000))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: take_recorded(recorded, tmp_path / "answers"), range(8)))
    (segment,) = (tmp_path / "answers").glob("*.jsonl")
    assert segment.read_bytes() == b"{}\n" * 50_000
