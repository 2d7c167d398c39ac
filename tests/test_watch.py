"""A stage whose bought answers are of no use stops, and says why."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from asking import teacher
from conftest import ROOT
from habits import completion, habits
from made import exemplar
from test_synthesis import DANUBE

from rag_instruct.errors import UserError
from rag_instruct.exemplars.knowledge import filter_by_teacher
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.watch import FIRST, LATER, YieldWatch
from rag_instruct.paradigms import Slot
from rag_instruct.reasons import Fault, Reason
from rag_instruct.retrieval.runs import Hit
from rag_instruct.synthesis.slots import Origin, Synthesis, synthesise

GOOD = {"question": "Where does the Danube rise?", "answer": "The Danube rises in the Black Forest of Germany."}


def synthesised(url, folder, slots=64, **settings):
    """The pairs of many slots from one set of documents."""

    async def session():
        async with teacher(url, folder, **{"concurrency": 8, **settings}) as asked:
            exemplars = [exemplar(f"s:{n}", f"What is number {n}?") for n in range(slots)]
            hits = [Hit(passage, row, row + 1, 0.5) for row, passage in enumerate(DANUBE)]
            work = Synthesis("single_doc_answer", exemplars, SimpleNamespace(hits=lambda query_id: hits),
                             load_prompt(ROOT / "resources/prompts/full/single_doc_answer.yaml"), asked,
                             True, "1", Origin("m", "full", 1))  # fmt: skip
            return await synthesise(work, [Slot("s", n, slots) for n in range(slots)], range(slots), 1)

    return asyncio.run(session())


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (completion('{"question": "Where', finish="length"), r"unfinished \(length\)\. .*raise the prompt's `max_tokens`"),
        (completion("I would say that it depends."), r"unparsable\. Use a teacher that follows JSON schemas"),
        (completion(json.dumps(GOOD)), r"repeated question \(the teacher gives the same answer to different requests\)"),
        (completion(json.dumps({**GOOD, "answer": ""})), r"empty"),
    ],
)  # fmt: skip
def test_a_teacher_that_gives_no_row_is_stopped_and_the_reason_named(tmp_path, reply, why):
    with habits(lambda request: reply) as served:
        with pytest.raises(UserError, match=rf"single_doc_answer: \d+ answers in a row were of no use.*{why}"):
            synthesised(served.base_url, tmp_path)
        assert FIRST <= len(served.requests) <= FIRST + 2 * 8, "and what was in flight"


def test_stored_answers_do_not_count_and_one_good_row_gives_more_patience():
    buyer = SimpleNamespace(bought=0)
    watch = YieldWatch("stage", buyer)
    for _ in range(10 * FIRST):
        watch.useless(Fault(Reason.UNPARSABLE))  # from the store
    buyer.bought = FIRST
    with pytest.raises(UserError, match="unparsable"):
        watch.useless(Fault(Reason.UNPARSABLE))
    watch = YieldWatch("stage", buyer)
    for text in ("one", "two"):
        watch.useful(text)
    for _ in range(LATER - 1):
        buyer.bought += 1
        watch.useless(Fault(Reason.UNFINISHED, "length"))
    buyer.bought += 1
    with pytest.raises(UserError, match=r"400 answers in a row.*unfinished \(length\)"):
        watch.useless(Fault(Reason.UNFINISHED, "length"))


@pytest.mark.parametrize("different", [1, 2, 3])
def test_a_teacher_with_a_few_answers_to_all_is_stopped(different):
    """However the few follow each other: two by turns, or three as several servers give them."""
    buyer = SimpleNamespace(bought=0)
    watch = YieldWatch("stage", buyer)

    def buy():
        for number in range(2 * LATER):
            buyer.bought += 1
            watch.useful(f"Question {number % different}?")

    with pytest.raises(UserError, match="same answer to different requests"):
        buy()
    assert buyer.bought <= different + (FIRST if different == 1 else LATER)


def test_an_exemplar_filter_that_cannot_be_read_is_stopped(tmp_path):
    exemplars = [exemplar(f"s:{n}", f"What is number {n}?") for n in range(100)]

    async def session(url):
        async with teacher(url, tmp_path, concurrency=4) as asked:
            return await filter_by_teacher(
                exemplars, load_prompt(ROOT / "resources/prompts/knowledge_intensive.yaml"), asked, 2
            )

    with habits(lambda request: completion("knowledge, I think")) as served:
        with pytest.raises(UserError, match=r"exemplar filter: \d+ answers in a row were of no use.*unparsable"):
            asyncio.run(session(served.base_url))
        assert len(served.requests) <= FIRST + 8
