"""Thousands of requests to an endpoint that has every habit at once, with kills: the books balance to the token."""

import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from conftest import ROOT
from faulty import drawn, write_pair
from habits import CONTROL, asked_in, completion, error, habits
from stage import Stage, prepare, settings

from rag_instruct.costs.ledger import entries, summary
from rag_instruct.llm.answers import AnswerStore, request_key
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.client import CONTROL_STAGE
from rag_instruct.llm.prices import Price, load_prices
from rag_instruct.llm.segments import tokens_of

CONCURRENCY = 32
JUST = 5.0  # seconds before a kill in which an answer may have been sent and not stored


@dataclass
class Billed:
    """An attempt that the server charges for."""

    key: str
    prompt: int
    completion: int
    usable: bool  # the client can make a reply of it
    told: bool  # the client can read the usage
    at: float = field(default_factory=time.monotonic)

    @property
    def dollars(self):
        return (2 * self.prompt + 10 * self.completion) / 1e6


class Endpoint:
    """Draws a habit for each attempt, from the request and how often it came, and keeps the bill."""

    def __init__(self) -> None:
        self.billed: dict[str, Billed] = {}  # by the model's name, which is another in each answer
        self.seen: Counter[str] = Counter()
        self.habits: Counter[str] = Counter()
        self.parameters: dict[str, Any] = {}  # of the first requests; later ones may leave out what was refused
        self.lock = threading.Lock()

    def answer(self, request):
        body = json.dumps(request, sort_keys=True)
        with self.lock:
            self.seen[body] += 1
            times = self.seen[body]
            self.parameters = {**request, **self.parameters}
        whole = {**self.parameters, **request}
        key = "control" if asked_in(request) == CONTROL else request_key(whole)
        habit = self.draw(body, times, key)
        with self.lock:
            self.habits[habit] += 1
        return getattr(self, habit)(request, key)

    def draw(self, body, times, key):
        if key != "control":
            lasting = drawn("lasting", body)
            if lasting < 0.03:
                return LASTING[int(lasting / 0.03 * len(LASTING))]
        kind, which = drawn("kind", body, times), drawn("which", body, times)
        if kind < 0.0015 and key != "control":
            return "dry"
        for share, names in ((0.15, CHARGED), (0.35, FREE), (1, GOOD)):
            if kind < share:
                habit = names[int(which * len(names))]
                # A control question is so short that one token for it is possible, and 2,000 brackets for 11 are not.
                return "plain" if habit in ("impossible_usage", "nested") and key == "control" else habit

    def bill(self, request, key, usable=True, told=True, more=0):
        """The usage of an attempt that is charged, and the name of its model."""
        usage = Billed(key, len(json.dumps(request)) // 4, len(write_pair(request)) // 4 + 1 + more, usable, told)
        with self.lock:
            name = f"m-{len(self.billed)}"
            self.billed[name] = usage
        return name, usage

    def good(self, request, key, form, text=lambda text: text, told=True, **more):
        name, usage = self.bill(request, key, told=told and form is not None, **more)
        return {**completion(text(write_pair(request)), usage=form(usage) if form else None), "model": name}

    # Good answers, whose usage has many forms

    def plain(self, request, key):
        return self.good(request, key, lambda used: (used.prompt, used.completion))

    def texts(self, request, key):
        return self.good(request, key, lambda used: {"prompt_tokens": str(used.prompt), "completion_tokens": f"{used.completion}.0"})  # fmt: skip

    def hidden_thoughts(self, request, key):
        """Tokens that the total alone contains."""
        return self.good(request, key, lambda used: {"prompt_tokens": used.prompt, "completion_tokens": used.completion - 20, "total_tokens": used.prompt + used.completion}, more=20)  # fmt: skip

    def cached_above_prompt(self, request, key):
        return self.good(request, key, lambda used: {"prompt_tokens": used.prompt, "completion_tokens": used.completion, "prompt_tokens_details": {"cached_tokens": 10**6}})  # fmt: skip

    def no_usage(self, request, key):
        return self.good(request, key, None)

    def impossible_usage(self, request, key):
        return self.good(request, key, lambda used: (1, 1), told=False)

    def total_alone(self, request, key):
        return self.good(request, key, lambda used: {"total_tokens": used.prompt + used.completion}, told=False)

    def in_parts(self, request, key):
        return self.good(request, key, lambda used: (used.prompt, used.completion), lambda text: [{"type": "text", "text": text}])  # fmt: skip

    def thoughts(self, request, key):
        return self.good(
            request, key, lambda used: (used.prompt, used.completion), "<think>{{ a brace }}</think>{}".format
        )

    def cut_off(self, request, key):
        reply = self.good(request, key, lambda used: (used.prompt, used.completion), lambda text: text[:20])
        reply["choices"][0]["finish_reason"] = "length"
        return reply

    def nested(self, request, key):
        return self.good(request, key, lambda used: (used.prompt, used.completion), lambda text: "[" * 2_000)

    def stream(self, request, key):
        reply = self.good(request, key, lambda used: (used.prompt, used.completion))
        told = {"model": reply["model"], "usage": reply["usage"], "choices": []}
        events = [{"choices": [{"delta": reply["choices"][0]["message"]}]}, told]
        return 200, b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]"

    def wrapped(self, request, key):
        return {"code": 0, "msg": "success", "data": self.plain(request, key)}

    def called(self, request, key):
        reply = self.plain(request, key)
        message = reply["choices"][0]["message"]
        message |= {"content": None, "tool_calls": [{"function": {"name": "x", "arguments": message["content"]}}]}
        return reply

    def with_odd_headers(self, request, key):
        soon = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": str(int(time.time()))}
        return 200, self.plain(request, key), soon

    # Charged, and of no use

    def aborted(self, request, key):
        name, used = self.bill(request, key, usable=False)
        return {**completion("", finish="abort", usage=(used.prompt, used.completion)), "model": name}

    def half_a_surrogate(self, request, key):
        name, used = self.bill(request, key, usable=False)
        return {**completion("a \ud83d", usage=(used.prompt, used.completion)), "model": name}

    def half_a_stream(self, request, key):
        self.bill(request, key, usable=False, told=False)
        return 200, b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'

    def nothing(self, request, key):
        self.bill(request, key, usable=False, told=False)
        return 200, b""

    def lost(self, request, key):
        self.bill(request, key, usable=False, told=False)

    def half_a_body(self, request, key):
        self.bill(request, key, usable=False, told=False)
        return 200, lambda file: file.write(b'{"choices": [{"mess')

    def timed_out(self, request, key):
        self.bill(request, key, usable=False, told=False)
        return 504, b"<html>Gateway Time-out"

    # Not charged

    def overloaded(self, request, key):
        return 503, error("The engine is overloaded")

    def server_error(self, request, key):
        return 500, error("bug")

    def gateway(self, request, key):
        return 502, b"<html>Bad Gateway"

    def page(self, request, key):
        return 200, b"<!DOCTYPE html><title>Log in"

    def error_inside(self, request, key):
        return 200, error("Provider returned error", code=502)

    def throttled(self, request, key):
        return 429, error("slow down"), {"Retry-After": "0.05"}

    def throttled_in_words(self, request, key):
        return 429, [error("Resource exhausted", details=[{"retryDelay": "0.05s"}])]

    def in_another_form(self, request, key):
        return 200, {"choices": None, "base_resp": {"status_code": 1013, "status_msg": "busy"}}

    def teapot(self, request, key):
        return 418, error("I am a teapot")

    # For good, and of the account

    def too_long(self, request, key):
        return 400, {"object": "error", "message": "This model's maximum context length is 2048 tokens", "code": 400}

    def moderated(self, request, key):
        return 403, error("Your input was flagged by moderation", code=403)

    def never(self, request, key):
        return 451, error("not here")

    def dry(self, request, key):
        return 402, error("Insufficient Balance")


GOOD = ["plain", "texts", "hidden_thoughts", "cached_above_prompt", "no_usage", "impossible_usage", "in_parts", "thoughts", "cut_off", "nested", "with_odd_headers", "stream", "wrapped", "called", "total_alone"]  # fmt: skip
CHARGED = ["aborted", "half_a_surrogate", "half_a_stream", "nothing", "lost", "half_a_body", "timed_out"]
FREE = [
    "overloaded",
    "server_error",
    "gateway",
    "page",
    "error_inside",
    "throttled",
    "teapot",
    "throttled_in_words",
    "in_another_form",
]
LASTING = ["too_long", "moderated", "never"]
ALL = GOOD + CHARGED + FREE + LASTING + ["dry"]


@pytest.mark.parametrize(
    ("slots", "chunks", "kills"),
    [
        pytest.param(200, 2, 2, marks=pytest.mark.slow, id="some hundred"),
        pytest.param(10_000, 4, 24, marks=pytest.mark.long, id="ten thousand"),
    ],
)
def test_the_books_balance_to_the_token_whatever_the_endpoint_does(tmp_path, monkeypatch, slots, chunks, kills):
    monkeypatch.setattr("stage.EXEMPLARS", slots)  # as many different requests
    prepare(tmp_path / "material")
    served_by = Endpoint()
    moments: list[float] = []
    with habits(served_by.answer) as served:

        def stages(cap):
            asked = {"concurrency": CONCURRENCY // chunks, "timeout": 20, "attempts": 6}
            given = settings(served.base_url, tmp_path / "answers", budget={"dollars": cap}, **asked)
            return [
                Stage(tmp_path / "material", tmp_path / "out", given, chunk, chunks, slots=slots)
                for chunk in range(chunks)
            ]

        cap = slots * 0.0012
        with ThreadPoolExecutor(chunks) as pool:
            said = list(pool.map(partial(run, moments=moments, kills=kills // chunks), stages(cap)))
        assert all("is used up" in last for last in said), said
        spent = sum(one.dollars for one in served_by.billed.values())
        dearest = max(one.dollars for one in served_by.billed.values())
        in_flight = CONCURRENCY * (1 + len(moments) / chunks)
        print(f"{spent:.4f} dollars of {cap:.4f}; {len(moments)} kills")
        assert 0.2 * cap < spent <= cap + in_flight * dearest
        with ThreadPoolExecutor(chunks) as pool:
            said = list(pool.map(partial(run, moments=moments, kills=kills // chunks), stages(1000.0)))
        assert said == ["done"] * chunks
        made = [stage.rows() for stage in stages(1000.0)]
    print(f"{served_by.seen.total()} requests, {len(served_by.billed)} billed, {len(moments)} kills", served_by.habits)
    assert len(moments) >= kills / 2
    missing = {*ALL} - served_by.habits.keys()
    assert not missing or slots < 1000, missing
    books_balance(served_by, AnswerStore(tmp_path / "answers"), moments)
    rows_and_rejects_are_the_plan(made, slots)


def run(stage, moments, kills):
    """Run a stage to its end, killing it now and then. Return "done", or what it said when the budget was used up.

    It may also stop for the account, and where the endpoint refuses even a control question.
    """
    stops = []
    drawing = random.Random(f"{stage.pairs.name} {len(moments)}")
    for turn in range(200):
        job = stage.start()
        if turn < kills:
            time.sleep(0.5 + 2 * drawing.random())
            if job.poll() is None:
                moments.append(time.monotonic())
                job.kill()
        said = job.communicate()[0]
        assert "Traceback" not in said, said
        if job.returncode == 0:
            return "done"
        if "is used up" in said:
            return said
        assert job.returncode in (1, -9), said
        stops.append((said.strip().splitlines() or ["killed"])[-1][-200:])
    raise AssertionError(stops)


def books_balance(served_by, store, moments):
    """What the server charged is in the ledger, or the ledger calls it unknown, or it was in flight at a kill."""

    def in_flight(one):
        return any(moment - JUST < one.at < moment + JUST for moment in moments)

    replies = {record["reply"]["model"]: record["reply"] for record in store.records() if "reply" in record}
    for name, reply in replies.items():
        one = served_by.billed[name]
        assert one.usable
        assert bool(reply["usage"].get("estimated")) == (not one.told)
        if one.told:
            assert (tokens_of(reply)["prompt"], tokens_of(reply)["completion"]) == (one.prompt, one.completion)
    lost = Counter()
    for record in store.lost.values():
        key = "control" if record["stage"] == CONTROL_STAGE else record["key"]
        tokens = tokens_of(record["lost"])
        told = not record["lost"]["usage"].get("estimated")
        lost[(key, tokens["prompt"], tokens["completion"]) if told else key] += 1
    unaccounted = []
    for name, one in served_by.billed.items():
        entry = (one.key, one.prompt, one.completion) if one.told else one.key
        if name in replies:
            continue
        if lost[entry] and not one.usable:
            lost[entry] -= 1
        else:
            unaccounted.append(one)
    assert all(map(in_flight, unaccounted)), [one for one in unaccounted if not in_flight(one)]
    assert len(unaccounted) <= CONCURRENCY * len(moments)
    assert not [entry for entry in lost.elements() if isinstance(entry, tuple)], "the ledger invents nothing"
    prices = load_prices(ROOT / "resources/prices.yaml")
    account = BudgetAccount("set", "x", prices, own_prices={("t", "m"): Price(input=2.0, output=10.0)})
    total = summary(entries(store, set(), account), account)
    booked = total["dollars"] + total["dollars_that_they_may_have_cost"]
    assert sum(one.dollars for one in served_by.billed.values()) - sum(one.dollars for one in unaccounted) <= booked


def rows_and_rejects_are_the_plan(made, slots):
    tried = [(row["slot"], row["attempt"]) for pairs, rejects in made for row in pairs + rejects]
    assert len(set(tried)) == len(tried)
    filled = [pair["slot"] for pairs, _ in made for pair in pairs]
    assert len(set(filled)) == len(filled)
    for slot in set(range(slots)) - set(filled):
        assert {(slot, attempt) for attempt in range(2)} <= set(tried), "a lost row has used up its candidates"
