import asyncio
import json
import threading
import time

from rag_instruct.answers import AnswerStore, exclusive, request_key


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
