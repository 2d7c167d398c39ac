"""The test of a row's paradigm, with a judge who knows exactly what the test says he knows."""

import asyncio
import json
import re

import made
import pytest
from asking import teacher
from conftest import ROOT
from loopback import endpoint

from rag_instruct import cli
from rag_instruct.dataset.verdicts import apply_verdicts, matrix
from rag_instruct.dataset.verification import Examiner, most_requests, paradigm_shown, sampled, verify
from rag_instruct.files import digest
from rag_instruct.reasons import Reason
from rag_instruct.record_files import write_records
from rag_instruct.schema import JudgeFindings, StoppedRow
from rag_instruct.statistics import wilson
from scripts import verify_paradigms

ANSWER = "Ada Lovelace wrote it in London."


@pytest.mark.parametrize(
    ("evidence", "paradigm"),
    [
        (JudgeFindings(1, False, False, False, ()), "useless_doc"),
        (JudgeFindings(1, True, False, False, ()), "useless_doc"),
        (JudgeFindings(1, True, True, False, ()), "undecided"),
        (JudgeFindings(1, False, True, False, ()), "single_doc_support"),
        (JudgeFindings(1, False, True, True, ()), "single_doc_answer"),
        (JudgeFindings(1, True, True, True, ()), "single_doc_answer"),
        (JudgeFindings(3, False, True, False, ()), "multi_doc_support"),
        (JudgeFindings(3, True, True, True, ("a", "b", "c")), "multi_doc_answer"),
        (JudgeFindings(2, False, True, True, ("b",)), "single_doc_answer"),
        (JudgeFindings(3, False, True, True, ("b", "c")), "multi_doc_answer"),
    ],
)
def test_who_could_answer_shows_the_paradigm(evidence, paradigm):
    assert paradigm_shown(evidence) == paradigm


def row(name, paradigm, sources, noise=("FILLER",), **given):
    return made.row(
        name, paradigm, sources, noise, question=f"Who wrote it, and where? ({name})", answer=ANSWER, **given
    )


def graded(system, user):
    """The reply to a request for criteria or for a grade, or None for any other request."""
    if "write the criteria" in system:
        return {"criteria": "It names Ada Lovelace.\nIt names London."}
    if "by criteria" in system:
        assert "It names London." in user
        return {"verdict": "right"}
    if "compare" in system:
        right = re.search(r"\nAnswer: Lovelace did", user) or f"Answer: {ANSWER}" in user
        return {"verdict": "doubtful" if "(wrong)" in user else "right" if right else "wrong"}
    return None


def judge(knows=(), helped=()):
    """Answers from documents when WHO and WHERE are both in them; knows or is helped with the rows named."""

    def answer(request):
        system, user = (message["content"] for message in request["messages"])
        if reply := graded(system, user):
            return json.dumps(reply)
        name = re.search(r"\((\w+)\)", user)[1]
        if name == "odd":
            return "no JSON"
        can = "WHO" in user and "WHERE" in user
        if "from what you know" in system:
            can = name in knows
        elif "may help" in system:
            can = can or name in knows or name in helped
        return json.dumps({"answer": ANSWER if can else "I do not know."})

    return answer


ROWS = [
    row("r0", "useless_doc", ["nothing"]),
    row("r1", "single_doc_support", ["a hint"]),
    row("r2", "multi_doc_support", ["a hint", "a hint more"]),
    row("r3", "single_doc_answer", ["WHO WHERE"]),
    row("r4", "multi_doc_answer", ["WHO", "WHERE"]),
    row("leak", "single_doc_support", ["WHO WHERE"]),
    row("one", "multi_doc_answer", ["WHO WHERE", "nothing"]),
    row("three", "multi_doc_answer", ["WHO", "WHERE", "nothing"]),
    row("copies", "multi_doc_answer", ["WHO", "WHERE", "WHO again"]),
    row("open", "single_doc_answer", ["WHO WHERE"], kind="command"),
    row("wrong", "single_doc_answer", ["WHO WHERE"]),
    row("known", "single_doc_support", ["a hint"]),
    row("noisy", "single_doc_answer", ["WHO WHERE"], noise=("FILLER", f"WHO WHERE {ANSWER}")),
    row("odd", "useless_doc", ["nothing"]),
]
EXPECTED = {
    "r0": ("useless_doc", None, ""),
    "r1": ("single_doc_support", None, ""),
    "r2": ("multi_doc_support", None, ""),
    "r3": ("single_doc_answer", None, ""),
    "r4": ("multi_doc_answer", None, ""),
    "leak": ("single_doc_answer", "wrong paradigm", "single_doc_answer"),
    "one": ("single_doc_answer", "wrong paradigm", "single_doc_answer"),
    "three": ("multi_doc_answer", None, ""),
    "copies": ("multi_doc_answer", None, ""),
    "open": ("single_doc_answer", None, ""),
    "wrong": ("doubtful", "doubtful reference", ANSWER),
    "known": ("undecided", None, ""),
    "noisy": ("single_doc_answer", "answer in noise", "noisy/2"),
    "odd": ("untested", None, "from_documents: unparsable"),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")

    async def session(url):
        async with teacher(url, folder) as asked:
            return await verify(ROWS, Examiner(asked, ROOT / "resources/prompts/verification"), asked)

    with endpoint(judge(knows=("known",), helped=("r1", "r2"))) as served:
        found = asyncio.run(session(served.base_url))
        asked = len(served.requests)
    # Three answers a row, those without a document where all suffice, one of a suspicious noise document; and grades.
    assert asked == len({key for verdict in found for key in verdict.request_keys}) < 90
    return found


def test_rows_of_known_relations_are_told_apart(verdicts):
    assert {v.id: (v.found, v.reason, v.detail) for v in verdicts} == EXPECTED


@pytest.mark.parametrize("sources", [1, 2, 4])
def test_a_row_needs_at_most_the_requests_that_a_preview_says(tmp_path, sources):
    """An open task whose source documents are all needed, and whose noise documents have the answer's words."""
    noise = [f"{number} {ANSWER}" for number in range(3)]
    texts = [f"part {number} of {sources}" for number in range(sources)]
    asked = row("most", "multi_doc_answer", texts, noise, kind="command")

    def answer(request):
        system, user = (message["content"] for message in request["messages"])
        if reply := graded(system, user):
            return json.dumps(reply if "criteria" in reply else {"verdict": "right" if "all" in user else "wrong"})
        can = "all" if user.count("part") == sources else "some"
        return json.dumps(
            {"answer": f"{can} of {digest(system, user)}"}
        )  # so that no two requests for a grade are alike

    async def session(url):
        async with teacher(url, tmp_path) as judge:
            return await verify([asked], Examiner(judge, ROOT / "resources/prompts/verification"), judge)

    with endpoint(answer) as served:
        (verdict,) = asyncio.run(session(served.base_url))
    assert len(verdict.request_keys) == len(served.requests) == most_requests(sources + 3, sources > 1)


def test_the_matrix_counts_and_gives_intervals(verdicts):
    found = matrix(verdicts)
    assert (
        found["multi_doc_answer"]["found"] | {"single_doc_answer": 1, "multi_doc_answer": 3}
        == found["multi_doc_answer"]["found"]
    )
    assert (found["multi_doc_answer"]["tested"], found["multi_doc_answer"]["passed"]) == (4, 3)
    assert found["useless_doc"]["tested"] == 1, "a row without a readable reply is not counted"
    assert [round(bound, 3) for bound in wilson(8, 10)] == [0.49, 0.943]


@pytest.mark.parametrize("failing", ["keep", "drop", "relabel"])
def test_what_becomes_of_rows_that_fail(verdicts, failing):
    paradigms = {name: [r for r in ROWS if r.paradigm == name] for name in dict.fromkeys(r.paradigm for r in ROWS)}
    after, stopped = apply_verdicts(paradigms, verdicts, failing)
    assert sum(map(len, after.values())) == len(ROWS)
    expected = {"keep": set(), "drop": {"leak", "one", "wrong", "noisy"}, "relabel": {"wrong", "noisy"}}[failing]
    assert set(stopped) == expected
    reasons = (Reason.WRONG_PARADIGM, Reason.ANSWER_IN_NOISE, Reason.DOUBTFUL_REFERENCE)
    assert all(stop.reason in reasons for stop in stopped.values())
    relabelled = [r for r in after["single_doc_answer"] if r.intended_paradigm]
    assert [r.id for r in relabelled] == (["leak", "one"] if failing == "relabel" else [])
    assert all([p.role for p in r.passages].count("source") == 1 for r in relabelled), "the superfluous one is noise"


def test_superfluous_documents_become_noise_and_one_of_two_copies_stays(verdicts):
    paradigms = {"multi_doc_answer": [r for r in ROWS if r.id in ("r4", "three", "copies")]}
    after, _ = apply_verdicts(paradigms, verdicts, "drop")
    roles = {r.id: [p.role for p in r.passages[: len(r.passages) - 1]] for r in after["multi_doc_answer"]}
    assert roles == {
        "r4": ["source", "source"], "three": ["source", "source", "noise"], "copies": ["noise", "source", "source"],
    }  # fmt: skip


def test_a_larger_sample_keeps_the_rows_of_a_smaller():
    rows = [made.row(str(n)) for n in range(1000)]
    small, large = ({r.id for r in sampled(rows, share, "1")} for share in (0.1, 0.5))
    assert small < large
    assert 60 < len(small) < 140
    assert len(sampled(rows, 1, "1")) == 1000


def test_no_judge_is_paid_for_a_row_that_a_filter_stopped(tmp_path, monkeypatch):
    """The rows that the script gives to the judge."""
    write_records(tmp_path / "rows.jsonl", [made.row(name) for name in "abc"])
    write_records(tmp_path / "stopped.jsonl", [StoppedRow("b", Reason.NEAR_DUPLICATE, "as a")])
    given = []

    async def noted(rows, *_):
        given.extend(row.id for row in rows)
        return []

    monkeypatch.setattr(verify_paradigms, "verify", noted)
    monkeypatch.setattr(verify_paradigms, "Examiner", lambda *_: None)
    monkeypatch.setattr(verify_paradigms, "job_settings", lambda *_: {})
    monkeypatch.setattr(verify_paradigms, "with_teacher", lambda *given: asyncio.run(given[-1](None)))
    ask = ["--share", "1", "--seed", "1", "--prompts", "x", "--teacher", "x", "--dataset", "x", "--output"]
    files = [str(tmp_path / "rows.jsonl"), "--stopped", str(tmp_path / "stopped.jsonl")]
    cli.run(verify_paradigms.main, [*files, *ask, str(tmp_path / "verdicts.jsonl")])
    assert given == ["a", "c"]
