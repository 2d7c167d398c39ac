"""Habits of real endpoints, each a kind of ../shared's list of faults: what they cost, what is kept, what ends."""

import asyncio
import errno
import gzip
import json
import re
import threading
import time
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import cycle
from urllib.parse import unquote

import pytest
import yaml
from asking import PRICES, ask_all, body, teacher
from conftest import ROOT
from habits import CONTROL, Raw, asked_in, completion, error, habits, result
from pydantic import ValidationError

from rag_instruct.costs.ledger import entries, summary
from rag_instruct.errors import UserError
from rag_instruct.jobs import REPLAY, replays
from rag_instruct.llm import answers, batch, batch_api, client, endpoint_client
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.door import EMPTY, HALF
from rag_instruct.llm.endpoints import Endpoint, TeacherModel, bytes_without_key, without_key
from rag_instruct.llm.limits import TEN_YEARS, Limiter, seconds_of
from rag_instruct.llm.prices import Price
from rag_instruct.llm.prompts import load_prompt, read
from rag_instruct.llm.segments import compact
from rag_instruct.llm.server import local_server
from rag_instruct.llm.session import account_of, open_session
from rag_instruct.settings.asked import Teacher

ACCOUNT = BudgetAccount("set", "x", PRICES)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Let no test sleep: waits are a hundredth of their length."""
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(endpoint_client, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(batch, "QUIET", 0.05)
    monkeypatch.setattr(batch, "UNCLEAR", 0.3)


def failures(folder):
    return [record for record in AnswerStore(folder).records() if "failure" in record]


def number_of(request):
    """The number of a question; None for a control question."""
    return None if asked_in(request) == CONTROL else int(asked_in(request).split()[-1])


def after(count, then):
    """Good answers at first, then others."""
    served = iter(range(10**9))
    return lambda request: completion() if next(served) < count else then(request)


# C1: the account's state


@pytest.mark.parametrize(
    "refusal",
    [
        (400, error("Your credit balance is too low to access the Anthropic API.", type="invalid_request_error")),
        (402, error("Insufficient Balance")),
        (429, error("You exceeded your current quota.", code="insufficient_quota")),
        (400, error("Das Kontingent ist ausgeschöpft.")),  # in words that we do not know
        (403, {"detail": "closed for the season"}),
    ],
)
def test_an_account_that_runs_dry_stops_the_job_and_settles_nothing(tmp_path, refusal):
    with habits(after(20, lambda request: refusal)) as served:
        with pytest.raises(UserError, match="what was bought is kept: correct this"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=8)
        assert len(served.requests) < 20 + 4 * 8
        assert len(AnswerStore(tmp_path)) == 20
        assert not failures(tmp_path)
        served.answer = lambda request: completion()
        assert ask_all(served.base_url, tmp_path, range(100), concurrency=8)[1:] == (80, 20)


def test_many_different_requests_refused_alike_stop_the_job_although_the_endpoint_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "MOST_REFUSED", 10)
    with habits(lambda request: completion() if number_of(request) is None else (418, error("no questions"))) as served:
        with pytest.raises(UserError, match=r"did not answer 10 different requests in a row.*no questions"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=4)
    assert all(record["unknown"] for record in failures(tmp_path))


@pytest.mark.parametrize(
    "refusal",
    [
        (403, error("Access blocked: repeated violations of our usage policy.")),
        (400, error("Requests of this organization are flagged", code="content_policy_violation")),
    ],
)
def test_an_account_that_is_blocked_in_the_words_of_moderation_stops_the_job(tmp_path, refusal):
    with habits(after(20, lambda request: refusal)) as served:
        with pytest.raises(UserError, match="also to a control question"):
            ask_all(served.base_url, tmp_path, range(200), concurrency=8)
    assert len(failures(tmp_path)) < 2 * client.BLOCKED_AFTER, "late answers of before count"


TOO_LONG = (400, error("This model's maximum context length is 8192 tokens.", code="context_length_exceeded"))
MODERATED = (400, error("Repeated violations of our usage policy", code="content_policy_violation"))
UNKNOWN = (400, error("closed"))


@pytest.mark.parametrize(
    ("few", "many", "final"),
    [
        (MODERATED, MODERATED, 0),
        ((200, completion()), MODERATED, 18),
        (TOO_LONG, MODERATED, 2),  # no answer, and so no sign that the account works
        (TOO_LONG, UNKNOWN, 2),
        (UNKNOWN, TOO_LONG, 18),
        (UNKNOWN, (200, completion()), 2),
    ],
)
def test_a_batch_that_an_account_may_have_refused_settles_nothing_of_it(tmp_path, monkeypatch, few, many, final):
    monkeypatch.setattr(batch, "QUIET", 0.5)
    with habits(None) as served:
        served.batches.lines = lambda line: result(line, *(few if number_of(line["body"]) < 2 else many))
        with (
            nullcontext() if 200 in (few[0], many[0]) else pytest.raises(UserError, match=r"to \d+ requests; .*correct")
        ):
            ask_all(served.base_url, tmp_path, range(20), batch=True, poll_seconds=0.01)
    assert len(failures(tmp_path)) == final


def test_a_company_that_blocks_the_address_settles_nothing(tmp_path):
    page = b"<!DOCTYPE html><title>Blocked</title><p>Category: AI. Your company's content filter policy."
    with habits(lambda request: (403, page, {"Content-Type": "text/html"})) as served:
        with pytest.raises(UserError, match=r"answered 403 \(a page: Blocked Category: AI"):
            ask_all(served.base_url, tmp_path, range(20))
    assert not len(AnswerStore(tmp_path))


# C5 and "nothing is final that is not understood"


@pytest.mark.parametrize(
    "refusal",
    [
        (403, error("I will not read that light has 299792 km per second")),
        (400, error("no: rate limits and how they slow down")),
        (200, error("the text says: slow down at 9 falls per minute")),
        (429, error("Limit 30000, requested 40000")),  # and never enough
    ],
)
@pytest.mark.parametrize("count", [1, 30])
def test_a_request_whose_refusal_quotes_words_of_pace_holds_up_nothing_for_long(tmp_path, refusal, count):
    """Also as the last open request."""
    with habits(lambda request: refusal if number_of(request) == 0 else completion()) as served:
        replies, _, _ = ask_all(served.base_url, tmp_path, range(count), concurrency=4)
        most = 2 * (client.WAITS_BY_429 if refusal[0] == 429 else client.WAITS_BY_WORDS)
        assert len(served.requests) <= count + most + len(served.controls) <= count + most + 2
    assert replies[0][1]["unknown"]
    assert [reply["finish_reason"] for _, reply in replies[1:]] == ["stop"] * (count - 1)


def test_a_pace_that_only_words_tell_is_waited_for(tmp_path):
    """The control question has to wait, too, and then the requests are answered."""
    came = []

    def answer(request):
        came.append(1)
        return completion() if len(came) > 12 else (403, error("this key may ask 9 times per minute"))

    with habits(answer) as served:
        assert ask_all(served.base_url, tmp_path, range(3), concurrency=1)[1] >= 3
    assert not failures(tmp_path)


@pytest.mark.parametrize("refusal", [(400, error("I would rather not")), (403, error("never")), (500, error("bug"))])
def test_what_is_not_understood_ends_the_stage_and_is_asked_again_by_the_next(tmp_path, refusal):
    """As the last open request, among others, and as the only one of a rerun."""
    with habits(lambda request: refusal if number_of(request) in (3, 9) else completion()) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(10), concurrency=2, attempts=3)
        assert bought == 8, "control questions are no requests of the stage"
        assert [reply["finish_reason"] for _, reply in replies].count("failed") == 2
        assert len(failures(tmp_path)) == 2
        again, _, replayed = ask_all(served.base_url, tmp_path, range(10), attempts=3)
        assert replayed == 8
        assert again[3][1]["failure"] == replies[3][1]["failure"], "asked again, and refused again"
        served.answer = lambda request: completion()
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(10))
        assert bought == 2
    assert {reply["finish_reason"] for _, reply in replies} == {"stop"}
    assert not failures(tmp_path)


def test_a_replay_takes_what_is_not_understood_as_it_is(tmp_path, monkeypatch):
    with habits(lambda request: (418, error("no")) if number_of(request) == 1 else completion()) as served:
        ask_all(served.base_url, tmp_path, range(3))
    monkeypatch.setenv(REPLAY, "1")
    replies, bought, replayed = ask_all("http://127.0.0.1:9/v1", tmp_path, range(3))
    assert (bought, replayed) == (0, 3)
    assert replies[1][1]["failure"] == "418 (no)"


def test_a_compaction_keeps_the_answer_of_what_was_refused_before(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_instruct.llm.segments.QUIET", -1)
    with habits(lambda request: (418, error("no")) if number_of(request) == 1 else completion()) as served:
        ask_all(served.base_url, tmp_path, range(2))
        served.answer = lambda request: completion("late")
        ask_all(served.base_url, tmp_path, range(2))
    compact(tmp_path)
    assert ask_all("http://127.0.0.1:9/v1", tmp_path, range(2))[0][1][1]["text"] == "late"


def test_refusals_in_known_words_are_final_and_cost_one_attempt(tmp_path):
    moderated = 403, error("Your input was flagged by moderation", code=403)
    with habits(lambda request: moderated if number_of(request) % 2 else completion()) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(10))
        assert (bought, len(served.requests)) == (5, 10)
        assert ask_all(served.base_url, tmp_path, range(10))[1:] == (0, 10)
    assert sum("flagged" in reply.get("failure", "") for _, reply in replies) == 5


@pytest.mark.parametrize("answers", [True, False])
def test_prompts_that_are_all_too_long_are_believed_if_the_endpoint_answers_a_short_one(tmp_path, answers):
    """Where `max_tokens` alone is too large, servers say the same of every prompt."""
    refusal = 400, error("The sum of prompt and `max_tokens` exceeds the context window.")
    with habits(lambda request: completion() if answers and number_of(request) is None else refusal) as served:
        with nullcontext() if answers else pytest.raises(UserError, match="also to a control question"):
            ask_all(served.base_url, tmp_path, range(20), concurrency=1)
        assert len(served.controls) == (20 // client.BLOCKED_AFTER if answers else 1)
    assert len(failures(tmp_path)) == (20 if answers else client.BLOCKED_AFTER - 1)


# C2: lines of a batch


def test_a_line_without_status_and_body_costs_nothing_and_its_request_is_sent_again(tmp_path):
    asked = Counter()

    def lines(line):
        asked[line["custom_id"]] += 1
        nothing = number_of(line["body"]) == 2 and asked[line["custom_id"]] == 1
        return result(line, 0, {}) if nothing else result(line, 200, completion())

    with habits(None) as served:
        served.batches.lines = lines
        assert ask_all(served.base_url, tmp_path, range(8), batch=True, poll_seconds=0.01)[1] == 8
    assert sorted(asked.values()) == [1] * 7 + [2]
    assert not AnswerStore(tmp_path).lost


@pytest.mark.parametrize("bad", [0, 401, 403, 418, "none", b"\xff torn", {"custom_id": "other"}])
def test_a_bad_line_costs_the_batch_nothing_else(tmp_path, bad):
    def lines(line):
        if number_of(line["body"]) != 2:
            return result(line, 200, completion())
        return bad if isinstance(bad, bytes | dict) else result(line, bad, error("no"))

    with habits(None) as served:
        served.batches.lines = lines
        with pytest.raises(UserError, match="needs a key") if bad == 401 else nullcontext():
            ask_all(served.base_url, tmp_path, range(8), batch=True, poll_seconds=0.01)
        store = AnswerStore(tmp_path)
        texts = [record["request"]["messages"][0]["content"] for record in store.records() if "reply" in record]
        assert len(set(texts)) == 7
        if bad == 401:
            before = len(served.batches.opened)
            served.batches.lines = lambda line: result(line, 200, completion())
            assert ask_all(served.base_url, tmp_path, range(8), batch=True, poll_seconds=0.01)[1:] == (1, 7)
            assert len(served.batches.opened) == before + 1


@pytest.mark.parametrize("form", ["text status", "text body", "byte-order mark", "two lines", "windows", "201"])
def test_lines_of_a_batch_in_other_forms_are_read(tmp_path, form):
    def lines(line):
        one = result(line, 200, completion())
        if form == "text status":
            one["response"]["status_code"] = "200"
        if form == "201":
            one["response"]["status_code"] = 201
        if form == "text body":
            one["response"]["body"] = json.dumps(completion())
        before = "\ufeff" if form == "byte-order mark" and number_of(line["body"]) == 0 else ""
        ends = {"two lines": f"\n{json.dumps(one)}\n\n", "windows": "\r"}
        return f"{before}{json.dumps(one)}{ends.get(form, '')}".encode()

    with habits(None) as served:
        served.batches.lines = lines
        assert ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)[1] == 5
        assert served.batches.billed == 5
    assert not AnswerStore(tmp_path).lost


def whole_file(change):
    """A Batch API that stores the results of a batch otherwise."""

    def prepare(batches):
        ended = batches.end

        def end(opened, status):
            ended(opened, status)
            batches.files[opened["output_file_id"]] = change(batches.files[opened["output_file_id"]])

        batches.end = end

    return prepare


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"[" + b",".join(content.splitlines()) + b"]",
        lambda content: b"[\n" + b",\n".join(content.splitlines()) + b"\n]\n",
        lambda content: b"".join(content.splitlines()),
        lambda content: content.replace(b"\n", b"\r"),
        lambda content: content + b"\n" + content.replace(b'"custom_id": "', b'"custom_id": "another-'),
        gzip.compress,
    ],
    ids=["list", "list over lines", "without line ends", "old Macs", "lines of another job", "packed"],
)
def test_files_of_results_in_other_forms_are_read(tmp_path, change):
    with habits(None) as served:
        whole_file(change)(served.batches)
        assert ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)[1] == 5
        assert served.batches.billed == 5
    assert not AnswerStore(tmp_path).lost


@pytest.mark.parametrize(
    "first",
    [
        (400, error("flagged by our content policy")),
        (400, error("closed")),
        (400, error("prompt is too long")),
        (504, error("timed out")),
    ],
)
def test_an_answer_counts_although_another_line_of_its_request_is_an_error(tmp_path, first):
    """Gateways that try again themselves report each attempt."""
    with habits(None) as served:
        served.batches.lines = lambda line: (
            b"%s\n%s" % tuple(json.dumps(result(line, *one)).encode() for one in (first, (200, completion())))
        )
        assert ask_all(served.base_url, tmp_path, range(3), batch=True, poll_seconds=0.01)[1] == 3
        assert served.batches.billed == 3
    assert not failures(tmp_path)
    assert not AnswerStore(tmp_path).lost


def test_a_line_in_an_unknown_form_may_be_a_paid_answer_and_is_in_the_ledger(tmp_path):
    with habits(None) as served:
        served.batches.lines = lambda line: {
            "custom_id": line["custom_id"],
            "result": {"type": "succeeded", "message": {"content": [{"type": "text", "text": "yes"}]}},
        }
        ask_all(served.base_url, tmp_path, range(3), batch=True, poll_seconds=0.01)
        assert len(AnswerStore(tmp_path).lost) == served.batches.billed == 3 * batch.ROUNDS


def test_answers_that_a_batch_counts_and_its_file_lacks_are_in_the_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "QUIET", 0.5)
    with habits(None) as served:
        whole_file(lambda content: b"\n".join(content.splitlines()[:4]))(served.batches)
        assert ask_all(served.base_url, tmp_path, range(6), batch=True, poll_seconds=0.01)[1] == 6
        assert served.batches.billed == 6 + len(AnswerStore(tmp_path).lost) == 8


def test_a_line_of_an_error_is_none_of_the_answers_that_a_batch_counts(tmp_path, monkeypatch):
    """One refusal and five answers, two of which the file lacks."""
    monkeypatch.setattr(batch, "QUIET", 0.5)

    def counted(shown):
        return {**shown, "request_counts": {"total": 6, "completed": 5, "failed": 1}} if shown["id"] == first else shown

    with habits(None) as served:
        first = "batch_0"
        served.batches.lines = lambda line: result(
            line, *(TOO_LONG if number_of(line["body"]) == 0 else (200, completion()))
        )
        whole_file(lambda content: b"\n".join(sorted(content.splitlines(), key=lambda line: b"8192" not in line)[:4]))(
            served.batches
        )
        shown_as(counted)(served.batches)
        assert ask_all(served.base_url, tmp_path, range(6), batch=True, poll_seconds=0.01)[1] == 5
        assert len(AnswerStore(tmp_path).lost) == 2


def test_a_list_of_results_in_one_line_is_read_in_one_go():
    one = json.dumps({"custom_id": "x", "response": {"status_code": 200, "body": completion("a" * 1000)}}).encode()
    began = time.process_time()
    assert sum(map(bool, batch_api.json_lines(b"[" + b", ".join([one] * 12_000) + b"]"))) == 12_000
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("content", "is_error"),
    [
        (json.dumps(error("busy"), indent=1).encode(), True),
        (b'{"id": "1", "error": {"code": 400}}\n{"id": "2", "error": {"code": 400}}', False),  # lines without our names
    ],
)
def test_an_error_is_told_from_a_file_of_lines(content, is_error):
    assert batch_api._is_error(content) == is_error


def test_a_batch_that_is_too_large_for_the_account_is_sent_in_parts(tmp_path):
    with habits(None) as served:
        served.batches.most = 3
        assert ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)[1] == 10
        assert served.batches.billed == 10
        served.batches.most = 0
        with pytest.raises(UserError, match=r"not accepted .*Enqueued token limit"):
            ask_all(served.base_url, tmp_path, range(10, 14), batch=True, poll_seconds=0.01)


def test_a_batch_waits_while_another_one_fills_the_account(tmp_path, monkeypatch):
    with habits(None) as served:
        batches, waits = served.batches, []
        other = {"id": "other", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "none"}
        other |= {"completion_window": "24h", "created_at": int(time.time()), "metadata": {}, "status": "in_progress"}
        batches.opened["other"] = {**other, "request_counts": {"total": 0, "completed": 0, "failed": 0}}
        batches.running.add("other")
        batches.most = 0

        async def pause(api):
            waits.append(len(batches.opened))
            if len(waits) == 3:
                batches.opened["other"]["status"] = "completed"
                batches.most = 1000

        monkeypatch.setattr(batch_api.BatchApi, "pause", pause)
        assert ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)[1] == 10
    assert len(waits) == 3
    assert batches.billed == 10


@pytest.mark.parametrize("late", [True, False])
def test_results_that_the_provider_lacks_are_waited_for_and_then_lost_in_the_ledger(tmp_path, monkeypatch, late):
    monkeypatch.setattr(batch_api, "LATE", 9.0 if late else 0.0)
    with habits(None) as served:
        served.batches.missing = 3 if late else 1
        assert ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)[1] == 5
        assert served.batches.billed == (5 if late else 10)
    assert len(AnswerStore(tmp_path).lost) == served.batches.billed - 5


def test_a_batch_that_refuses_most_lines_in_unknown_words_settles_none_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "QUIET", 0.5)
    with habits(None) as served:
        served.batches.lines = lambda line: (
            result(line, 200, completion()) if number_of(line["body"]) < 3 else result(line, 400, error("dry"))
        )
        with pytest.raises(UserError, match=r"answered 400 \(dry\) to 7 requests"):
            ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
    assert len(AnswerStore(tmp_path)) == 3
    assert not failures(tmp_path)


# C3: a paid answer in hand


def test_a_good_answer_that_comes_while_all_else_fails_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_instruct.llm.losses.ENOUGH", 4)
    failed = threading.Event()

    def answer(request):
        if number_of(request) == 0:
            failed.wait(5)
            time.sleep(0.2)
            return completion("in hand")
        failed.set()
        return 200, b"data: [DONE]"

    with habits(answer) as served:
        with pytest.raises(UserError, match=r"of the last \d+ attempts failed"):
            ask_all(served.base_url, tmp_path, range(40), concurrency=8)
    assert [record["reply"]["text"] for record in AnswerStore(tmp_path).records()] == ["in hand"]


def test_a_job_that_was_stopped_reads_what_has_come_before_it_calls_it_a_timeout(tmp_path, monkeypatch):
    """A laptop that sleeps, or SIGSTOP: when the process goes on, both the answers and the timeout are due."""
    monkeypatch.setattr(endpoint_client, "ASLEEP", 0.2)

    def answer(request):
        time.sleep(0.2)
        return completion()

    async def sleeping(url):
        async with teacher(url, tmp_path, timeout=0.6) as asked:
            asyncio.get_running_loop().call_later(0.1, time.sleep, 1.2)
            return await asyncio.gather(*(asked.ask(body(number)) for number in range(4)))

    with habits(answer) as served:
        replies = asyncio.run(sleeping(served.base_url))
        assert [reply["finish_reason"] for _, reply in replies] == ["stop"] * 4
        assert len(served.requests) == 4
    assert not AnswerStore(tmp_path).lost


def test_a_disk_that_becomes_full_stops_buying_and_loses_no_answer(tmp_path, monkeypatch):
    written = AnswerStore._written

    def with_little_room(store, lines):
        if len(served.requests) > 6 and not store._room.closed:
            raise OSError(errno.ENOSPC, "no space")
        return written(store, lines)

    def no_room(file, start, size):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(AnswerStore, "_written", with_little_room)
    with habits(lambda request: completion()) as served:
        with pytest.raises(UserError, match=r"the disk is full: make 8 MB of room"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=4)
        bought = len(served.requests)
        assert 6 < bought == len(AnswerStore(tmp_path)) < 20
        with pytest.MonkeyPatch.context() as full:
            full.setattr("os.posix_fallocate", no_room)
            with pytest.raises(UserError, match="the disk is full"):
                ask_all(served.base_url, tmp_path, range(100))
        assert len(served.requests) == bought, "nothing is bought that could not be stored"
        monkeypatch.setattr(AnswerStore, "_written", written)
        assert ask_all(served.base_url, tmp_path, range(100))[1:] == (100 - bought, bought)


def test_an_answer_with_headers_that_nobody_understands_is_stored(tmp_path):
    odd = {"x-ratelimit-limit-requests": "²", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "-1e9x"}
    with habits(
        lambda request: (
            200,
            completion(),
            {name: value.encode("latin-1").decode("latin-1") for name, value in odd.items()},
        )
    ) as served:
        assert ask_all(served.base_url, tmp_path, range(1))[1] == 1


# C4: foreign data


@pytest.mark.parametrize(
    "reply",
    [
        completion(usage={"prompt_tokens": "12", "completion_tokens": "3"}),
        completion(usage={"prompt_tokens": None, "completion_tokens": -4, "total_tokens": 1e300}),
        completion(usage=["none"]),
        completion([{"type": "text", "text": "parts"}]),
        completion("", finish="length", reasoning_content="a \ud83d half"),
    ],
)
def test_foreign_data_is_stored_in_our_form_and_read_again(tmp_path, reply):
    with habits(lambda request: reply) as served:
        ask_all(served.base_url, tmp_path, range(2), caps={"dollars": 1.0})
        assert ask_all(served.base_url, tmp_path, range(2), caps={"dollars": 1.0})[1:] == (0, 2)
    assert ACCOUNT.spent(AnswerStore(tmp_path))[0] > 0


@pytest.mark.parametrize("content", ["[" * 100_000, "{" * 50_000, '{"question": ' + "[" * 30_000])
def test_a_deeply_nested_reply_is_unparsable_and_stays_so(tmp_path, content):
    step = load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml").steps[0]
    with habits(lambda request: completion(content)) as served:
        for _ in range(2):
            ((_, reply),) = ask_all(served.base_url, tmp_path, range(1))[0]
            assert read(step, reply).reason == "unparsable"


def test_a_foreign_line_in_the_store_ends_no_job(tmp_path, caplog):
    with habits(lambda request: completion()) as served:
        ask_all(served.base_url, tmp_path, range(3))
        request = {"model": "m"}
        bad = [
            {"key": 5, "reply": {"text": "x"}, "request": request},
            {"key": "a", "reply": "x", "request": request},
            {"key": "b", "reply": {"text": ["x"]}, "request": request},
            {"key": "c", "reply": {"text": "x"}},
            {"key": "d", "lost": {"id": "x"}},
            {"key": "e", "for": ["set"], "reply": {"text": "x"}, "request": request},
            {"key": "f", "failure": None, "request": request},
        ]
        lines = [json.dumps(line).encode() for line in bad] + [b"[" * 100_000, b"\xff\xfe"]
        good = {
            "key": "g",
            "for": "set",
            "request": request,
            "reply": {"text": "x", "usage": {"prompt_tokens": "many"}},
        }
        (tmp_path / "0-foreign.jsonl").write_bytes(b"\n".join([*lines, json.dumps(good).encode(), b""]))
        assert ask_all(served.base_url, tmp_path, range(4), caps={"dollars": 1.0})[1:] == (1, 3)
    assert caplog.text.count("skipped a broken line") >= len(lines)
    assert len(entries(AnswerStore(tmp_path), set(), ACCOUNT)) == 5


# C6: the budget is a bound


def spent_by(served, per_request):
    return len(served.requests) * per_request


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 1015}, 0.01007),  # thoughts in the total alone
        ({"prompt_tokens": 10, "completion_tokens": 1005}, 0.01007),  # max_tokens is ignored
        (
            {"prompt_tokens": "10", "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 1005}},
            0.01007,
        ),
    ],
)
def test_an_endpoint_that_exceeds_max_tokens_stops_at_the_first_answer_that_shows_it(tmp_path, usage, dollars):
    with habits(lambda request: completion(usage=usage)) as served:
        with pytest.raises(UserError, match=r"answer of 1005 tokens.*allows 9.*reasoning_tokens"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=4, caps={"dollars": 0.05})
        assert len(AnswerStore(tmp_path)) == len(served.requests) <= 4, "what was in flight, and it is stored"
        with pytest.raises(UserError, match="is used up"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=4, caps={"dollars": 0.05})
        assert spent_by(served, dollars) <= 0.05, "the next run reserves as much as was seen"


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": -3}, "none"]
)
def test_a_budget_holds_without_usage(tmp_path, usage):
    with habits(lambda request: completion("x" * 40, usage=usage)) as served:
        with pytest.raises(UserError, match="is used up"):
            ask_all(served.base_url, tmp_path, range(300), concurrency=4, caps={"dollars": 0.01})
        sent = sum(len(json.dumps(request)) for request in served.requests) * 2 / 1e6
        assert 0.001 < sent < 0.01, "a byte counts as a token where nothing is known"
    found = summary(entries(AnswerStore(tmp_path), set(), ACCOUNT), ACCOUNT)
    assert found["calls_with_estimated_usage"] == len(served.requests)


def test_tokens_that_only_a_total_tells_are_all_charged(tmp_path):
    """The answer's hidden thoughts are in the total, so most of it has the price of answers."""
    with habits(lambda request: completion("yes", usage={"total_tokens": 1000})) as served:
        with pytest.raises(UserError, match="is used up"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=2, caps={"dollars": 0.05})
        spent = sum(AnswerStore(tmp_path).spent.values(), Counter())
        assert spent["prompt"] + spent["completion"] == 1000 * len(served.requests)
    assert spent["completion"] > 0.99 * 1000 * len(served.requests)
    assert ACCOUNT.spent(AnswerStore(tmp_path))[0] < 0.05 + 2 * 0.01


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 1, "completion_tokens": 1},
        {"prompt_tokens": 3, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 2000}},
        {"prompt_tokens": 2000, "completion_tokens": 2},
    ],
)
def test_a_budget_holds_although_usage_cannot_be_true(tmp_path, monkeypatch, usage):
    """Servers that count requests or thousands, or leave out what was cached."""
    long = {"max_tokens": 300, "messages": [{"role": "user", "content": "river " * 1500}]}
    monkeypatch.setattr("asking.body", lambda number, form: {**long, "seed": number})
    with habits(lambda request: completion("x " * 400, usage=usage)) as served:
        with pytest.raises(UserError, match="is used up"):
            ask_all(served.base_url, tmp_path, range(300), concurrency=2, caps={"dollars": 0.1})
        assert len(served.requests) * (1500 * 2 + 200 * 10) / 1e6 < 0.1
    found = summary(entries(AnswerStore(tmp_path), set(), ACCOUNT), ACCOUNT)
    assert found["calls_with_estimated_usage"] == len(served.requests)


def test_no_count_of_an_endpoint_is_lowered_because_another_cannot_be_true(tmp_path):
    """A server that leaves out what was cached, and counts thoughts that nobody sees."""
    long = {"max_tokens": 2000, "messages": [{"role": "user", "content": "river " * 1500}]}
    with habits(lambda request: completion("yes", usage=(3, 900))) as served:

        async def session():
            async with teacher(served.base_url, tmp_path) as asked:
                await asked.ask(long)

        asyncio.run(session())
    spent = sum(AnswerStore(tmp_path).spent.values(), Counter())
    assert spent["prompt"] > 1500
    assert spent["completion"] >= 900


def test_usage_that_grows_from_answer_to_answer_stops_the_job(tmp_path):
    """A server that reports the sum since its start."""
    counts = iter(range(1, 10**6))
    with habits(lambda request: completion(usage=(10 * (n := next(counts)), 5 * n))) as served:
        with pytest.raises(UserError, match=r"answer of \d+ tokens.*allows 9"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=1, caps={"dollars": 1.0})
    assert len(served.requests) < 6


@pytest.mark.parametrize("factor", [0.7, 1.0, 2.5])
def test_a_budget_holds_whatever_the_tokenizer(tmp_path, factor):
    """Texts in which a byte may be nearly a token, which four bytes a token would undercount."""

    def answer(request):
        return completion(usage=(round(len(json.dumps(request)) * factor), 9))

    with habits(answer) as served:
        with pytest.raises(UserError, match="is used up"):
            ask_all(served.base_url, tmp_path, range(300), concurrency=4, caps={"dollars": 0.02})
        one = factor * len(json.dumps(served.requests[0])) * 2e-6 + 9e-5
        paid = ACCOUNT.spent(AnswerStore(tmp_path))[0]
    assert 0.02 - 6 * one < paid <= 0.02 + (4 * one if factor > 2 else 0), "beyond a byte a token, what was in flight"


def test_two_teachers_of_one_model_pay_their_own_prices(tmp_path):
    settings = {
        "teachers": {
            "free": {"model": "m", "base_url": "http://u", "price": {"input": 0, "output": 0}},
            "paid": {"model": "m", "base_url": "http://u", "price": {"input": 100.0, "output": 100.0}},
        },
        "datasets": {"set": {"budget": {"dollars": 0.02}}},
        "prices": str(ROOT / "resources/prices.yaml"),
    }
    account = account_of(settings, "set", "x")

    async def ask(name, url, numbers):
        model = TeacherModel.of({**settings["teachers"][name], "base_url": url, "concurrency": 1}, name=name)
        async with open_session(model, AnswerStore(tmp_path), account) as asked:
            await at_once(numbers, lambda number: asked.ask(body(number)), 1, "test")

    with habits(lambda request: completion()) as served:
        asyncio.run(ask("free", served.base_url, range(20)))
        assert account.spent(AnswerStore(tmp_path)) == (0.0, 20)
        with pytest.raises(UserError, match="is used up"):
            asyncio.run(ask("paid", served.base_url, range(20, 60)))
    dollars, requests = account.spent(AnswerStore(tmp_path))
    assert dollars == pytest.approx((requests - 20) * 0.0015)
    assert 0.015 < dollars <= 0.02
    total = summary(entries(AnswerStore(tmp_path), set(), account), account)
    assert total["dollars"] == pytest.approx(dollars)
    assert account.price("m") == Price(input=100.0, output=100.0), "of an unknown teacher the dearer"


def test_several_answers_a_request_are_reserved_and_a_request_without_a_limit_is_refused(tmp_path):
    with habits(lambda request: completion(usage=(10, 27))) as served:
        ask_all(served.base_url, tmp_path, range(2), caps={"dollars": 1.0}, sampling={"n": 3})
        with pytest.raises(UserError, match="no `max_tokens`"):
            ask_all(served.base_url, tmp_path, range(9), caps={"dollars": 1.0}, sampling={"max_tokens": None})
    assert len(served.requests) == 2


# C8 to C10: answers that are none


@pytest.mark.parametrize(
    "broken",
    [
        completion(finish="error"),
        completion(finish="abort"),
        completion(finish="insufficient_system_resource"),
        b"",
        b"data: {}",
    ],
)
def test_what_was_charged_for_nothing_is_asked_again_and_is_in_the_ledger(tmp_path, broken):
    served_once = set()

    def answer(request):
        number = number_of(request)
        if number % 4 == 0 and number not in served_once:
            served_once.add(number)
            return 200, broken
        return completion()

    with habits(answer) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(12))
        assert (bought, len(served.requests)) == (12, 15)
    assert all(reply["finish_reason"] == "stop" for _, reply in replies)
    total = summary(entries(AnswerStore(tmp_path), set(), ACCOUNT), ACCOUNT)
    assert total["failed_attempts_that_may_have_been_charged"] == 3


def test_a_page_costs_nothing_and_is_quoted(tmp_path):
    with habits(lambda request: (200, b"<!DOCTYPE html><title>Please log in</title>")) as served:
        with pytest.raises(UserError, match=r"does not answer \(broken reply \(a page: Please log in"):
            ask_all(served.base_url, tmp_path, range(20), attempts=2)
    assert not AnswerStore(tmp_path).lost


def test_half_a_character_is_tried_once_more_and_then_kept_as_it_is(tmp_path):
    with habits(lambda request: completion("caf\ufffd" if number_of(request) == 1 else "fine")) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(3))
        assert (bought, len(served.requests)) == (3, 4)
    assert replies[1][1]["finish_reason"] == HALF
    assert len(AnswerStore(tmp_path).lost) == 1
    step = load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml").steps[0]
    assert str(read(step, replies[1][1])) == f"unfinished ({HALF})"


def test_half_a_character_in_a_batch_is_tried_in_one_more(tmp_path):
    with habits(None) as served:
        served.batches.lines = lambda line: result(
            line, 200, completion("caf\ufffd" if number_of(line["body"]) == 1 else "fine")
        )
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(3), batch=True, poll_seconds=0.01)
        assert bought == 3
        assert served.batches.billed == 4 == bought + len(AnswerStore(tmp_path).lost)
    assert [reply["finish_reason"] for _, reply in replies] == ["stop", HALF, "stop"]


def head(status="200 OK", **headers):
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


WHOLE = json.dumps(completion()).encode()
PACKED = gzip.compress(WHOLE)


@pytest.mark.parametrize(
    "broken",
    [
        head(Content_Length=len(PACKED) - 12, Content_Encoding="gzip") + PACKED[:-12],
        head(Content_Length=len(WHOLE), Content_Encoding="gzip") + WHOLE,
        head(Transfer_Encoding="chunked") + b"40\r\n" + WHOLE[:30],
        head(Content_Length=len(WHOLE) + 50) + WHOLE,
        head(Content_Length=len(WHOLE) - 50) + WHOLE,
        head(Content_Length=len(WHOLE), X="a" * 70_000) + WHOLE,
        head("204 No Content"),
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"",
    ],
    ids=["gzip cut", "no gzip", "chunk cut", "too long", "too short", "header", "204", "no HTTP", "nothing"],
)
def test_a_broken_transfer_is_a_lost_attempt_and_is_asked_again(tmp_path, broken):
    came = iter(range(100))
    with habits(lambda request: Raw(broken) if next(came) % 3 == 1 else completion()) as served:
        assert ask_all(served.base_url, tmp_path, range(8), concurrency=1)[1] == 8
        assert len(AnswerStore(tmp_path).lost) == len(served.requests) - 8 > 2


def test_a_whole_transfer_is_an_answer_however_it_is_packed(tmp_path):
    forms = [
        head(Content_Length=len(PACKED), Content_Encoding="gzip") + PACKED,
        head("100 Continue") + head(Content_Length=len(WHOLE)) + WHOLE,
        head(Transfer_Encoding="chunked") + b"%x\r\n" % len(WHOLE) + WHOLE + b"\r\n0\r\n\r\n",
        head(Connection="close") + WHOLE,
    ]
    with habits(lambda request: Raw(forms[number_of(request) % 4])) as served:
        assert ask_all(served.base_url, tmp_path, range(8))[1] == len(served.requests) == 8


def test_a_connection_that_cannot_be_made_costs_nothing_and_says_why(tmp_path):
    for url, why in {"http://127.0.0.1:9/v1": "Connect call failed", "http://no.invalid/v1": "Cannot connect"}.items():
        with pytest.raises(UserError, match=f"does not answer .*{why}"):
            ask_all(url, tmp_path, range(3), attempts=2)
    assert not AnswerStore(tmp_path).lost


def test_a_server_that_closes_each_connection_without_a_word_answers_all_the_same(tmp_path):
    """HTTP/1.0, and a promise to keep the connection that is not kept."""
    forms = [
        b"HTTP/1.0 200 OK\r\n\r\n" + WHOLE,
        head(Content_Length=len(WHOLE), Connection="keep-alive") + WHOLE,
    ]
    with habits(lambda request: Raw(forms[number_of(request) % 2])) as served:
        assert ask_all(served.base_url, tmp_path, range(12), concurrency=1)[1] == 12
        # A request on a connection that the server has just closed is lost, but it may never have arrived there.
        assert 12 <= len(served.requests) <= 12 + len(AnswerStore(tmp_path).lost)


def test_a_redirect_is_followed_where_it_leads_to_the_endpoint_and_else_said(tmp_path):
    """Some providers answer slow requests by a 303 to the result; a wrong address leads to a login, or in a circle."""

    def moved(place, status=308):
        return status, b"", {"Location": place}

    with habits(lambda request: completion()) as served, habits(None) as first:
        first.answer = lambda request: moved(f"{served.base_url}/chat/completions")
        assert ask_all(first.base_url, tmp_path, range(3))[1] == 3
        first.answer = lambda request: moved("/v1/chat/completions")
        with pytest.raises(UserError, match=r"redirects without end.*check `base_url`"):
            ask_all(first.base_url, tmp_path, range(9))
        first.answer = lambda request: moved("ftp://host/v1", 302)
        with pytest.raises(UserError, match="redirects to no address: ftp"):
            ask_all(first.base_url, tmp_path, range(9))
        first.batches.route = lambda method, path, body: b"<html>Log in"
        first.answer = lambda request: moved("/login", 302)
        with pytest.raises(UserError, match=r"302 \(redirects to .*/login: a page: Log in.*check `base_url`"):
            ask_all(first.base_url, tmp_path, range(9))
    assert len(AnswerStore(tmp_path)) == 3
    assert not AnswerStore(tmp_path).lost


def test_a_redirect_that_repeats_the_key_does_not_show_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-0123456789abcdefghij")
    with habits(None) as served:
        served.batches.route = lambda method, path, body: b"<html>Log in"
        served.answer = lambda request: (302, b"", {"Location": "/login?token=sk-0123456789abcdefghij"})
        with pytest.raises(UserError, match=r"302 \(redirects to .*token=<SOME_KEY>") as said:
            ask_all(served.base_url, tmp_path, range(2), variable="SOME_KEY")
    assert "sk-0123456789" not in str(said.value)


def test_a_reply_without_text_and_reason_is_tried_once_more_and_then_kept_as_it_is(tmp_path):
    with habits(lambda request: completion("", None) if number_of(request) == 1 else completion()) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(3))
        assert (bought, len(served.requests)) == (3, 4)
    assert [reply["finish_reason"] for _, reply in replies] == ["stop", EMPTY, "stop"]


def test_an_unknown_finish_reason_is_paid_at_most_twice(tmp_path):
    with habits(lambda request: completion(finish="stumped") if number_of(request) == 1 else completion()) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(3))
        assert (bought, len(served.requests)) == (3, 4)
    assert [reply["finish_reason"] for _, reply in replies] == ["stop", "stumped", "stop"]
    assert replies[1][1]["text"]


def test_a_job_stops_where_each_finish_reason_is_unknown(tmp_path):
    with habits(lambda request: completion(finish="stumped")) as served:
        with pytest.raises(UserError, match=r"finish reason stumped.* may be charged: stopped"):
            ask_all(served.base_url, tmp_path, range(200))
        assert len(served.requests) < 120


PROSE = "The river Aller flows through the town of Celle in the year 1002. "
CHINESE = "\u963f\u52d2\u6cb3\u6d41\u7ecf\u7b56\u52d2\u5e02\uff0c\u4e00\u5343\u96f6\u4e8c\u5e74\u3002"
HINDI = "\u0906\u0932\u0930 \u0928\u0926\u0940 \u0938\u0947\u0932\u0947 \u0936\u0939\u0930 \u0938\u0947 \u0939\u094b\u0915\u0930 \u092c\u0939\u0924\u0940 \u0939\u0948. "


@pytest.mark.parametrize(
    ("prompt", "counted", "cut"),
    [
        (PROSE * 300, 2050, True),  # of some 5,000: Ollama counts half of its context
        (PROSE * 300, 4500, False),
        (CHINESE * 700, 2050, True),
        (CHINESE * 700, 6000, False),
        (HINDI * 300, 3000, False),  # a vocabulary that knows Hindi well
        ("a" + " " * 20_000 + "b" + "-" * 9000, 100, False),  # runs of a sign are few tokens
        ("short", 1, False),
        (PROSE * 300, 0, False),  # not counted at all
    ],
)
def test_a_server_that_seems_to_cut_prompts_is_named_once(tmp_path, caplog, prompt, counted, cut):
    request = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 9}
    with habits(lambda request: completion(usage=(counted, 5))) as served:

        async def ask():
            async with teacher(served.base_url, tmp_path) as session:
                await session.ask(request)
                await session.ask({**request, "max_tokens": 8})

        asyncio.run(ask())
    assert caplog.text.count("OLLAMA_CONTEXT_LENGTH") == cut


def test_another_model_under_the_same_name_is_said_once(tmp_path, caplog):
    with habits(lambda request: {**completion(), "model": "llama" if number_of(request) < 5 else "gemma"}) as served:
        ask_all(served.base_url, tmp_path, range(9), concurrency=1)
        assert caplog.text.count("m answers as gemma now, and as llama before") == 1
        served.answer = lambda request: {**completion(), "model": "qwen"}
        ask_all(served.base_url, tmp_path, range(12))
        assert caplog.text.count("m answers as qwen now, and as gemma before") == 1
        caplog.clear()
        ask_all(served.base_url, tmp_path, range(14))
    assert "answers as" not in caplog.text


# C11 and C12: outages and waits


@pytest.mark.parametrize("status", [503, 502, 500])
def test_a_short_outage_pauses_the_job(tmp_path, status, caplog):
    began = threading.Event()

    def answer(request):
        if number_of(request) == 20:
            began.set()
        return (status, error("restarting")) if began.is_set() and len(served.controls) < 3 else completion()

    with habits(answer) as served:
        _, bought, _ = ask_all(served.base_url, tmp_path, range(100), concurrency=16)
        assert bought == 100
        assert len(served.requests) < 300
    assert not failures(tmp_path)
    assert "waiting until it answers again, at most 0:10:00" in caplog.text


def test_an_outage_that_lasts_ends_with_a_message(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "OUTAGE", 0.3)
    with habits(after(5, lambda request: (503, error("gone fishing")))) as served:
        with pytest.raises(UserError, match=r"has not answered for .*gone fishing.*run again"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=16)
    assert not failures(tmp_path)


def test_an_outage_that_charges_ends_with_the_budget(tmp_path):
    """Each look at the endpoint may cost something, and nobody waits for a reservation of those who wait.

    What is past the cap is at most what was in flight.
    """
    with habits(after(6, lambda request: (200, b""))) as served:
        with pytest.raises(UserError, match="is used up"):
            ask_all(served.base_url, tmp_path, range(100), concurrency=8, caps={"requests": 30}, attempts=9)
    assert ACCOUNT.spent(AnswerStore(tmp_path))[1] <= 30 + 8


@pytest.mark.parametrize("first", [0, 5])
def test_an_endpoint_that_asks_to_wait_for_a_day_lets_no_request_wait_in_silence(tmp_path, first):
    """Requests that wait for their turn end too, whether the endpoint was well before, or down."""

    def answer(request):
        return (500, b"") if len(served.requests) <= first else (429, error("later"), {"Retry-After": "86400"})

    with habits(answer) as served:
        with pytest.raises(UserError, match=r"asked to retry after|has not answered for|does not answer"):
            ask_all(served.base_url, tmp_path, range(200), concurrency=16)
        assert len(served.requests) < 60


def test_an_outage_that_ends_with_a_wait_for_a_day_ends_the_job(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "OUTAGE", 0.3)

    def answer(request):
        if len(served.requests) <= 20:
            return completion()
        return (500, b"") if number_of(request) is not None else (429, error("later"), {"Retry-After": "86400"})

    with habits(answer) as served, pytest.raises(UserError, match=r"asked to retry after|has not answered for"):
        ask_all(served.base_url, tmp_path, range(200), concurrency=4)


def test_a_pause_of_the_first_endpoint_does_not_keep_the_job_from_the_second(tmp_path):
    down = [True]

    def second(request):
        if number_of(request) is None:
            down[0] = False
        return (500, b"") if down[0] and len(two.requests) > 10 else completion()

    def first(request):
        return (500, b"") if number_of(request) is not None else (429, error("later"), {"Retry-After": "86400"})

    with habits(first) as one, habits(second) as two:
        ends = [Endpoint(one.base_url), Endpoint(two.base_url)]
        _, bought, _ = ask_all(ends, tmp_path, range(40), concurrency=4)
    assert bought == 40


def test_the_reset_of_a_limit_is_waited_for(tmp_path, monkeypatch):
    """OpenRouter tells in milliseconds since 1970 when its limit ends."""
    monkeypatch.setattr(endpoint_client, "LONGEST_PAUSE", 5)
    times = []

    def answer(request):
        times.append(time.monotonic())
        reset = {"X-RateLimit-Reset": str(int((time.time() + 1.5) * 1000))}
        return (429, error("limit"), reset) if len(times) == 1 else completion()

    with habits(answer) as served:
        assert ask_all(served.base_url, tmp_path, range(1))[1] == 1
    assert times[1] - times[0] > 1


def test_after_an_error_that_concerns_all_requests_nothing_more_is_bought(tmp_path):
    """Slots in progress have further steps. They, too, buy nothing after the first answer that breaks the bound."""

    async def steps(session, number):
        for step in range(20):
            await session.ask(body(1000 * number + step))

    async def run(url):
        async with teacher(url, tmp_path, concurrency=8, caps={"dollars": 1000}) as session:
            await at_once(range(8), lambda number: steps(session, number), 8, "test")

    long = {**completion(), "usage": {"prompt_tokens": 9, "completion_tokens": 5000}}
    with habits(after(30, lambda request: long)) as served:
        with pytest.raises(UserError, match="ignores `max_tokens`"):
            asyncio.run(run(served.base_url))
        assert len(served.requests) <= 30 + 8


def test_waits_have_a_limit():
    assert seconds_of(str(int(time.time()) + 90)) == pytest.approx(90, abs=2), "seconds since 1970"
    assert seconds_of(str((int(time.time()) + 90) * 1000)) == pytest.approx(90, abs=2), "milliseconds"
    assert seconds_of("9" * 14) <= TEN_YEARS
    assert seconds_of("9" * 400) is None or seconds_of("9" * 400) <= TEN_YEARS
    assert seconds_of("١٢") is None
    limiter = Limiter("m", 4, None, None)
    limiter.succeeded({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "86400"})
    assert limiter.paused_for <= 60, "a 429 says whether the limit still holds"


def test_dates_in_both_forms_are_read_and_the_past_is_no_wait():
    soon = datetime.now(UTC) + timedelta(seconds=90)
    assert seconds_of(soon.strftime("%a, %d %b %Y %H:%M:%S GMT")) == pytest.approx(90, abs=2)
    assert seconds_of(soon.isoformat()) == pytest.approx(90, abs=2), "Anthropic"
    assert seconds_of("Mon, 01 Jan 2024 00:00:00 GMT") == seconds_of("2024-01-01T00:00:00Z") == 0
    assert seconds_of("1m26.4s") == pytest.approx(86.4), "Groq"
    assert seconds_of("20240101") > 0, "a number is no date"


@pytest.mark.parametrize(
    ("said", "headers", "least"),
    [
        (error("Please retry after 0.4 seconds."), {}, 0.4),
        (error("x"), {"retry-after-ms": "400"}, 0.4),
        (error("Please retry after 30 seconds."), {"retry-after": "0.3"}, 0.3),
        (error("x"), {"retry-after": "Mon, 01 Jan 2024 00:00:00 GMT"}, 0.0),
    ],
)
def test_the_wait_that_a_429_asks_for_is_kept(tmp_path, said, headers, least):
    came = []

    def answer(request):
        came.append(time.monotonic())
        return (429, said, headers) if len(came) == 1 else completion()

    with habits(answer) as served:
        assert ask_all(served.base_url, tmp_path, range(1))[1] == 1
    assert least <= came[1] - came[0] < least + 2


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_date_is_read_by_the_clock_of_the_server(tmp_path, hours):
    def said():
        now = datetime.now(UTC) + timedelta(hours=hours)
        dates = [f"{when:%a, %d %b %Y %H:%M:%S GMT}" for when in (now, now + timedelta(seconds=1))]
        return Raw(head("429 Too Many Requests", Content_Length=0, Date=dates[0], Retry_After=dates[1]))

    came = iter(range(99))
    with habits(lambda request: said() if next(came) < 1 else completion()) as served:
        assert ask_all(served.base_url, tmp_path, range(1))[1] == 1


@pytest.mark.parametrize("retry_after", ["99999999999999", "7201", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_that_is_too_long_is_said(tmp_path, retry_after):
    with habits(after(2, lambda request: (429, error("slow down"), {"Retry-After": retry_after}))) as served:
        with pytest.raises(UserError, match=r"asked to retry after .*slow down"):
            ask_all(served.base_url, tmp_path, range(9), concurrency=1)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (503, {"Retry-After": "0.3"}),
        (529, {"retry-after-ms": "300"}),
        (503, {"Retry-After": "a date"}),
    ],
)
def test_an_overload_that_says_when_it_ends_is_waited_for_and_is_no_fault(tmp_path, status, headers):
    came = iter(range(99))
    if headers == {"Retry-After": "a date"}:
        headers = {"Retry-After": f"{datetime.now(UTC) + timedelta(seconds=3):%a, %d %b %Y %H:%M:%S GMT}"}
    with habits(lambda request: (status, error("busy"), headers) if next(came) < 1 else completion()) as served:
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(2), concurrency=1, attempts=1)
        assert (bought, len(served.requests)) == (2, 3)
    assert not any("faults" in reply for _, reply in replies)


def test_an_absurd_limit_in_a_header_is_a_wait_of_a_minute_at_most(caplog):
    limiter = Limiter("m", 4, None, None)
    limiter.succeeded({"x-ratelimit-limit-tokens": "1", "x-ratelimit-limit-requests": "0"})
    assert limiter._tokens.wait(100_000) <= 60
    limiter._tokens.wait(100_000)
    limiter._warn_of(time.monotonic() + 61)
    assert "m: at 1 tokens a minute, requests wait for 0:01:00" in caplog.text


def test_a_wait_for_an_allowance_ends_when_the_job_is_stopped():
    async def session():
        limiter = Limiter("m", 4, 1, None)
        for _ in range(9):
            async with limiter.turn(1, stopped):
                pass

    def stopped():
        raise UserError("stopped")

    began = time.monotonic()
    with pytest.raises(UserError, match="stopped"):
        asyncio.run(session())
    assert time.monotonic() - began < 5


def test_429_without_end_is_one_wait_and_not_one_an_attempt(tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint_client, "LONGEST_THROTTLE", 0.3)
    with habits(after(2, lambda request: (429, error("no more today")))) as served:
        began = time.monotonic()
        with pytest.raises(UserError, match=r"has only asked to wait for .*no more today"):
            ask_all(served.base_url, tmp_path, range(9), concurrency=2)
        assert time.monotonic() - began < 3


def test_blank_lines_for_ever_are_a_timeout(tmp_path):
    def blanks(file):
        while True:
            file.write(b"\n")
            file.flush()
            time.sleep(0.02)

    with habits(lambda request: (200, blanks) if number_of(request) == 1 else completion()) as served:
        replies, _, _ = ask_all(served.base_url, tmp_path, range(3), timeout=0.3, attempts=2)
    assert replies[1][1]["failure"] == "timeout, 2 attempts"
    assert len(AnswerStore(tmp_path).lost) == 2


@pytest.mark.parametrize("first", [(429, error("later"), {"Retry-After": "3000"}), (503, error("down"))])
def test_the_healthy_endpoint_gets_the_requests_of_the_other(tmp_path, first):
    with habits(lambda request: completion()) as well, habits(lambda request: first) as ill:
        both = [Endpoint(ill.base_url), Endpoint(well.base_url)]
        began = time.monotonic()
        assert ask_all(both, tmp_path, range(60), concurrency=8)[1] == 60
        assert time.monotonic() - began < 10
        assert len(ill.requests) < 20


def test_an_endpoint_that_is_down_gets_one_request_at_a_time_when_it_has_rested(tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint_client, "REST", 0.0)
    busy = []

    def slowly_down(request):
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.05)
        busy.pop()
        return 503, error("down")

    most: list[int] = []
    with habits(lambda request: completion()) as well, habits(slowly_down) as ill:
        assert ask_all([Endpoint(ill.base_url), Endpoint(well.base_url)], tmp_path, range(200), concurrency=8)[1] == 200
    assert len(most) > 24
    assert max(most[24:]) == 1, "after the first, who did not know yet"


# C13: long prompts in other servers' words, see also test_door.py and test_endpoint_answers.py


# C14: batches


def test_a_batch_whose_files_are_named_late_is_waited_for(tmp_path):
    with habits(None) as served:
        served.batches.late = 3
        _, bought, _ = ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
        assert (bought, len(served.batches.opened), served.batches.billed) == (10, 1, 10)


def test_a_batch_has_the_models_name_at_its_endpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_api, "LATE", 0.1)
    with habits(None) as served:
        served.batches.late = 10**6
        place = [Endpoint(served.base_url, model="my-deployment")]
        with pytest.raises(UserError, match="names no file"):
            ask_all(place, tmp_path, range(5), batch=True, poll_seconds=0.01)
        sent = served.batches.files[served.batches.opened["batch_0"]["input_file_id"]].splitlines()
        assert {json.loads(line)["body"]["model"] for line in sent} == {"my-deployment"}
        served.batches.late = 0
        assert ask_all(place, tmp_path, range(5), batch=True, poll_seconds=0.01)[1] == 5, "by adoption"
        assert len(served.batches.opened) == 1
    assert {record["request"]["model"] for record in AnswerStore(tmp_path).records()} == {"m"}


def test_a_batch_that_never_names_its_files_counts_as_lost_some_day(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(batch_api, "LATE", 0.1)
    with habits(None) as served:
        served.batches.late = 10**6
        with pytest.raises(UserError, match="2 days after its start, they count as lost"):
            ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
        served.batches.opened["batch_0"]["created_at"] -= 3 * 86400
        served.batches.opened["batch_0"]["request_counts"] |= {"completed": 0}  # so there is nothing to go by
        served.batches.late = 0
        served.batches.opened["batch_0"].pop("output_file_id")
        assert ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)[1] == 10
        assert len(served.batches.opened) == 2
    assert "batch_0 has ended, but names no file" in caplog.text
    assert len(AnswerStore(tmp_path).lost) == 10


def test_a_batch_that_never_names_its_files_is_not_bought_again(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_api, "LATE", 0.1)
    with habits(None) as served:
        served.batches.late = 10**6
        with pytest.raises(UserError, match="has ended, but names no file"):
            ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
        served.batches.late = 0
        assert ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)[1] == 10
        assert (len(served.batches.opened), served.batches.billed) == (1, 10)


@pytest.mark.parametrize("hidden", [0, 3], ids=["at once", "later"])
def test_an_opening_whose_response_is_lost_is_found(tmp_path, monkeypatch, hidden):
    monkeypatch.setattr(batch, "UNCLEAR", 5.0)
    monkeypatch.setattr(batch, "LOOK_EVERY", 0.02)
    with habits(None) as served:
        served.batches.lost_creates, served.batches.hidden = 1, hidden
        _, bought, _ = ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
        assert (bought, len(served.batches.opened), served.batches.billed) == (10, 1, 10)


@pytest.mark.parametrize("running", [False, True, 400, 403, 404, 405, 409, 501])
def test_a_batch_that_appears_too_late_is_in_the_ledger(tmp_path, monkeypatch, running):
    """The first opening appears only when the second is done. If it runs, it is cancelled. If the endpoint refuses that
    with a status, it is waited for."""
    monkeypatch.setattr(batch_api, "RETRY_SECONDS", 5.0)
    monkeypatch.setattr(batch, "QUIET", 0.5)  # one batch, however slow the machine is

    def cancel(name):
        batches.cancelled.append(name)
        batches.running.discard(name)
        return running, error(f"Cannot cancel a batch with status 'finalizing' ({running})")

    with habits(None) as served:
        batches = served.batches
        batches.lost_creates, batches.hidden = 1, 10**6
        if running:
            batches.running.add("batch_0")
        if running is not True:
            batches.cancel = cancel
        opened = batches.create

        def create(request):
            made = opened(request)
            if len(batches.opened) == 2:
                batches.hidden = 0
            return made

        batches.create = create
        _, bought, _ = ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
        assert (bought, batches.billed) == (10, 20)
        assert batches.cancelled == (["batch_0"] if running else [])
    total = summary(entries(AnswerStore(tmp_path), set(), ACCOUNT), ACCOUNT)
    assert total["dollars"] + total["dollars_that_they_may_have_cost"] == pytest.approx(20 * (10 * 2 + 5 * 10) / 2e6)
    assert ACCOUNT.spent(AnswerStore(tmp_path))[1] == 20


def shown_as(change):
    """A Batch API that shows its batches otherwise."""

    def prepare(batches):
        shown = batches.show
        batches.show = lambda name: change(dict(shown(name)))

    return prepare


def paged_for_ever(batches):
    routed, batches.lost_creates = batches.route, 1

    def route(method, path, body):
        given = routed(method, path, body)
        return {**given, "has_more": True} if isinstance(given, dict) and given.get("data") else given

    batches.route = route


def in_other_words(batch):
    return {**batch, "status": "BATCH_STATE_SUCCEEDED" if batch["status"] == "completed" else "BATCH_STATE_RUNNING"}


def named_with_a_slash(batches):
    routed, shown = batches.route, batches.show
    batches.show = lambda name: {**shown(name), "id": f"batches/{name}"}
    batches.route = lambda method, path, body: routed(method, unquote(path), body)


def ended_as(status):
    return shown_as(
        lambda batch: {**batch, "status": status, "completed_at": 1} if batch.get("output_file_id") else batch
    )


def counted_as(total):
    """Files come late, and the counts do not say that there are any."""

    def prepare(batches):
        batches.late = 3
        shown_as(lambda batch: {**batch, "request_counts": {"total": total, "completed": 0, "failed": 0}})(batches)

    return prepare


def with_renamed_files(batches):
    batches.lost_creates = 1
    shown_as(lambda batch: {**batch, "input_file_id": f"gateway-{batch['input_file_id']}"})(batches)


def with_files_that_are_looked_through(batches):
    """The batch is refused until the file is ready."""
    routed, looks = batches.route, []

    def route(method, path, body):
        if (method, path) == ("POST", "/v1/batches") and len(looks) < 2:
            return 400, error("The file is still being processed", code="invalid_file_state")
        if method == "GET" and re.fullmatch(r"/v1/files/[\w-]+", path):
            looks.append(path)
            return {**described, "id": path.split("/")[-1], "status": "processed" if len(looks) > 1 else "pending"}
        given = routed(method, path, body)
        return {**given, "status": "pending"} if path == "/v1/files" else given

    described = {"object": "file", "purpose": "batch", "bytes": 0, "created_at": 0, "filename": "x"}
    batches.route = route


def without_states_of_files(batches):
    routed, uploaded = batches.route, cycle([{"status": "pending"}, {}])

    def route(method, path, body):
        if method == "GET" and re.fullmatch(r"/v1/files/[\w-]+", path):
            return 404, error("Not Found")
        given = routed(method, path, body)
        return {**next(uploaded), "id": given["id"]} if path == "/v1/files" else given

    batches.route = route


def once(answer, method, place, happens=False):
    """A Batch API that answers a call once with something else; `happens` says whether it does what it should."""

    def prepare(batches):
        routed, left = batches.route, [answer]

        def route(called, path, body):
            if called == method and re.fullmatch(place, path) and left:
                if happens:
                    routed(called, path, body)
                return left.pop()
            return routed(called, path, body)

        batches.route = route

    return prepare


def once_late(*call):
    def prepare(batches):
        batches.late = 3
        once(*call)(batches)

    return prepare


def with_a_planned_end(batches):
    """A batch that waits has the time at which it will have expired."""
    batches.late = 3
    waiting = {"status": "queued", "expired_at": 2**33, "request_counts": None}
    shown_as(lambda batch: batch if batch.get("output_file_id") else {**batch, **waiting})(batches)


NO_BATCH = ({}, error("busy"), b"<html>Log in", b"null")


@pytest.mark.parametrize(
    "habit",
    [
        named_with_a_slash,  # Gemini
        lambda batches: shown_as(lambda batch: {**batch, "error_file_id": batch.get("output_file_id")})(batches),
        *map(ended_as, ("completed_with_errors", "partially_completed", "Complete", "JOB_STATE_SUCCEEDED")),
        *map(counted_as, (0, 5)),
        with_a_planned_end,
        with_renamed_files,  # LiteLLM
        with_files_that_are_looked_through,  # Azure
        without_states_of_files,
        *(once(answer, "POST", "/v1/files") for answer in NO_BATCH),
        *(once(answer, "POST", "/v1/batches", happens) for answer in NO_BATCH for happens in (False, True)),
        *(once((status, error("x")), "POST", "/v1/batches", True) for status in (408, 409, 499, 504)),
        *(once_late(answer, "GET", "/v1/batches/.*") for answer in (*NO_BATCH, (404, error("No such batch")))),
        *(once(answer, "GET", "/v1/files/out.*") for answer in (error("busy"), b"<html>Log in")),
        shown_as(lambda batch: {**batch, "status": batch["status"].upper()}),  # Together
        shown_as(in_other_words),  # Gemini
        shown_as(lambda batch: {**batch, "status": None}),
        shown_as(lambda batch: {**batch, "created_at": None}),
        shown_as(lambda batch: {**batch, "created_at": batch["created_at"] * 1000}),
        shown_as(lambda batch: {**batch, "created_at": "2026-11-29T22:00:00Z"}),
        shown_as(lambda batch: {**batch, "request_counts": None, "metadata": None}),
        shown_as(lambda batch: {**batch, "request_counts": {"total": None, "completed": "3"}}),
        paged_for_ever,
        lambda batches: setattr(batches, "lines", lambda line: result(line, "OK", completion())),
        lambda batches: setattr(batches, "lines", lambda line: {**line, "response": completion()}),
        lambda batches: setattr(
            batches, "lines", lambda line: {**line, "response": {"body": [completion()], "status_code": 200}}
        ),
    ],
)
def test_a_batch_api_that_words_things_otherwise_costs_what_it_costs(tmp_path, monkeypatch, habit):
    monkeypatch.setattr(batch, "UNCLEAR", 3.0)
    monkeypatch.setattr(batch, "LOOK_EVERY", 0.02)
    with habits(None) as served:
        habit(served.batches)
        assert ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)[1] == 5
        assert served.batches.billed == 5 == ACCOUNT.spent(AnswerStore(tmp_path))[1]


def test_a_batch_that_is_being_cancelled_is_not_cancelled_again(tmp_path, monkeypatch):
    """By a first job, say, that was killed then: the batch is shown so a few times, and then as cancelled."""
    monkeypatch.setattr(batch, "QUIET", 0.5)
    with habits(None) as served:
        batches, looks = served.batches, []
        batches.lost_creates, batches.hidden = 1, 10**6
        batches.running.add("batch_0")
        opened, shown = batches.create, batches.show

        def create(request):
            made = opened(request)
            batches.hidden = 0 if len(batches.opened) == 2 else batches.hidden
            return made

        def show(name):
            if name == "batch_0":
                looks.append(name)
                if len(looks) < 5:
                    return {**batches.opened[name], "status": "cancelling"}
                if len(looks) == 5:
                    batches.end(batches.opened[name], "cancelled")
            return shown(name)

        batches.create, batches.show = create, show
        assert ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)[1] == 10
        assert not batches.cancelled
    assert ACCOUNT.spent(AnswerStore(tmp_path))[1] == 20


def test_each_batch_that_may_have_a_twin_is_waited_for_at_the_end(tmp_path, monkeypatch):
    begun, ended = [], []

    async def take_twins(orphans, name):
        begun.append(name)
        await asyncio.sleep(0.5 if len(begun) == 1 else 0)
        ended.append(name)

    async def open_unclearly(sender, content, name):
        made = await opened(sender, content, name)
        sender._unclear = True
        return made

    opened = batch.BatchClient._open
    monkeypatch.setattr(batch.BatchClient, "_open", open_unclearly)
    monkeypatch.setattr(batch.OrphanedBatches, "take_twins", take_twins)
    monkeypatch.setattr(batch, "TRIAL", 5)
    monkeypatch.setattr(batch, "QUIET", 0.5)
    with habits(None) as served:
        assert ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)[1] == 10
    assert len(begun) == 2
    assert set(ended) == set(begun)


@pytest.mark.parametrize("batched", [False, True])
def test_each_request_is_counted_once_as_bought_or_as_taken(tmp_path, monkeypatch, batched):
    monkeypatch.setattr(batch_api, "LATE", 0.1)
    monkeypatch.setattr(batch, "QUIET", 0.5)
    settings = {"batch": True, "poll_seconds": 0.01} if batched else {"concurrency": 1}

    def answer(request):
        return MODERATED if number_of(request) == 4 else completion()

    with habits(answer) as served:
        served.batches.lines = lambda line: result(
            line, *(MODERATED if answer(line["body"]) == MODERATED else (200, completion()))
        )
        twice = [*range(5), *range(5)]
        if batched:  # the second job adopts the batch of the first
            served.batches.late = 10**6
            with pytest.raises(UserError, match="names no file"):
                ask_all(served.base_url, tmp_path, range(5), **settings)
            served.batches.late = 0
            # Of the adopted batch, this job needs three answers.
            assert ask_all(served.base_url, tmp_path, range(3), **settings)[1:] == (3, 0)
            assert ask_all(served.base_url, tmp_path, twice, **settings)[1:] == (0, 5)
        else:
            assert ask_all(served.base_url, tmp_path, twice, **settings)[1:] == (4, 0), "one is refused"
            assert ask_all(served.base_url, tmp_path, [*twice, 5], **settings)[1:] == (1, 5)


@pytest.mark.parametrize("page", [b"<html>Log in", error("busy")])
def test_a_page_in_place_of_the_requests_of_an_adopted_batch_loses_none_of_its_answers(tmp_path, monkeypatch, page):
    monkeypatch.setattr(batch_api, "LATE", 0.1)
    settings = {"batch": True, "poll_seconds": 0.01}
    with habits(None) as served:
        served.batches.late = 10**6
        with pytest.raises(UserError, match="names no file"):
            ask_all(served.base_url, tmp_path, range(5), **settings)
        served.batches.late = 0
        once(page, "GET", "/v1/files/file.*/content")(served.batches)
        assert ask_all(served.base_url, tmp_path, range(5), **settings)[1] == 5
        assert served.batches.billed == 5


def test_an_adopted_batch_that_is_mostly_refused_is_said_to_be_that(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(batch_api, "LATE", 0.1)
    monkeypatch.setattr(batch, "QUIET", 0.5)
    with habits(None) as served:
        served.batches.late = 10**6
        served.batches.lines = lambda line: result(
            line, *((200, completion()) if number_of(line["body"]) < 2 else UNKNOWN)
        )
        with pytest.raises(UserError, match="names no file"):
            ask_all(served.base_url, tmp_path, range(10), batch=True, poll_seconds=0.01)
        served.batches.late = 0
        assert ask_all(served.base_url, tmp_path, range(2), batch=True, poll_seconds=0.01)[1] == 2
    assert "not all requests of batch_0 have an answer" in caplog.text
    assert "answered no request" not in caplog.text


def test_a_session_that_cannot_begin_leaves_nothing_open(tmp_path):
    with habits(None) as served:
        assert ask_all(served.base_url, tmp_path, range(2), batch=True, poll_seconds=0.01)[1] == 2
        served.batches.route = lambda method, path, body: (401, error("bad key"))
        sessions = []

        async def session():
            sessions.append(teacher(served.base_url, tmp_path, batch=True))
            async with sessions[0]:
                pass

        with pytest.raises(UserError, match="needs a key"):
            asyncio.run(session())
    compact(tmp_path)  # raises UserError while a session uses the store
    assert sessions[0]._source._api.openai.is_closed()


@pytest.mark.parametrize("errors", ["boom", ["boom"], [{"message": "boom"}], {"data": [{"message": "boom"}]}])
def test_a_batch_that_is_not_accepted_says_why_in_every_form(tmp_path, errors):
    with habits(None) as served:
        shown_as(lambda batch: {**batch, "status": "failed", "errors": errors})(served.batches)
        with pytest.raises(UserError, match=r"was not accepted \(.*boom"):
            ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)


def test_a_batch_that_ends_without_a_word_of_its_files_is_not_bought_again(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_api, "LATE", 0.05)
    with habits(None) as served:
        shown_as(lambda batch: {**batch, "request_counts": None, "output_file_id": None})(served.batches)
        with pytest.raises(UserError, match="names no file"):
            ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)
        assert len(served.batches.opened) == 1


def test_a_batch_that_is_validated_for_ever_is_waited_for_four_days(tmp_path, monkeypatch):
    """Also where the provider does not say when it was opened."""
    monkeypatch.setattr(batch_api, "LONGEST_RUN", 0.2)
    with habits(None) as served:
        shown_as(lambda batch: {**batch, "status": "validating", "created_at": None})(served.batches)
        with pytest.raises(UserError, match=r"batch_0 has not ended .*\(validating\): cancel it"):
            ask_all(served.base_url, tmp_path, range(5), batch=True, poll_seconds=0.01)


@pytest.mark.parametrize("name", [None, 7, "of another"])
def test_answers_without_our_names_are_lost_attempts_and_soon_the_last(tmp_path, monkeypatch, name):
    monkeypatch.setattr(batch, "QUIET", 0.5)  # the first batch is a whole trial on a busy machine, too
    with habits(None) as served:
        served.batches.lines = lambda line: {**result(line, 200, completion()), "custom_id": name}
        with pytest.raises(UserError, match=r"40 of the last 40 attempts failed .*broken reply"):
            ask_all(served.base_url, tmp_path, range(150), batch=True, poll_seconds=0.01)
        assert batch.TRIAL <= len(AnswerStore(tmp_path).lost) == served.batches.billed < 150
        served.batches.lines = lambda line: result(line, 200, completion())
        assert ask_all(served.base_url, tmp_path, range(150), batch=True, poll_seconds=0.01)[1] == 150
    assert ACCOUNT.spent(AnswerStore(tmp_path))[1] == served.batches.billed


@pytest.mark.parametrize("end", [b"\n", b"\n\n", b" \r\n\r\n"])
def test_lines_of_errors_in_a_file_of_their_own_cost_nothing(tmp_path, monkeypatch, end):
    """A batch that expired: a part is answered, a part is not, and the rest is in no file."""
    monkeypatch.setattr(batch, "QUIET", 0.5)
    expired = {"code": "batch_expired", "message": "This request could not be executed before the window expired."}

    def split(batches):
        ended = batches.end

        def end(opened, status):
            ended(opened, "expired")
            lines = batches.files[opened["output_file_id"]].splitlines()
            errors = [{**json.loads(line), "response": None, "error": expired} for line in lines[4:5]]
            batches.files["err"] = end.join(json.dumps(line).encode() for line in errors) + end
            batches.files[opened["output_file_id"]] = end.join(lines[:4]) + end
            opened["error_file_id"] = "err"
            batches.end, batches.billed = ended, len(lines[:4])

        batches.end = end

    with habits(None) as served:
        split(served.batches)
        assert ask_all(served.base_url, tmp_path, range(6), batch=True, poll_seconds=0.01)[1] == 6
        assert served.batches.billed == 6
    assert not AnswerStore(tmp_path).lost


# C15: thoughts


@pytest.mark.parametrize(
    "thoughts",
    [
        "<think>{x} is a brace</think>\n",
        "The set {a, b} ...\n</think>\n\n",
        "<|channel|>analysis<|message|>{x}<|end|><|start|>assistant<|channel|>final<|message|>",
    ],
)
def test_thoughts_are_cut_before_a_reply_is_read(thoughts):
    step = load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml").steps[0]
    pair = {"question": "Who?", "answer": "Nobody."}
    assert read(step, {"text": thoughts + json.dumps(pair), "finish_reason": "stop"}) == {"skip": False, **pair}
    assert read(step, {"text": "<think>{x}, and then", "finish_reason": "stop"}).reason == "unparsable"


def recipes():
    """The teachers that think, as docs/own_teacher.md writes them."""
    page = (ROOT / "docs/own_teacher.md").read_text("utf-8").partition("## Models that think")[2]
    found: dict[str, dict] = yaml.safe_load(page.partition("```yaml")[2].partition("```")[0])["teachers"]
    return {name: Teacher(**one).given() for name, one in found.items()}


PAIR = {"question": "Who?", "answer": "Nobody."}
JSON = json.dumps(PAIR)
# Forms of such a model's answer, as servers document them: with a parser of thoughts, and without one.
APART = [{"content": JSON, "reasoning_content": "{hm}"}, {"content": JSON, "reasoning": "{hm}"}]
THINKING = [*APART, {"content": f"<think>\n{{hm}}\n</think>\n\n{JSON}"}, {"content": f"{{hm}}\n</think>\n\n{JSON}"}]
FORMS = {
    "qwen3": THINKING,
    "qwen3_without_thoughts": [{"content": f"<think>\n\n</think>\n\n{JSON}"}, {"content": JSON}],
    "gpt_oss": [
        *APART,
        {"content": f"<|channel|>analysis<|message|>{{hm}}<|end|><|start|>assistant<|channel|>final<|message|>{JSON}<|return|>"},
        {"content": f"<|channel|>final <|constrain|>json<|message|>{JSON}"},
        {"content": f"analysisThe user {{asks}}.assistantfinal{JSON}"},
    ],
}  # fmt: skip
SENT = {
    "qwen3": {"temperature": 0.6, "top_p": 0.95},
    "qwen3_without_thoughts": {"chat_template_kwargs": {"enable_thinking": False}},
    "gpt_oss": {"reasoning_effort": "low"},
}


@pytest.mark.parametrize("name", ["qwen3", "qwen3_without_thoughts", "gpt_oss"])
def test_the_recipes_for_models_that_think(tmp_path, name):
    """Their parameters are sent, thoughts have room and cost what they cost, and every form of an answer is read."""
    recipe = recipes()[name]
    more, forms = recipe.get("reasoning_tokens", 0), FORMS[name]
    step = load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml").steps[0]
    cut_off = {"content": None, "reasoning_content": "{hm}, and then"}
    served_forms = iter([*forms, cut_off])

    def answer(request):
        form = dict(next(served_forms))
        finish = "stop" if form["content"] else "length"
        return completion(form.pop("content"), finish, (10, 9 + more), **form)

    settings = {key: recipe[key] for key in ("model", "sampling", "reasoning_tokens") if key in recipe}
    with habits(answer) as served:
        asked = range(len(forms) + 1)
        replies, bought, _ = ask_all(served.base_url, tmp_path, asked, concurrency=1, caps={"dollars": 1.0}, **settings)
        assert bought == len(forms) + 1
    for request in served.requests:
        assert request["max_tokens"] == 9 + more
        assert request.items() >= SENT[name].items()
    readings = [read(step, reply) for _, reply in replies]
    assert readings[:-1] == [{"skip": False, **PAIR}] * len(forms)
    assert str(readings[-1]) == "unfinished (length)"


def test_thoughts_without_an_answer_are_said_to_be_that(tmp_path):
    """A server whose parser of thoughts takes the answer for one, and a model that thinks to the end."""
    step = load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml").steps[0]
    with habits(lambda request: completion(None, reasoning_content=JSON)) as served:
        ((_, reply),) = ask_all(served.base_url, tmp_path, range(1))[0]
    assert str(read(step, reply)) == "unfinished (only thoughts)"


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        (json.dumps({**PAIR, "explanation": "because", "confidence": 0.9}), True),
        (json.dumps({"reasoning": {"steps": []}, **PAIR, "skip": False, "unused": []}), True),
        (f"Here it is: {json.dumps({**PAIR, 'notes': None})}", True),
        (json.dumps({"result": PAIR}), True),
        (json.dumps([PAIR]), True),
        (f"{JSON}<|im_end|>", True),
        (json.dumps({"question": "Who?", "response": "Nobody."}), False),  # a text under another name
        (json.dumps({"question": "Who?", "Answer": "Nobody.", "answer_2": "X"}), False),
        (json.dumps({**PAIR, "question": ["Who?"], "explanation": "x"}), False),
        (json.dumps({"result": "Nobody."}), False),
        (json.dumps({"error": "no"}), False),
    ],
)
def test_members_that_nobody_asked_for_cost_no_pair(text, pair):
    step = load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml").steps[0]
    found = read(step, {"text": text, "finish_reason": "stop"})
    assert (found == {"skip": False, **PAIR}) if pair else (found.reason == "unparsable")


def test_a_reply_that_counts_otherwise_is_not_read():
    """Eleven categories of ten instructions: nobody knows which is which."""
    step = load_prompt(ROOT / "resources/prompts/knowledge_intensive.yaml").steps[0]
    numbers = ["1", "2"]
    one = step.reply_schema["properties"]["category"]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": numbers,
        "properties": dict.fromkeys(numbers, one),
    }
    asked = step.replaced(schema=schema)
    said = dict.fromkeys(numbers, "knowledge")
    assert asked.parse(json.dumps({**said, "notes": "x"})) == said
    assert asked.parse(json.dumps({**said, "3": "knowledge"})) is None


# C16: mistakes of the user


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "all_proxy has a SOCKS proxy.*add no.invalid to no_proxy"),
        ("http_proxy", "socks5h://127.0.0.1:9", "http_proxy has a SOCKS proxy"),
        ("HTTP_PROXY", "garbage", "Cannot connect to host garbage"),
        ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE=/no/such/file: the certificates cannot be read"),
        (
            "SSL_CERT_FILE",
            __file__,
            r"SSL_CERT_FILE=.*test_habits.py: the certificates cannot be read .*no certificate",
        ),
        ("SSL_CERT_FILE", "/", r"SSL_CERT_FILE=/: the certificates cannot be read \(Is a directory"),
        ("OPENAI_ORG_ID", "a\nb", "the header OpenAI-Organization has a line break"),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_an_environment_that_leads_nowhere_is_named_and_is_no_matter_here(
    tmp_path, monkeypatch, name, value, said, batch
):
    monkeypatch.setattr(batch_api, "RETRY_SECONDS", 0.0)
    for other in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    batched = {"batch": True, "poll_seconds": 0.01} if batch else {}
    if not (batch and name in ("HTTP_PROXY", "OPENAI_ORG_ID")):
        with pytest.raises(UserError, match=said):
            ask_all("http://no.invalid/v1", tmp_path, range(2), attempts=1, **batched)
    if name != "OPENAI_ORG_ID":
        with habits(lambda request: completion()) as served:
            assert ask_all(served.base_url, tmp_path, range(2), **batched)[1] == 2


@pytest.mark.parametrize("batched", [{}, {"batch": True, "poll_seconds": 0.01}])
@pytest.mark.parametrize("key", ["EMPTY", "1", "stop", "anything", "prompt_tokens"])
def test_a_key_that_is_a_word_changes_no_answer(tmp_path, monkeypatch, key, batched):
    """Servers that need no key are given a word."""
    monkeypatch.setenv("MY_KEY", key)
    with habits(lambda request: completion("EMPTY or anything: stop in 1961")) as served:
        served.batches.lines = lambda line: result(line, 200, served.answer(line))
        replies, bought, _ = ask_all(served.base_url, tmp_path, range(2), variable="MY_KEY", **batched)
        assert bought == 2
    assert replies[0][1]["text"] == "EMPTY or anything: stop in 1961"
    assert ACCOUNT.spent(AnswerStore(tmp_path))[0] == pytest.approx(2 * (10 * 2 + 5 * 10) / (2e6 if batched else 1e6))


@pytest.mark.parametrize(
    ("key", "content", "said"),
    [
        ("sk-1234567", b'{"error": "bad key sk-1234567"}', b'{"error": "bad key <MY_KEY>"}'),
        ("sk-1234567", rb'{"error": "bad key:\nsk-1234567"}', rb'{"error": "bad key:\n<MY_KEY>"}'),
        ("secret", rb'{"error": "bad\nsecret %20secret"}', rb'{"error": "bad\n<MY_KEY> %20<MY_KEY>"}'),
        ("secret", rb'{"error": "\u00e9secret"}', rb'{"error": "\u00e9<MY_KEY>"}'),
        ("secret", b'{"error": "no secret"}', b'{"error": "no <MY_KEY>"}'),
        ("1", b'{"code": 1}', b'{"code": 1}'),
        ("retry", b'{"error": "retrying"}', b'{"error": "retrying"}'),
    ],
)
def test_an_error_does_not_repeat_the_key(monkeypatch, key, content, said):
    monkeypatch.setenv("MY_KEY", key)
    assert bytes_without_key(content, "MY_KEY") == said
    assert without_key(content.decode(), "MY_KEY") == said.decode()


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ("answer", "Xk29fh3kd8"),
        ("packed", "sk-1234567"),
        *((place, "opensesame") for place in ("200", "line", "other line", "POST /v1/files", "GET /v1/files/out.*")),
    ],
)
def test_nothing_that_repeats_the_key_brings_it_into_a_message_or_the_store(tmp_path, monkeypatch, caplog, place, key):
    monkeypatch.setenv("MY_KEY", key)
    caplog.set_level("INFO", "rag_instruct")
    monkeypatch.setattr(batch_api, "LATE", 0.0)
    refusal, batched = error(f"bad key:\n{key}"), "line" in place or "/" in place
    answers = {
        "packed": (401, gzip.compress(json.dumps(refusal).encode())),
        "answer": completion(f"The key is {key}."),
        "200": refusal,
    }
    lines = {
        "line": lambda line: result(line, 401, refusal),
        "other line": lambda line: {"custom_id": line["custom_id"], "data": f"bad key {key}"},
    }
    with habits(lambda request: answers[place]) as served:
        served.batches.lines = lines.get(place, served.batches.lines)
        if "/" in place:
            once(refusal, *place.split())(served.batches)
        settings = {"batch": True, "poll_seconds": 0.01} if batched else {"attempts": 1}
        said = ""
        try:
            ask_all(served.base_url, tmp_path, range(2), variable="MY_KEY", **settings)
        except UserError as told:
            said = str(told)
    stored = AnswerStore(tmp_path)
    seen = said + caplog.text + json.dumps([*stored.records(), *stored.lost.values()])
    assert "<MY_KEY>" in seen
    assert key not in seen


def test_a_key_with_a_line_break_is_read_without_it_and_another_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", " sk-1\n")
    assert Endpoint("http://u", "MY_KEY").key() == "sk-1"
    monkeypatch.setenv("MY_KEY", "sk-1\nsk-2")
    with pytest.raises(UserError, match="MY_KEY has a line break"):
        ask_all("http://127.0.0.1:9/v1", tmp_path, range(1), variable="MY_KEY")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        *(
            (url, "begin the address with http")
            for url in ("localhost:8000/v1", "//host/v1", "ftp://host", "http:///v1")
        ),
        ("http://a b/v1", "begin the address with http"),
        ("http://[::1/v1", "is no address"),
        ("http://host:abc/v1", "is no address"),
        ("http://host:99999/v1", "is no address"),
        ("https://me:secret@host/v1", "leave name and password out"),
        ("https://host/v1/chat/completions", "leave `/chat/completions` out"),
        ("https://host/v1#x", "leave `#`"),
    ],
)
def test_an_address_to_which_nothing_can_be_sent_is_refused(url, said):
    with pytest.raises(UserError, match=said) as refused:
        Endpoint(url).key()
    assert "secret" not in str(refused.value)
    with pytest.raises(ValidationError, match=said):
        Teacher(model="m", base_url=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1/", "https://h.example/openai?api-version=1", "http://[::1]:8/v1"]
)
def test_other_addresses_are_taken(url):
    assert Endpoint(url).key() == "no key"
    assert Teacher(model="m", base_url=url).base_url == url


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"stream": True}, "stream does not belong here"),
        ({"temperature": 1, "response_format": None}, "response_format does not belong here"),
        ({"messages": []}, "messages does not belong here"),
        ({"model": "other"}, "model does not belong here"),
        ({"extra_body": {"chat_template_kwargs": {}}}, "write its contents here instead"),
    ],
)
def test_sampling_cannot_replace_what_the_workflow_sends(parameters, said):
    with pytest.raises(ValidationError, match=said):
        Teacher(model="m", base_url="http://h/v1", sampling=parameters)


def test_replay_can_be_switched_off_by_its_value(monkeypatch):
    for value, expected in {"0": False, "": False, "no": False, "false": False, "1": True, "yes": True}.items():
        monkeypatch.setenv(REPLAY, value)
        assert replays() == expected


def test_a_store_that_may_only_be_read_serves_a_replay_and_says_so_when_it_must_write(tmp_path, monkeypatch):
    with habits(lambda request: completion()) as served:
        ask_all(served.base_url, tmp_path, range(2))
        opened = type(tmp_path).open

        def read_only(path, mode="r", *arguments, **named):
            if set(mode) & set("wax+"):
                raise PermissionError(13, "Permission denied")
            return opened(path, mode, *arguments, **named)

        monkeypatch.setattr(type(tmp_path), "open", read_only)
        monkeypatch.setenv(REPLAY, "1")
        with answers.exclusive(tmp_path, tmp_path / "out"):
            assert ask_all("http://127.0.0.1:9/v1", tmp_path, range(2))[1:] == (0, 2)
        monkeypatch.delenv(REPLAY)
        with pytest.raises(UserError, match=r"no answer can be stored here \(Permission denied\)"):
            asyncio.run(AnswerStore(tmp_path).put({"key": "k"}))


def test_a_servers_command_may_have_braces_and_must_be_one():
    with pytest.raises(UserError, match="is not a command"):
        with local_server("serve --port {port} --options 'x", "m"):
            pass


PACE = {"error": {"message": "Rate limit exceeded: slow down"}}


def test_a_request_leaves_an_endpoint_that_only_asks_to_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint_client, "LONGEST_PAUSE", 0.02)

    def slow(request):
        time.sleep(0.3)
        return completion()

    with habits(lambda request: (403, PACE)) as waits, habits(slow) as well:
        addresses = [Endpoint(waits.base_url, None, weight=3), Endpoint(well.base_url, None, weight=1)]
        assert ask_all(addresses, tmp_path, range(4), concurrency=4)[1] == 4, "and none hangs"


def test_a_control_question_does_not_exceed_the_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(endpoint_client, "LONGEST_PAUSE", 0.02)
    waits = [(403, PACE)] * client.WAITS_BY_WORDS

    def answer(request):
        return waits.pop() if waits and request["messages"][0]["content"] != client.CONTROL else completion()

    with habits(answer) as served, pytest.raises(UserError, match="used up: 1 are answered"):
        ask_all(served.base_url, tmp_path, range(1), caps={"requests": 1})
    assert sum(tokens["requests"] for tokens in AnswerStore(tmp_path).spent.values()) == 1


def test_waits_before_an_outage_give_up_no_request_in_it():
    async def renew():
        pass

    asked = client.Asked("k", {}, renew, waited=7, since=1.0)
    asked.note_first_failure()
    assert asked.since > 1.0, "answers to others while it waited show nothing of the outage"
    asked.start_again()
    assert asked.waited == 0
