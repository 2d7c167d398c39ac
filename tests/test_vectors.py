"""Vectors from an endpoint: what passes the door, and that nothing is paid twice, lost or over the budget."""

import asyncio
import base64
import errno
import math
from collections import Counter
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from asking import ask_all
from vector_endpoint import DIMENSION, vector, vector_endpoint

from rag_instruct.costs.ledger import entries, summary
from rag_instruct.errors import UserError
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.door import Answer, Transient, outcome_of
from rag_instruct.llm.endpoints import Endpoint, TeacherModel
from rag_instruct.llm.learned import Learned
from rag_instruct.llm.prices import Price, Prices
from rag_instruct.llm.segments import tokens_of
from rag_instruct.llm.session import open_session
from rag_instruct.llm.vector_client import VectorClient, _Text
from rag_instruct.llm.vectors import shares, vector_of, vectors_in
from rag_instruct.retrieval.endpoint_encoder import EndpointEncoder
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings
from rag_instruct.retrieval.steps import payer

PRICES = Prices(date="2026-01-01", models={"m": Price(input=1000.0, output=0)})


def one(numbers, index=0):
    return {"object": "embedding", "index": index, "embedding": numbers}


def encoded(numbers):
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def test_vectors_come_in_the_order_of_their_index_whatever_their_form():
    body = {"data": [one([3, 4.5], 1), one(encoded([1, 2]), 0)]}
    found = vectors_in(body, 2)
    assert [vector_of(text).tolist() for text in found] == [[1, 2], [3, 4.5]]
    unnumbered = {"data": [{"embedding": [1.0]}, {"embedding": [2.0]}]}
    assert [vector_of(text).tolist() for text in vectors_in(unnumbered, 2)] == [[1], [2]]


@pytest.mark.parametrize(
    "data",
    [
        [one([1, 2])],
        [one([1, 2]), one([1, 2], 1), one([1, 2], 2)],
        [one([1, 2]), one([1, 2], 0)],
        [one([1, 2]), one([1, 2], 2)],
        [one([1, 2]), one([1, 2], "1")],
        [one([1, 2]), one([1, 2, 3], 1)],
        [one([]), one([], 1)],
        [one([1, 2]), one([1, math.nan], 1)],
        [one([1, 2]), one([1, 1e39], 1)],
        [one([1, 2]), one([1, 10**400], 1)],
        [one([1, 2]), one(encoded([1, math.inf]), 1)],
        [one([1, 2]), one(encoded([1, 2])[:-3], 1)],
        [one([1, 2]), one("no base64!", 1)],
        [one([1, 2]), one([1, None], 1)],
        [one([1, 2]), one([1, True], 1)],
        [one([1, 2]), one([[1, 2]], 1)],
        [one([1, 2]), one(None, 1)],
        [one([1, 2]), "text"],
        {"0": one([1, 2])},
        None,
    ],
)
def test_what_is_not_one_sound_vector_a_text_is_refused(data):
    assert vectors_in({"data": data}, 2) is None
    assert vectors_in([data], 2) is None


def test_the_door_knows_a_request_for_vectors_by_its_texts():
    content = (
        b'{"data": [{"index": 0, "embedding": [1, 2]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}, "model": "x"}'
    )
    answered = outcome_of(200, content, {"model": "m", "input": "a text"})
    assert isinstance(answered, Answer)
    assert answered.reply["usage"] == {"prompt_tokens": 3, "completion_tokens": 0}
    assert vector_of(answered.reply["text"]).tolist() == [1, 2]
    broken = outcome_of(200, content, {"model": "m", "input": ["a text", "another"]})
    assert isinstance(broken, Transient)
    assert broken.charged
    assert broken.usage == {"prompt_tokens": 3, "completion_tokens": 0}


@pytest.mark.parametrize(
    ("tokens", "sizes"), [(10, [1, 1, 1]), (3, [5, 1, 9]), (2, [5, 5, 5]), (0, [1]), (999, [0, 7])]
)
def test_shares_of_tokens_sum_to_what_was_billed(tokens, sizes):
    found = shares(tokens, sizes)
    assert sum(found) == tokens
    assert min(found) >= int(tokens >= len(sizes))


TEXTS = [f"text number {number} of many {'x' * (number % 7)}" for number in range(300)]
slow = pytest.mark.slow


def buy(served, folder, texts=TEXTS, caps=None, **settings):
    """[reply or error] for each text, and how many were bought."""

    async def session():
        model = TeacherModel("m", (Endpoint(served.base_url),), **settings)
        account = BudgetAccount("set", "embedding", PRICES, **(caps or {}))
        async with open_session(model, AnswerStore(folder), account, VectorClient) as asked:
            found = await asyncio.gather(*(asked.ask({"input": text}) for text in texts), return_exceptions=True)
            return [one if isinstance(one, BaseException) else one[1] for one in found], asked.bought

    return asyncio.run(session())


def are_right(replies, texts=TEXTS):
    return all(
        np.array_equal(vector_of(reply["text"]), vector(text)) for reply, text in zip(replies, texts, strict=True)
    )


@slow
def test_many_texts_share_a_request_and_each_is_stored_alone(tmp_path):
    with vector_endpoint() as served:
        replies, bought = buy(served, tmp_path)
        assert (bought, len(served.requests)) == (300, 3)
        assert are_right(replies)
        assert sorted(len(request["input"]) for request in served.requests) == [44, 128, 128]
        # Another order, other neighbours, and one text more: only this one is bought.
        replies, bought = buy(served, tmp_path, [*reversed(TEXTS), "a new text"])
        assert bought == 1
        assert are_right(replies, [*reversed(TEXTS), "a new text"])
        assert Counter(served.billed).most_common(1)[0][1] == 1
        tokens = served.tokens
    store = AnswerStore(tmp_path)
    account = BudgetAccount("set", "ledger", PRICES)
    assert sum(tokens_of(record["reply"])["prompt"] for record in store.records()) == tokens
    listed = summary(entries(store, set(), account), account)
    assert listed["dollars"] == pytest.approx(tokens / 1000)
    assert account.spent(store) == (pytest.approx(tokens / 1000), 301)


@slow
def test_equal_texts_at_a_time_are_bought_once(tmp_path):
    with vector_endpoint() as served:
        replies, bought = buy(served, tmp_path, ["the same"] * 50)
        assert (bought, served.billed) == (1, ["the same"])
    assert are_right(replies, ["the same"] * 50)


@slow
@pytest.mark.parametrize("most", [100, 32, 1])
def test_a_lower_limit_of_the_endpoint_is_found(tmp_path, most):
    with vector_endpoint() as served:
        served.most = most
        replies, _ = buy(served, tmp_path, TEXTS[:200], texts_a_request=64)
        assert are_right(replies, TEXTS[:200])
        assert sorted(served.billed) == sorted(TEXTS[:200])
        refused = sum(len(request["input"]) > most for request in served.requests)
        assert refused <= {100: 0, 32: 4, 1: 30}[most], "found once, and not by every request"


@slow
def test_a_text_that_is_refused_costs_its_neighbours_nothing(tmp_path):
    texts = [*TEXTS[:70], "y" * 20_000, *TEXTS[70:140]]
    with vector_endpoint() as served:
        replies, _ = buy(served, tmp_path, texts)
        assert "maximum context length" in replies[70]["failure"]
        assert are_right(replies[:70] + replies[71:], TEXTS[:140])
        assert sorted(served.billed) == sorted(TEXTS[:140])
        sizes = [len(request["input"]) for request in served.requests]
        assert max(sizes[-2:]) > 10, "the size was not to blame"
        asked = len(served.requests)
        assert buy(served, tmp_path, texts) == (replies, 0)
        assert len(served.requests) == asked, "what is refused for good is not asked again"


@slow
def test_an_endpoint_without_base64_sends_lists(tmp_path):
    with vector_endpoint() as served:
        served.base64 = False
        replies, _ = buy(served, tmp_path, texts_a_request=100)
        assert are_right(replies)
        assert sorted(served.billed) == sorted(TEXTS)


def one_less(body):
    return {**body, "data": body["data"][1:]}


def not_finite(body):
    return {**body, "data": [{**each, "embedding": [math.nan] * DIMENSION} for each in body["data"]]}


@slow
@pytest.mark.parametrize("fault", [429, 500, 503, one_less, not_finite])
def test_what_fails_is_tried_again_and_what_was_charged_is_in_the_ledger(tmp_path, fault):
    with vector_endpoint() as served:
        served.faults = [fault]
        replies, _ = buy(served, tmp_path)
        assert are_right(replies)
        tokens = served.tokens
    store, account = AnswerStore(tmp_path), BudgetAccount("set", "ledger", PRICES)
    listed = summary(entries(store, set(), account), account)
    assert listed["dollars"] + listed["dollars_that_they_may_have_cost"] == pytest.approx(tokens / 1000)
    assert sum(listed["failed_attempts"].values()) == int(fault != 429)
    assert len(store.lost) == int(callable(fault))


@slow
def test_a_request_that_takes_too_long_is_halved(tmp_path):
    with vector_endpoint() as served:
        served.slow_above = 20
        replies, _ = buy(served, tmp_path, TEXTS[:40], timeout=0.4, texts_a_request=40)
    assert are_right(replies, TEXTS[:40])


@slow
def test_a_budget_holds(tmp_path):
    """Dollars: the texts cost 1.7; requests: a text counts as one."""
    for number, (caps, room) in enumerate([({"dollars": 1.0}, 1000), ({"requests": 200}, 200)]):
        with vector_endpoint() as served:
            replies, bought = buy(served, tmp_path / str(number), caps=caps, texts_a_request=20)
            assert 0 < bought < 300
            assert served.tokens / 1000 <= 1.0 if "dollars" in caps else bought <= room
        refused = [one for one in replies if isinstance(one, UserError)]
        assert len(refused) == 300 - bought
        assert "is used up" in str(refused[0])


@slow
def test_a_disk_that_becomes_full_stops_the_groups_that_wait_and_loses_no_vector(tmp_path, monkeypatch):
    written = AnswerStore._written

    def with_little_room(store, lines):
        if not store._room.closed:
            raise OSError(errno.ENOSPC, "no space")
        return written(store, lines)

    monkeypatch.setattr(AnswerStore, "_written", with_little_room)
    with vector_endpoint() as served:
        replies, bought = buy(served, tmp_path, texts_a_request=10, concurrency=2)
        assert 0 < bought == len(served.billed) < 100
    assert "the disk is full" in str(next(one for one in replies if isinstance(one, UserError)))


def test_a_group_that_is_halved_without_a_refusal_lowers_no_limit():
    """It was gathered before the limit of 8 was found."""

    class Found(VectorClient):
        def __init__(self):
            self._most, self._model = 8, SimpleNamespace(model="m")
            self._recorder = SimpleNamespace(reserved=nullcontext)
            self.sent = []

        async def _tried(self, asked):
            self.sent.append(len(asked.request["input"]))
            return {"text": "", "finish_reason": "stop"}

        async def _record(self, texts, reply, faults):
            pass

    client = Found()
    asyncio.run(client._buy([_Text(str(number), {"input": "text"}, None) for number in range(11)]))
    assert client.sent == [6, 5]
    assert client._most == 8


def test_the_texts_of_a_request_are_recorded_at_no_more_than_was_reserved_for_them():
    most = Learned().most_prompt
    assert sum(most({"input": text}) for text in TEXTS) <= most({"input": TEXTS})


def test_the_data_set_that_needs_the_vectors_pays_for_them():
    common = {
        "encoder": "e", "corpus": "c", "runs": {}, "refill": True, "paradigms": {"single_doc_answer": 5},
        "multi_documents": {"choose": "next_hits"}, "evaluation": {"benchmarks": [], "retrievers": []},
    }  # fmt: skip
    sets = {"words": {**common, "retriever": "bm25"}, "vectors": {**common, "retriever": "dense"}}
    assert payer({"datasets": sets}, "c", "e") == "vectors"
    sets["words"]["retriever"] = {"sources": "bm25", "noise": "hybrid"}
    assert payer({"datasets": sets}, "c", "e") == "words"


@slow
def test_vectors_of_one_request_are_written_together(tmp_path, monkeypatch):
    writes, append = [], AnswerStore._append
    monkeypatch.setattr(AnswerStore, "_append", lambda store, lines: writes.append(lines) or append(store, lines))
    with vector_endpoint() as served:
        buy(served, tmp_path, TEXTS[:100])
    assert [lines.count(b"\n") for lines in writes] == [100]


@slow
def test_an_endpoint_of_chats_alone_is_named(tmp_path):
    with vector_endpoint() as served:
        served.base_url = served.base_url.replace("/v1", "/v2")
        replies, _ = buy(served, tmp_path, TEXTS[:3])
    assert "check `base_url` and `model`" in str(replies[0])
    with vector_endpoint() as served, pytest.raises(UserError, match="check `base_url` and `model`"):
        ask_all(served.base_url, tmp_path, range(2))


def test_an_encoder_behind_an_endpoint_keeps_the_first_numbers_and_names_a_dimension_that_is_too_large():
    async def ask(_):
        return "key", {"text": encoded([3.0, 4.0, 12.0])}

    async def shape(dimension):
        session = SimpleNamespace(ask=ask, model=TeacherModel("m", (Endpoint("http://localhost"),)))
        settings = EndpointEncoderSettings("m", normalize=True, dimension=dimension)
        encoder = EndpointEncoder(settings, session, asyncio.get_running_loop())
        found = await asyncio.to_thread(encoder.encode, ["a", "b"], "test")
        return found.tolist()

    assert asyncio.run(shape(2)) == [[pytest.approx(0.6), pytest.approx(0.8)]] * 2
    assert np.shape(asyncio.run(shape(None))) == (2, 3)
    with pytest.raises(UserError, match="m sends vectors of 3 numbers, not 512: lower or remove `dimension`"):
        asyncio.run(shape(512))


def test_the_remedy_for_a_text_that_is_too_long_fits_queries_and_passages():
    async def ask(_):
        return "key", {"failure": "This model's maximum context length is 8192 tokens."}

    async def encode():
        session = SimpleNamespace(ask=ask, model=TeacherModel("m", (Endpoint("http://localhost"),)))
        encoder = EndpointEncoder(EndpointEncoderSettings("m"), session, asyncio.get_running_loop())
        await asyncio.to_thread(encoder.encode, ["who " * 9000], "test")

    with pytest.raises(
        UserError, match=r"refuses a text .*: let the endpoint cut .* if the text is a passage, cut the"
    ):
        asyncio.run(encode())
