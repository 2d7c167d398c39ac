"""Limits, dialects, retries and budgets, against a server that misbehaves."""

import asyncio
import time
from collections import Counter

import pytest
from asking import ask_all, teacher
from faulty import Running
from loopback import endpoint

from rag_instruct.answers import AnswerStore
from rag_instruct.dialect import Dialect
from rag_instruct.endpoints import Endpoint
from rag_instruct.errors import UserError
from rag_instruct.limits import Limiter, Pace, seconds_of

STRICT = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


def test_durations_of_headers():
    assert [seconds_of(text) for text in ("20", "1.5", "20ms", "6m0s", "1h2m3.5s", "", None, "soon")] == [
        20, 1.5, 0.02, 360, 3723.5, None, None, None,
    ]  # fmt: skip


def test_the_pace_finds_what_an_endpoint_bears(tmp_path):
    with Running("--latency", 0.05, "--capacity", 10) as served:
        _, bought, _ = ask_all(served.base_url, tmp_path, range(600), concurrency=80)
        bill = served.bill()
    assert bought == 600 == bill["billed"]
    assert bill["faults"]["over capacity"] < 200, "80 at once once, then little more than it bears"


def test_a_pace_spreads_a_minutes_allowance():
    pace = Pace(600)
    waits = [pace.wait(1) for _ in range(30)]
    assert waits[:10] == [0] * 10, "a second's worth may go at once"
    assert waits[-1] - waits[-11] == pytest.approx(1.0, abs=0.1)
    assert Pace(None).wait(1e9) == 0
    pace.learn("60")
    pace.learn("6000")
    assert pace.per_minute == 60, "the lower of what is configured and what the provider says"


def test_429_halves_once_for_all_that_was_in_flight_and_success_restores():
    async def session():
        limiter = Limiter("m", 16, None, None)
        began = time.monotonic()
        for _ in range(8):
            limiter.throttled(began, 0.01)
        assert limiter.limit == 8
        limiter.throttled(time.monotonic() + 1, 0.01)
        assert limiter.limit == 4
        for _ in range(200):
            limiter.succeeded({})
        assert limiter.limit == 16

    asyncio.run(session())


def test_a_spent_allowance_is_waited_for():
    async def session():
        limiter = Limiter("m", 16, None, None)
        limiter.succeeded({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"})
        started = time.monotonic()
        async with limiter.turn(1):
            return time.monotonic() - started

    assert asyncio.run(session()) >= 0.29


def test_never_more_at_a_time_than_the_limit():
    async def session():
        limiter, busy, busiest = Limiter("m", 3, None, None), 0, 0

        async def one():
            nonlocal busy, busiest
            async with limiter.turn(1):
                busy += 1
                busiest = max(busiest, busy)
                await asyncio.sleep(0.001)
                busy -= 1

        await asyncio.gather(*(one() for _ in range(50)))
        return busiest

    assert asyncio.run(session()) == 3


@pytest.mark.parametrize(
    ("complaint", "sent_then"),
    [
        ({"message": "'response_format' of type 'json_schema' is not supported"}, {"response_format": {"type": "json_object"}}),
        ({"message": "Use 'max_completion_tokens' instead.", "param": "max_tokens"}, {"max_completion_tokens": 9}),
        ({"message": "'temperature' does not support 0", "param": "temperature"}, {}),
    ],
)  # fmt: skip
def test_a_complaint_is_learnt_from_once(complaint, sent_then):
    dialect = Dialect("m")
    request = {"model": "m", "max_tokens": 9, "temperature": 0, "response_format": STRICT}
    first = dialect.word(request)
    assert first == request
    assert dialect.learn(first, complaint)
    then = dialect.word(request)
    assert then != first
    assert sent_then.items() <= then.items()
    assert not dialect.learn(then, {"message": "something else"})
    assert dialect.word(then) == then, "what is worded stays as it is"


@pytest.mark.parametrize("plain", [["json_schema"], ["json_schema", "json_object"]])
def test_an_endpoint_without_schemas_is_asked_more_plainly(tmp_path, plain, caplog):
    caplog.set_level("INFO", logger="rag_instruct")
    with Running("--plain", *plain) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(20), form=STRICT)
        assert bought == 20
        assert all(reply["finish_reason"] == "stop" for _, reply in replies)
        assert served.bill()["served"] <= 20 + 4 * len(plain), "found out once, by those in flight"
    said = [line for line in caplog.messages if "response_format" in line]
    assert 1 <= len(said) <= 2


def test_a_reasoning_model_gets_its_own_parameters(tmp_path):
    with Running("--reasoning") as served:
        _, bought, _ = ask_all(served.base_url, tmp_path, range(10), reasoning_tokens=100)
        assert bought == 10
    record = next(AnswerStore(tmp_path).records())
    assert record["request"]["max_tokens"] == 109, "room to think is part of what is asked"


def test_what_will_not_pass_is_not_tried_again(tmp_path):
    for status in (401, 403, 404):
        with endpoint(lambda request: "x") as served:
            served.faults = [status] * 100
            with pytest.raises(UserError, match="kept"):
                ask_all(served.base_url, tmp_path, range(100), concurrency=4)
            assert len(served.requests) <= 4


def test_an_outage_stops_early_and_is_no_answer(tmp_path):
    with endpoint(lambda request: "x") as served:
        served.faults = ["stop"] * 30 + [500] * 10_000
        with pytest.raises(UserError, match=r"requests failed .*500"):
            ask_all(served.base_url, tmp_path, range(2000), concurrency=32)
        assert len(served.requests) < 150
    store = AnswerStore(tmp_path)
    assert len(store) == 30
    assert not [record for record in store.records() if "failure" in record], "an outage settles no request"


def test_a_proxy_leads_to_the_world_and_not_to_this_machine(tmp_path, monkeypatch):
    with endpoint(lambda request: "x") as served:
        monkeypatch.setenv("http_proxy", served.base_url.removesuffix("/v1"))
        ask_all("http://teacher.example/v1", tmp_path / "far", range(2), attempts=1)
        assert len(served.requests) == 2
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        ask_all(served.base_url, tmp_path / "near", range(2), attempts=1)
        assert len(served.requests) == 4


def test_endpoints_take_turns_by_weight(tmp_path):
    with Running() as light, Running() as heavy:
        places = [Endpoint(light.base_url), Endpoint(heavy.base_url, weight=3, model="m-large")]
        ask_all(places, tmp_path, range(80))
        assert [light.bill()["served"], heavy.bill()["served"]] == [20, 60]


def test_an_endpoint_that_is_down_is_stood_in_for(tmp_path):
    with Running() as served, endpoint(lambda request: "x") as broken:
        broken.faults = [500] * 1000
        places = [Endpoint(served.base_url), Endpoint(broken.base_url)]
        _, bought, _ = ask_all(places, tmp_path, range(200), concurrency=8)
        assert bought == 200 == served.bill()["served"]
        assert len(broken.requests) < 20


def test_30_percent_faults_lose_nothing_in_silence(tmp_path):
    asked = 600
    with Running("--latency", 0.02, "--faults", 0.3, "--lasting", 0.05) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(asked), concurrency=32, timeout=1.0)
        bill = served.bill()
    assert set(bill["faults"]) >= {
        "429",
        "500",
        "503",
        "reset",
        "hang",
        "lost",
        "half a character",
        "context",
        "policy",
    }
    assert len(replies) == asked
    ends = Counter(reply["finish_reason"] for _, reply in replies)
    assert ends.total() == asked
    failures = Counter(reply["failure"] for _, reply in replies if reply["finish_reason"] == "failed")
    assert failures.total() == ends["failed"] == asked - bought
    assert set(failures) <= {"400 context_length_exceeded", "400 content_policy_violation"}
    assert ends["length"] == bill["faults"]["length"]
    assert ends["content_filter"] == bill["faults"]["content_filter"]
    # Every billed answer is in the store, but for those that never reached us whole.
    unread = bill["faults"]["lost"] + bill["faults"]["half a character"]
    assert bill["billed"] == bought + unread
    assert bill["distinct"] == bought
    store = AnswerStore(tmp_path)
    assert len(store) == asked
    faults = Counter(fault for record in store.records() for fault in record.get("reply", {}).get("faults", []))
    assert faults["timeout"] == bill["faults"]["hang"]
    assert all(reply["usage"]["completion_tokens"] for _, reply in replies if reply["text"])
    lines = [line for path in tmp_path.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(lines) == asked, "nothing twice"


# A request costs 1 to 3 prompt tokens beside its form, and at most 9 of completion.
def test_the_cap_in_requests_is_kept_and_a_higher_one_goes_on(tmp_path):
    with Running("--latency", 0.02) as served:
        for cap in (25, 60):
            with pytest.raises(UserError, match=rf"budget of set, {cap} requests, is used up.*raise"):
                ask_all(served.base_url, tmp_path, range(100), concurrency=10, caps={"requests": cap})
            assert served.bill()["billed"] == len(AnswerStore(tmp_path)) == cap
        ask_all(served.base_url, tmp_path, range(100), concurrency=10, caps={"requests": 100})
        assert served.bill()["billed"] == 100


def test_the_cap_in_dollars_is_never_exceeded(tmp_path):
    with Running("--latency", 0.02) as served:
        with pytest.raises(UserError, match=r"budget of set, 0.004 dollars, is used up"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=10, caps={"dollars": 0.004})
        tokens = served.bill()["tokens"]
        spent = (2.0 * tokens["prompt_tokens"] + 10.0 * tokens["completion_tokens"]) / 1e6
        assert 0.0036 < spent <= 0.004, "and used to the last requests"
        ask_all(served.base_url, tmp_path, range(100), concurrency=10, caps={"dollars": 1.0})
        assert served.bill()["billed"] == 100


def test_dollars_need_a_price(tmp_path):
    async def session():
        return teacher("http://127.0.0.1:9/v1", tmp_path, variable="PATH", caps={"dollars": 1.0}, model="unheard-of")

    with pytest.raises(UserError, match=r"no price is known for unheard-of.*`price`"):
        asyncio.run(session())


def test_an_allowance_a_minute_is_kept(tmp_path):
    with Running() as served:
        started = time.monotonic()
        ask_all(served.base_url, tmp_path, range(30), concurrency=30, requests_per_minute=1200)
        # However slow the machine is, it is not faster than this.
        assert time.monotonic() - started >= 0.45, "a second's worth at once, then 20 a second"
