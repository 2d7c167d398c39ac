"""What an evaluation would cost is what it then buys."""

import asyncio

from asking import PRICES, teacher
from loopback import endpoint

from rag_instruct.costs.evaluation_preview import preview_evaluation
from rag_instruct.evaluation.endpoint_answers import answer
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.files import write_jsonl
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.models.decoding import Decoding
from rag_instruct.record_files import write_records
from rag_instruct.schema import Question

EVALUATION = {
    "benchmarks": ["mine"], "models": ["remote", "weights"], "documents": 10, "closed_book": True,
    "max_new_tokens": 50, "decoding": "greedy",
}  # fmt: skip


def settings(url, benchmarks):
    return {
        "teachers": {"t": {"model": "m", "base_url": url, "sampling": {"temperature": 1.0}}},
        "models": {"remote": {"teacher": "t"}, "weights": {"model": "some/model"}},
        "benchmarks": {key: {} for key in benchmarks} | {"mine": {"schema": "own"}},
        "datasets": {"set": {"evaluation": {**EVALUATION, "benchmarks": benchmarks}}},
    }


def test_before_anything_is_made_the_whole_sets_are_assumed(tmp_path):
    account = BudgetAccount("set", "preview", PRICES)
    found = preview_evaluation(
        settings("http://127.0.0.1:9/v1", ["popqa", "arc"]), "set", tmp_path, AnswerStore(tmp_path), account, ()
    )
    assert [(one.stage, one.requests, one.counted) for one in found] == [
        ("evaluation documents", 1399 + 1172, False),
        ("evaluation closed book", 1399 + 1172, False),
    ]
    assert found[0].prompt_tokens > 10 * found[1].prompt_tokens > 0
    assert found[0].dollars > found[1].dollars > 0


def test_questions_of_ones_own_are_counted_before_anything_is_made(tmp_path):
    rows = [{"question": f"What is {n}?", "answers": ["x"], "kind": "ab"[n % 2]} for n in range(10)]
    write_jsonl(tmp_path / "mine.jsonl", rows)
    given = settings("http://127.0.0.1:9/v1", ["mine", "arc"])
    own = {"schema": "own", "path": str(tmp_path / "mine.jsonl"), "where": {"kind": "a"}}
    given["benchmarks"]["mine"] = own
    found = preview_evaluation(
        given, "set", tmp_path, AnswerStore(tmp_path), BudgetAccount("set", "preview", PRICES), ()
    )
    assert [one.requests for one in found] == [5 + 1172] * 2


def test_what_is_kept_already_is_not_counted(tmp_path):
    """Half of the closed-book answers are bought, in the stage's own words, and none with documents."""
    questions = [Question(f"q{n}", f"What is {n}?", ("x",)) for n in range(20)]
    write_records(tmp_path / "benchmarks/mine/questions.jsonl", questions)
    rows = ({"id": q.id, "documents": ["T\ntext"] * 10} for q in questions)
    write_jsonl(tmp_path / "set/evaluation/mine/documents.jsonl", rows)

    async def buy(url):
        async with teacher(url, tmp_path / "answers", sampling={"temperature": 0.0}) as asked:
            await answer(tasks(questions[:10], None), asked, Decoding(50))

    with endpoint(lambda request: "yes") as served:
        asyncio.run(buy(served.base_url))
        store, account = AnswerStore(tmp_path / "answers"), BudgetAccount("set", "preview", PRICES)
        given = settings(served.base_url, ["mine"]), "set", tmp_path, store, account
        found = preview_evaluation(*given, list(tmp_path.rglob("*.jsonl")))
        stale = preview_evaluation(*given, [tmp_path / "benchmarks/mine/questions.jsonl"])
        assert len(served.requests) == 10, "a preview buys nothing"
    assert [(one.stage, one.stored, one.requests, one.counted) for one in found] == [
        ("evaluation documents", 0, 20, True),
        ("evaluation closed book", 10, 10, True),
    ]
    assert [(one.requests, one.counted) for one in stale] == [(20, False)] * 2, "other documents may be found"


def test_models_here_cost_nothing_and_need_no_questions(tmp_path):
    given = settings("http://127.0.0.1:9/v1", ["mine"])
    given["benchmarks"]["mine"] = {"schema": "own", "path": str(tmp_path / "nowhere.jsonl"), "where": {}}
    given["datasets"]["set"]["evaluation"]["models"] = ["weights"]
    account = BudgetAccount("set", "preview", PRICES)
    assert preview_evaluation(given, "set", tmp_path, AnswerStore(tmp_path), account, ()) == []
