"""Limits, request adaptation, retries and budgets, against a server that misbehaves."""

import asyncio
import re
import socket
import threading
import time
from collections import Counter
from email.utils import formatdate

import pytest
from asking import PRICES, ask_all, body, teacher
from faulty import Running
from habits import habits
from loopback import endpoint

from rag_instruct.costs.ledger import entries, summary
from rag_instruct.errors import UserError
from rag_instruct.llm import client, door
from rag_instruct.llm.adaptation import RequestAdaptation
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.endpoints import Endpoint
from rag_instruct.llm.limits import Limiter, Pace, seconds_of
from rag_instruct.llm.segments import compact

pytestmark = pytest.mark.slow

STRICT = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


def test_durations_of_headers():
    assert [seconds_of(text) for text in ("20", "1.5", "20ms", "6m0s", "1h2m3.5s", "", None, "soon")] == [
        20, 1.5, 0.02, 360, 3723.5, None, None, None,
    ]  # fmt: skip


def test_a_date_to_wait_for():
    assert seconds_of(formatdate(time.time() + 90, usegmt=True)) == pytest.approx(90, abs=2)
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_long_waits_are_told_and_longer_ones_stop(tmp_path, caplog):
    Limiter("m", 16, None, None).throttled(time.monotonic(), 1800)
    assert "m asked to retry after 0:30:00; waiting" in caplog.text
    with endpoint(lambda request: "x") as served:
        served.headers, served.faults = {"Retry-After": "86400"}, ["stop", 429]
        with pytest.raises(UserError, match=r"asked to retry after 1 day, 0:00:00; .*kept"):
            ask_all(served.base_url, tmp_path, range(5), concurrency=1)


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


def test_many_429s_halve_once_for_all_that_was_in_flight_and_success_restores():
    async def session():
        limiter = Limiter("m", 16, None, None)
        began = time.monotonic()
        for _ in range(16):
            limiter.throttled(began, 0.01)
        assert limiter.limit == 8
        for _ in range(6):
            limiter.throttled(time.monotonic() + 1, 0.01)
        assert limiter.limit == 4
        for _ in range(200):
            limiter.succeeded({})
        assert limiter.limit == 16

    asyncio.run(session())


def test_rare_429s_lower_nothing():
    async def session():
        limiter = Limiter("m", 256, None, None)
        for number in range(10_000):
            if number % 50:
                limiter.succeeded({})
            else:
                limiter.throttled(time.monotonic(), 0.01)
        assert limiter.limit == 256
        for _ in range(20):  # every second one
            limiter.throttled(time.monotonic(), 0.01)
            limiter.succeeded({})
        assert limiter.limit < 130

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
    adaptation = RequestAdaptation("m")
    request = {"model": "m", "max_tokens": 9, "temperature": 0, "response_format": STRICT}
    first = adaptation.adapt(request)
    assert first == request
    assert adaptation.learn(first, complaint)
    then = adaptation.adapt(request)
    assert then != first
    assert sent_then.items() <= then.items()
    assert not adaptation.learn(then, {"message": "something else"})
    assert adaptation.adapt(then) == then, "an adapted request stays as it is"


PATTERN = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "^a{5,170}$"}}}


def repetitions(request):
    """The numbers of repetitions in the request's pattern."""
    pattern = request.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("pattern", "")
    return [int(number) for number in re.findall(r"\d+", pattern)]


def test_no_pattern_that_is_sent_repeats_more_than_128_times():
    request = {"messages": [], "response_format": PATTERN}
    sent = RequestAdaptation("m").adapt(request)
    assert max(repetitions(request)) == 170
    assert max(repetitions(sent)) == 128


def test_a_text_is_never_asked_for_as_an_object():
    """An endpoint without schemas would answer a pattern with an object, which is no text."""
    adaptation = RequestAdaptation("m")
    request = {"messages": [], "response_format": PATTERN}
    assert adaptation.learn(adaptation.adapt(request), {"message": "json_schema is not supported"})
    assert adaptation.adapt(request) == {"messages": []}


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        (400, "Grammar error: regex parse error:\n    ^(a$\n     ^\nerror: unclosed group"),  # vLLM
        (400, 'Grammar error: Unimplemented keys: ["contains"]'),  # vLLM
        (400, "failed to parse grammar"),  # llama.cpp
        (400, "JSON schema conversion failed:\nInvalid pattern ^(a$: unbalanced parentheses"),  # llama.cpp
        (400, "Unable to generate parser for this template: JSON schema error at #: unrecognized type"),  # llama.cpp
        (400, "Failed to initialize samplers: failed to parse grammar"),  # llama.cpp
        (400, "Failed to initialize samplers: Unexpected empty grammar stack after accepting piece: {"),  # llama.cpp
        (500, "Failed to compile json schema: pattern is too complex"),  # SGLang
        (400, "invalid JSON schema in format"),  # Ollama
        (500, "failed to load model vocabulary required for format"),  # Ollama
        # Ollama 0.32 has the error of its model server as JSON in a text.
        (
            400,
            r'{"error":{"code":400,"message":"Field \'json_schema\': JSON schema conversion failed:\nPattern must start"}}',
        ),
        (400, '{"error":{"code":400,"message":"Failed to initialize samplers: failed to parse grammar"}}'),
    ],
)
def test_a_grammar_that_the_endpoint_cannot_compile_is_named_and_left_out(status, complaint, caplog):
    caplog.set_level("INFO", logger="rag_instruct")
    adaptation = RequestAdaptation("m at u")
    request, other = {"messages": [], "response_format": PATTERN}, {"messages": [], "response_format": STRICT}
    assert adaptation.learn(adaptation.adapt(request), {"message": complaint}, status)
    assert adaptation.adapt(request) == {"messages": []}
    assert adaptation.adapt(other) == other, "other grammars are still sent"
    assert "m at u cannot compile" in caplog.text
    assert "the grammar ^(a{5,127}|" in caplog.text


def test_a_grammar_that_only_gets_500_is_left_out_when_the_rest_is_answered(tmp_path, caplog):
    caplog.set_level("INFO", logger="rag_instruct")
    with endpoint(lambda request: "x") as served:
        served.refuses = lambda request: 500 if "response_format" in request else None
        replies, _, _ = ask_all(served.base_url, tmp_path, range(3), form=PATTERN, concurrency=1)
        sent = ["response_format" in request for request in served.requests]
    assert [reply["finish_reason"] for _, reply in replies] == ["stop"] * 3
    assert all("faults" not in reply for _, reply in replies)
    assert sent == [True, False, True, False, False], "twice is no accident"
    assert caplog.text.count("answers 500 to the grammar ^(a{5,127}|") == 1


def test_one_passing_500_costs_no_grammar(tmp_path, caplog):
    caplog.set_level("INFO", logger="rag_instruct")
    with endpoint(lambda request: "x") as served:
        served.faults = [500]
        ask_all(served.base_url, tmp_path, range(6), form=PATTERN, concurrency=1)
        sent = ["response_format" in request for request in served.requests]
    assert sent == [True, False, True, True, True, True, True]
    assert "answered 500, and then the same request without the grammar" in caplog.text


def test_a_form_that_is_refused_without_a_word_is_left_out(tmp_path, caplog):
    """A gateway that knows no `response_format` and does not say so."""
    caplog.set_level("INFO", logger="rag_instruct")
    with endpoint(lambda request: "x") as served:
        served.refuses = lambda request: 400 if "response_format" in request else None
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(6), form=STRICT, concurrency=1)
        sent = ["response_format" in request for request in served.requests]
    assert [reply["finish_reason"] for _, reply in replies] == ["stop"] * bought
    assert sent == [True, False, True, False, False, False, False, False]
    assert "answers 400 to the grammar" in caplog.text


@pytest.mark.parametrize(
    ("complaint", "gone"),
    [
        ("temperature: Extra inputs are not permitted", {"temperature"}),  # Mistral's words
        ("Unrecognized request argument supplied: seed", {"seed"}),
        ("`temperature` and `top_p` cannot both be specified for this model.", {"top_p"}),  # Anthropic
        ("`temperature` is deprecated for this model.", {"temperature"}),
        ("wrong top_p: only 0.95 is allowed here", {"top_p"}),
        ("invalid temperature: only 1 is allowed for this model", {"temperature"}),  # Moonshot
        ("Unknown parameter: 'top_p'", {"top_p"}),
        ("JSON mode is not enabled for this model", {"response_format"}),
        ("Structured outputs are not available here", {"response_format"}),
    ],
)
def test_parameters_that_servers_refuse_in_other_words_are_left_out(complaint, gone):
    request = {"model": "m", "temperature": 0, "top_p": 1, "seed": 1, "response_format": {"type": "json_object"}}
    adaptation = RequestAdaptation("m")
    assert adaptation.learn(request, {"message": complaint})
    assert adaptation.adapt(request).keys() == request.keys() - gone


def test_a_prompt_that_is_too_long_teaches_nothing(tmp_path, caplog):
    """vLLM names both `max_tokens` and `max_completion_tokens` in it."""
    said = "'max_tokens' or 'max_completion_tokens' is too large: 9. This model's maximum context length is 8 tokens."
    with habits(lambda request: (400, {"error": {"message": said}})) as served:
        ((_, reply),) = ask_all(served.base_url, tmp_path, range(1))[0]
        assert len(served.requests) == 1
    assert reply["failure"].startswith("too long")


def test_an_outage_drops_no_grammar(tmp_path):
    adaptation = RequestAdaptation("m")
    request = {"messages": [], "response_format": STRICT}
    sent = adaptation.adapt(request)
    assert adaptation.learn(sent, {"message": "Internal server error"}, 500)
    plain = adaptation.adapt(request)
    assert not adaptation.learn(plain, {"message": "Internal server error"}, 500)
    adaptation.failed(request)
    assert adaptation.adapt(request) == sent
    adaptation.succeeded(request, sent)
    assert not adaptation.learn(sent, {"message": "Internal server error"}, 500), "it has been compiled before"


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
            assert len(served.requests) <= 5, "four at once, and one harmless question"


def test_an_outage_stops_early_and_is_no_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "OUTAGE", 0.5)
    with endpoint(lambda request: "x") as served:
        served.faults = ["stop"] * 30 + [500] * 10_000
        with pytest.raises(UserError, match=r"has not answered for .*500"):
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
        # The other endpoint's proxy is not there, so it fails. This machine's is asked without a proxy all the same.
        places = [Endpoint(served.base_url), Endpoint("http://teacher.example/v1")]
        ask_all(places, tmp_path / "both", range(4))
        assert len(served.requests) == 8


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
    assert {failure.split(" (")[0] for failure in failures} == {
        "too long: 400 context_length_exceeded",
        "400 content_policy_violation",
    }
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
    assert len(lines) == asked + len(store.lost), "nothing twice"
    assert len(store.lost) == unread + bill["faults"]["reset"] + bill["faults"]["hang"]


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


@pytest.mark.parametrize("batch", [False, True], ids=["online", "batch"])
def test_attempts_that_are_billed_for_nothing_count_against_the_cap(tmp_path, monkeypatch, batch):
    asked = {"concurrency": 16, "timeout": 1.0, "batch": batch, "poll_seconds": 0.1}
    with Running("--latency", 0.02, "--faults", 0.5) as served:
        with pytest.raises(UserError, match="budget of set, 100 requests, is used up: 100 are answered or lost"):
            ask_all(served.base_url, tmp_path, range(150), caps={"requests": 100}, **asked)
        bill = served.bill()
        store = AnswerStore(tmp_path)
        assert len(store) + len(store.lost) == 100 >= bill["billed"] > len(store)
        account = BudgetAccount("set", "x", PRICES)
        total = summary(entries(store, set(), account), account)
        paid = (2.0 * bill["tokens"]["prompt_tokens"] + 10.0 * bill["tokens"]["completion_tokens"]) / 1e6
        paid *= 0.5 if batch else 1
        assert total["dollars"] < paid <= account.spent(store)[0]
        assert total["dollars"] + total["dollars_that_they_may_have_cost"] == pytest.approx(account.spent(store)[0])
        assert total["stages"]["synthesis, m"]["lost_attempts"] == len(store.lost)
        store.close()
        monkeypatch.setattr("rag_instruct.llm.segments.QUIET", -1)
        assert compact(tmp_path)[1] == 100
        ask_all(served.base_url, tmp_path, range(150), caps={"requests": 400}, **asked)
    assert len(AnswerStore(tmp_path)) == 150


def raw_endpoint(reply):
    """A server's address, and the first line and headers of what it was sent; it answers everything with some bytes."""
    seen = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65536).decode().split("\r\n\r\n")[0].splitlines())
                connection.sendall(reply)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # closed with something unread, it would be a reset
                    pass

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/v1?api-version=3", seen, listening


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"no HTTP at all\r\n\r\n", "connection broken"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<no page>", r"404 \(<no page>\)"),
        (b'HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"error": "none"}', r"404 \(none"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "answered 302"),
    ],
)
def test_what_is_sent_and_what_is_no_reply(tmp_path, monkeypatch, caplog, reply, said):
    monkeypatch.setenv("MY_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ORG_ID", "my-organisation")
    caplog.set_level("DEBUG")
    url, seen, listening = raw_endpoint(reply)
    with listening, pytest.raises(UserError, match=said) as refusal:
        ask_all(url, tmp_path, range(1), attempts=1, variable="MY_KEY", timeout=5.0)
    (first, *headers) = seen[0]
    assert first == "POST /v1/chat/completions?api-version=3 HTTP/1.1"
    named = dict(line.lower().split(": ", 1) for line in headers)
    assert named["authorization"] == "bearer sk-secret"
    assert named["openai-organization"] == "my-organisation"
    assert named["content-type"] == "application/json"
    assert "openai-project" not in named
    assert named["content-length"].isdigit()
    assert "sk-secret" not in caplog.text + str(refusal.value)


def test_a_connection_that_was_never_made_cost_nothing(tmp_path):
    with endpoint(lambda request: "x") as served:
        places = [Endpoint(served.base_url), Endpoint("http://127.0.0.1:9/v1")]
        ask_all(places, tmp_path, range(20))
    store = AnswerStore(tmp_path)
    assert any(record["reply"].get("faults") for record in store.records())
    assert not store.lost


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_room_for_the_answer_is_counted_by_whatever_name(tmp_path, name):
    with Running() as served:
        with pytest.raises(UserError, match=r"the next request may cost 0\.[5-9]"):
            ask_all(served.base_url, tmp_path, range(1), caps={"dollars": 0.4}, sampling={name: 50_000})
        assert not served.bill()["served"]


def test_dollars_need_a_price(tmp_path):
    async def session():
        return teacher("http://127.0.0.1:9/v1", tmp_path, variable="PATH", caps={"dollars": 1.0}, model="unheard-of")

    with pytest.raises(UserError, match=r"no price is known for unheard-of.*`price`"):
        asyncio.run(session())


@pytest.mark.parametrize("weights", [[1], [1, 1], [3, 1]])
def test_an_allowance_a_minute_is_that_of_the_job(tmp_path, weights):
    with Running() as served:
        places = [Endpoint(served.base_url, weight=weight) for weight in weights]
        started = time.monotonic()
        ask_all(places, tmp_path, range(30), concurrency=30, requests_per_minute=1200)
        # However slow the machine is, it is not faster than this.
        assert time.monotonic() - started >= 0.45, "a second's worth at once, then 20 a second"


@pytest.mark.parametrize("message", [r'"content": "a\ud83d"', r'"content": "a\ufffd"', r'"refusal": "a\ud83d"'])
def test_half_a_character_is_a_broken_reply_however_it_is_written(message):
    content = f'{{"choices": [{{"message": {{{message}}}, "finish_reason": "stop"}}]}}'.encode()
    outcome = door.outcome_of(200, content, body(1))
    assert isinstance(outcome, door.Transient)
    assert outcome.charged
    assert outcome.fault in ("broken reply", "half a character")


def test_a_fault_of_ours_lets_what_is_under_way_be_kept():
    ended = []

    async def work(number):
        if number == 0:
            raise ValueError("a fault")
        await asyncio.sleep(0.01)
        ended.append(number)

    with pytest.raises(ValueError, match="a fault"):
        asyncio.run(at_once(range(100), work, 4, "test"))
    assert ended == [1, 2, 3]


def test_a_limit_of_tokens_is_learnt_from_a_header(tmp_path):
    with endpoint(lambda request: "x") as served:
        served.headers = {"x-ratelimit-limit-tokens": "6000"}
        started = time.monotonic()
        _, bought, _ = ask_all(served.base_url, tmp_path, range(9), concurrency=1)
        tokens = 8 * 30  # after the first reply; each has some 30
        assert bought == 9
        assert time.monotonic() - started >= (tokens - 100) / 100, "a second's worth at once, then 100 tokens a second"
