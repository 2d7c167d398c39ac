"""Large segments: their index tells the same as their records, and nobody reads these to open the store."""

import asyncio
import json
import os
import random
import shutil
from pathlib import Path

import pytest

from rag_instruct.llm import answers
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.segment_index import index_file
from rag_instruct.llm.segments import compact

KEYS = [f"{number:064x}" for number in range(40)]


def record(draw):
    """A record of any kind about one of a few keys, so that keys repeat in and among segments."""
    key, model = draw.choice(KEYS), draw.choice(["chat", "vectors"])
    made = {"key": key, "at": "today", "for": draw.choice(["one", "two"]), "teacher": draw.choice(["", "t"])}
    if (kind := draw.randrange(6)) == 0:
        usage = {"prompt_tokens": 3, "completion_tokens": 1}
        return {**made, "lost": {"id": f"lost {key}", "model": model, "fault": "timeout", "usage": usage}}
    made["request"] = {"model": model, "input": key}
    if kind < 3:
        return {**made, "failure": "no", **({"unknown": True} if kind == 1 else {})}
    tokens = {"prompt_tokens": draw.randrange(1, 99), "prompt_tokens_details": {"cached_tokens": 1}}
    reply = {"text": str(draw.random()), "finish_reason": "stop", "usage": tokens, "batch": draw.random() < 0.3}
    return {**made, "reply": reply}


def fill(folder, seed, segments=5, records=60):
    """Write segments of random records, some with a broken line, some with a torn tail."""
    draw = random.Random(seed)
    for segment in range(segments):
        lines = [json.dumps(record(draw)) for _ in range(records)]
        if draw.random() < 0.5:
            lines[draw.randrange(records)] = "broken"
        torn = '{"key": "torn' if draw.random() < 0.5 else ""
        (folder / f"{segment}.jsonl").write_text("\n".join([*lines, torn]))


def told(store):
    """All that a store tells its users."""
    return {
        "replies": {key: store.get(key) for key in KEYS},
        "has": [key in store for key in KEYS],
        "unknown": [store.is_unknown(key) for key in KEYS],
        "spent": store.spent,
        "lost": store.lost,
        "size": len(store),
        "answering": [store.has_answers_of(model) for model in ("chat", "vectors", "none")],
        "records": sorted(json.dumps(record) for record in store.records()),
        "for": sorted(json.dumps(record) for record in store.records_for("one", set(KEYS[:9]))),
        "of": [sorted(json.dumps(record) for record in store.answers_of(model)) for model in ("chat", "vectors", "no")],
    }


@pytest.mark.parametrize("seed", range(6))
def test_a_store_tells_the_same_whether_it_reads_records_or_indexes(tmp_path, monkeypatch, seed):
    fill(tmp_path, seed)
    store = AnswerStore(tmp_path)
    expected = told(store)
    ledger = [record for record in store.records() if record["for"] == "one" or record["key"] in KEYS[:9]]
    assert expected["for"] == sorted(map(json.dumps, ledger))
    monkeypatch.setattr(answers, "MOST_RECENT", 7)
    assert told(AnswerStore(tmp_path)) == expected, "a table instead of a dictionary"
    for large in (0, (tmp_path / "2.jsonl").stat().st_size):  # all segments, and some of them
        monkeypatch.setattr(answers, "LARGE", large)
        assert told(AnswerStore(tmp_path)) == expected, "indexes are made"
        assert told(AnswerStore(tmp_path)) == expected, "indexes are read"


def test_a_store_opens_without_reading_the_records_of_large_segments(tmp_path, monkeypatch):
    fill(tmp_path, 1, segments=1)
    monkeypatch.setattr(answers, "LARGE", 0)
    before = AnswerStore(tmp_path)
    segment = tmp_path / "0.jsonl"
    state = segment.stat()
    shutil.copy(segment, tmp_path / "kept")
    finals = [record for record in before.records() if not before.is_unknown(record["key"])]
    size = len(before)
    lines = segment.read_bytes().splitlines(keepends=True)
    blank = [b"x" * (len(line) - 1) + b"\n" if b'"reply"' in line else line for line in lines]
    segment.write_bytes(b"".join(blank))
    os.utime(segment, ns=(state.st_atime_ns, state.st_mtime_ns))
    store = AnswerStore(tmp_path)
    assert (len(store), store.spent) == (size, before.spent), "although no answer can be read"
    shutil.copy(tmp_path / "kept", segment)
    assert [store.record(record["key"]) for record in finals] == finals


@pytest.mark.parametrize("large", [0, 2**40])
def test_the_answers_of_a_model_are_found_without_reading_others(tmp_path, monkeypatch, large):
    fill(tmp_path, 8)
    monkeypatch.setattr(answers, "LARGE", large)
    store, read = AnswerStore(tmp_path), []
    record_at = AnswerStore._record_at
    monkeypatch.setattr(AnswerStore, "_record_at", lambda *given: read.append(1) or record_at(*given))
    assert {found["request"]["model"] for found in store.answers_of("chat")} == {"chat"}
    assert 0 < len(read) == sum(record["request"]["model"] == "chat" for record in store.records() if "reply" in record)
    read.clear()
    assert not list(store.sample("none"))
    assert not read
    failures = sum("failure" in record for record in store.records())
    read.clear()
    assert list(store.records_for("one", ()))
    assert len(read) == failures + sum(record["for"] == "one" for record in store.records() if "reply" in record)


@pytest.mark.parametrize("damage", ["absent", "cut", "garbage", "older", "another"])
def test_an_index_that_does_not_fit_is_made_again(tmp_path, monkeypatch, damage):
    fill(tmp_path, 2, segments=1)
    expected = told(AnswerStore(tmp_path))
    monkeypatch.setattr(answers, "LARGE", 0)
    AnswerStore(tmp_path)
    segment = tmp_path / "0.jsonl"
    index = index_file(segment)
    good = index.read_bytes()
    match damage:
        case "absent":
            index.unlink()
        case "cut":
            index.write_bytes(good[:-8])
        case "garbage":
            index.write_bytes(b"[1]\n" + bytes(80))
        case "older":
            later = {**record(random.Random(5)), "key": "f" * 64}
            with segment.open("a") as file:
                file.write("\n" + json.dumps(later) + "\n")
            monkeypatch.setattr(answers, "LARGE", 2**40)
            expected = told(AnswerStore(tmp_path))
            monkeypatch.setattr(answers, "LARGE", 0)
        case "another":
            fill(tmp_path, 3, segments=1)
            monkeypatch.setattr(answers, "LARGE", 2**40)
            expected = told(AnswerStore(tmp_path))
            monkeypatch.setattr(answers, "LARGE", 0)
    assert told(AnswerStore(tmp_path)) == expected
    assert json.loads(index.read_bytes().splitlines()[0])["of"][1] == segment.stat().st_size


def test_a_store_that_may_not_be_written_is_read(tmp_path, monkeypatch):
    fill(tmp_path, 4)
    expected = told(AnswerStore(tmp_path))
    monkeypatch.setattr(answers, "LARGE", 0)

    def refuse(*_):
        raise PermissionError(13, "not yours")

    monkeypatch.setattr("rag_instruct.llm.segment_index.whole", refuse)
    assert told(AnswerStore(tmp_path)) == expected
    assert not list(tmp_path.glob("*.index"))


def test_a_process_begins_another_segment_and_leaves_an_index(tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "LARGE", 1000)
    monkeypatch.setattr(answers, "FULL_SEGMENT", 3000)
    monkeypatch.setattr(answers, "MOST_RECENT", 5)
    store, other, draw = AnswerStore(tmp_path), AnswerStore(tmp_path), random.Random(6)

    async def buy():
        for number, key in enumerate(KEYS):
            await store.put({**record(draw), "key": key})
            if number % 9 == 0:
                other.refresh()
                store.refresh()

    asyncio.run(buy())
    other.refresh()
    mine = told(store)
    assert told(other) == mine
    store.close()
    other.close()
    segments = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert len(segments) > 2
    assert len(list(tmp_path.glob("*.index"))) >= len(segments) - 1, "the last one may be small"
    assert told(AnswerStore(tmp_path)) == mine


def test_compaction_leaves_no_index_of_what_is_gone(tmp_path, monkeypatch):
    fill(tmp_path, 7)
    expected = told(AnswerStore(tmp_path))
    monkeypatch.setattr(answers, "LARGE", 0)
    AnswerStore(tmp_path).close()
    assert len(list(tmp_path.glob("*.index"))) == 5
    for path in tmp_path.glob("*.jsonl"):
        os.utime(path, (0, 0))
    compact(tmp_path)
    assert not list(tmp_path.glob("*.index"))
    assert told(AnswerStore(tmp_path)) == expected


def test_a_kill_during_a_compaction_leaves_no_index_for_ever(tmp_path, monkeypatch):
    fill(tmp_path, 7)
    monkeypatch.setattr(answers, "LARGE", 0)
    AnswerStore(tmp_path).close()
    unlink = Path.unlink

    def killed(path, **options):
        unlink(path, **options)
        if path.name.startswith("3.jsonl"):
            raise KeyboardInterrupt

    for path in tmp_path.glob("*.jsonl"):
        os.utime(path, (0, 0))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            compact(tmp_path)
    assert {path.stem for path in tmp_path.glob("*.index")} <= {path.name for path in tmp_path.glob("*.jsonl")}


def test_a_foreign_line_whose_payer_no_file_can_hold_is_read(tmp_path, monkeypatch):
    line = '{"key": "k", "for": "\\ud800", "request": {"model": "m"}, "reply": {"text": "x"}}\n'
    (tmp_path / "0.jsonl").write_text(line)
    monkeypatch.setattr(answers, "LARGE", 0)
    assert AnswerStore(tmp_path).get("k")["text"] == "x"
