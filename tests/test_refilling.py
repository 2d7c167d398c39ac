"""Row slots whose pair was dropped after the synthesis go on to their next candidates, and no further than needed."""

import asyncio
import json
import re
from types import SimpleNamespace

import pytest
from conftest import ROOT
from faulty import Running
from made import exemplar, pair, row
from stage import KEY, prepare, settings

from rag_instruct.corpus.passages import Passage
from rag_instruct.dataset.gathering import gather
from rag_instruct.dataset.refill_budget import budget_param, note_budget
from rag_instruct.dataset.refilling import Checks, missing, open_slots, refill
from rag_instruct.errors import UserError
from rag_instruct.jobs import REPLAY
from rag_instruct.llm.budget import UsedUp
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import NotStored
from rag_instruct.paradigms import slots
from rag_instruct.reasons import Reason
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.runs import Hit
from rag_instruct.schema import Pair, StoppedRow
from rag_instruct.synthesis.slots import Origin, Synthesis, synthesise
from scripts import gather_pairs
from scripts import refill as scripts_refill
from scripts import synthesise as scripts_synthesise

NAME = "single_doc_answer"
TEXT = "The Danube rises in the Black Forest of Germany. The Danube flows through Vienna to the Black Sea."
HITS = [Hit(Passage("1", "Danube", TEXT), 0, 1, 0.5)]
SUBJECTS = ["rise", "flow", "begin", "meander", "freeze", "flood", "narrow", "widen", "turn", "end", "split", "dry"]


class Teacher:
    """Asks another question for each exemplar, except those of `same`. Remembers what it was asked."""

    def __init__(self, same=(), error=None, after=0):
        self.error, self.after = error, after  # raised after so many answers
        self.same, self.asked, self.model = set(same), [], SimpleNamespace(in_flight=2, model="m")
        self.bought = self.replayed = 0

    async def ask(self, body, sample=0):
        number = int(re.search(r"Where is number (\d+)", body["messages"][-1]["content"])[1])
        if self.error and len(self.asked) >= self.after:
            raise self.error
        self.asked.append(number)
        self.bought += 1
        await asyncio.sleep(0.001 * (number % 3))
        verb = "rise" if number in self.same else SUBJECTS[number % len(SUBJECTS)]
        pair = {"question": f"Where does the Danube {verb}?", "answer": "In the Black Forest of Germany."}
        return f"key {number}", {"text": json.dumps(pair), "finish_reason": "stop"}


def work(teacher, exemplars):
    given = [exemplar(f"s:{n}", f"Where is number {n}?") for n in range(exemplars)]
    run = SimpleNamespace(hits=lambda query_id: HITS)
    prompt = load_prompt(ROOT / f"resources/prompts/full/{NAME}.yaml")
    return Synthesis(NAME, given, run, prompt, teacher, True, "1", Origin("m", "full", 1))


def refilled(wanted, oversample=0.0, tries=3, exemplars=12, same=(), stop=lambda rows: [], quality_filters=None):
    """Synthesis, gathering, a filter that stops rows, and the refill: (rows before it, new pairs, rejects, teacher)."""
    every = slots({"s": wanted}, oversample)
    teacher = Teacher(same)
    made, rejects = asyncio.run(synthesise(work(teacher, exemplars), every, range(len(every)), tries))
    pairs, repeated = gather([made], len(every))
    rows = [row(pair.id, question=pair.question) for pair in pairs]
    stopped = {one.id: StoppedRow(one.id, Reason.SIMILAR_QUESTION, "") for one in stop(rows)}
    lacking, good = missing({NAME: rows}, {NAME: wanted}, "1", stopped)
    lost = open_slots(NAME, len(every), pairs, [*rejects, *repeated], good)
    checks = Checks([one for one in rows if one.id not in stopped], quality_filters or {})
    later = work(teacher, exemplars)
    new, refused = asyncio.run(refill(later, every, lost, lacking[NAME], checks, tries))
    return SimpleNamespace(pairs=pairs, rows=rows, new=new, rejects=refused, teacher=teacher, lacking=lacking[NAME])


def test_a_stopped_row_is_replaced_by_the_next_candidate_of_its_slot():
    found = refilled(4, stop=lambda rows: rows[1:3])
    assert found.lacking == 2
    assert [(pair.slot, pair.attempt) for pair in found.new] == [(1, 1), (2, 1)]
    assert len(found.teacher.asked) == len(set(found.teacher.asked)) == 6, "no candidate is paid twice"
    questions = [pair.question for pair in found.pairs + found.new]
    assert len(set(questions)) == 6


def test_nothing_is_asked_if_no_row_is_missing():
    found = refilled(4, oversample=0.5, stop=lambda rows: rows[:2])
    assert len(found.rows) == 6
    assert (found.lacking, found.new, len(found.teacher.asked)) == (0, [], 6)


def test_repeated_questions_are_refilled_until_the_candidates_of_the_slot_end():
    """Of three slots with three candidates each, all ask the same: one row is left, and two slots are exhausted."""
    found = refilled(3, exemplars=9, same=range(9))
    assert len(found.rows) == 1
    assert found.lacking == 2
    assert found.new == []
    assert [str(one.reason) for one in found.rejects] == ["repeated question"] * 4
    assert {one.repeats for one in found.rejects} == {found.pairs[0].id}
    assert sorted(found.teacher.asked) == sorted(set(found.teacher.asked)), "no candidate twice"
    assert len(found.teacher.asked) == 3 + 4
    assert len(refilled(3, exemplars=9, same=range(9), tries=1).teacher.asked) == 3


def test_a_refused_new_pair_sends_its_slot_on():
    found = refilled(2, exemplars=8, tries=4, stop=lambda rows: rows[:1], quality_filters={"question_words": [6, 40]})
    assert found.new == []
    assert {str(one.reason) for one in found.rejects} == {"question length"}
    assert [one.attempt for one in found.rejects] == [1, 2, 3], "all that `tries` allows"


@pytest.mark.parametrize(("error", "filled"), [(UsedUp("used up"), 1), (NotStored("not stored"), 1)])
def test_a_refill_without_budget_or_stored_answers_ends_with_what_it_has(error, filled, caplog):
    teacher = Teacher(error=error, after=filled)
    lost = open_slots(NAME, 4, [], [], {})
    pairs, rejects = asyncio.run(refill(work(teacher, 12), slots({"s": 4}, 0.0), lost, 4, Checks([], {}), 3))
    assert (len(pairs), rejects) == (filled, [])
    assert any(
        said in caplog.text for said in ("1 of 4 missing rows refilled: used up", "lacks the answers of 3 row slots")
    )


def test_a_refill_that_its_budget_ended_goes_on_with_another_budget(tmp_path):
    """The job is told another budget than before once, and whatever comes of it, the same from then on."""
    note, low, high = tmp_path / "note.json", {"dollars": 1}, {"dollars": 2, "requests": 9}
    assert budget_param(note, low) == ""
    note_budget(note, "", low, ran_out=False)
    assert budget_param(note, high) == "", "a complete refill is complete"
    note_budget(note, "", low, ran_out=True)
    assert budget_param(note, low) == "", "nothing has changed"
    assert budget_param(note, high) == json.dumps(high)
    for ended in (True, False):
        note_budget(note, json.dumps(high), high, ended)
        assert budget_param(note, high) == json.dumps(high)
    assert budget_param(note, low) == json.dumps(high)


def test_a_refill_whose_first_answers_are_useless_goes_on():
    teacher = Teacher(same=range(60))
    lost = open_slots(NAME, 60, [], [], {})
    checks = Checks([row("other", question="Where does the Danube rise?")], {})
    pairs, rejects = asyncio.run(refill(work(teacher, 60), slots({"s": 60}, 0.0), lost, 60, checks, 1))
    assert (pairs, len(rejects), teacher.bought) == ([], 60, 60)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_what_is_kept_does_not_change_with_what_is_lost(lost):
    """A slot's next candidate is its own: how many other slots are open changes nothing."""
    found = refilled(4, stop=lambda rows: rows[:lost])
    assert [(pair.slot, pair.attempt) for pair in found.new] == [(place, 1) for place in range(lost)]
    alone = refilled(4, stop=lambda rows: rows[:1])
    assert found.new[0] == alone.new[0]


def test_a_slot_of_which_another_paradigm_has_the_row_is_open():
    found = {NAME: [], "useless_doc": [row("a", "useless_doc")]}
    lacking, good = missing(found, {NAME: 1, "useless_doc": 1}, "1", {})
    assert lacking == {NAME: 1, "useless_doc": 0}
    assert good == {"a": "useless_doc"}


@pytest.fixture
def stage_of(tmp_path, monkeypatch):
    """A function that runs a paradigm's synthesis and then the refill, against a server: what was refilled, and the bill."""
    prepare(tmp_path / "material")
    monkeypatch.setenv("TEST_KEY", KEY)
    material, quotas = tmp_path / "material", {NAME: {"*": 6}}
    common = {
        "run": material / "run.parquet", "passages": material / "passages.arrow", "oversample": 0.0, "tries": 3, "seed": "1",
        "teacher": "t", "dataset": "set",
    }  # fmt: skip

    def run(url, chunks, name, **teacher):
        folder = tmp_path / name
        (folder / "answers").mkdir(parents=True, exist_ok=True)
        given = settings(url, folder / "answers", **teacher)
        prompts = ROOT / "resources/prompts/full"
        parts = [(folder / f"{n}.jsonl", folder / f"{n}.rejects.jsonl") for n in range(chunks)]
        for number, (made, refused) in enumerate(parts):
            scripts_synthesise.main(
                material / "exemplars.jsonl", prompt=prompts / f"{NAME}.yaml", paradigm=NAME, quotas=["*=6"], chunk=number,
                chunks=chunks, pairs=made, rejects=refused, settings=given, **common,
            )  # fmt: skip
        pairs, rejects = folder / "pairs.jsonl", folder / "pairs.rejects.jsonl"
        gather_pairs.main(
            [one for one, _ in parts], chunk_rejects=[one for _, one in parts], slots=6, pairs=pairs, rejects=rejects
        )
        found = list(read_records(pairs, Pair))
        write_records(folder / "rows.jsonl", [row(pair.id, question=pair.question) for pair in found])
        write_records(folder / "stopped.jsonl", [StoppedRow(pair.id, Reason.NEAR_DUPLICATE, "") for pair in found[:3]])
        scripts_refill.main(
            material / "exemplars.jsonl", rows=[folder / "rows.jsonl"], stopped=folder / "stopped.jsonl", pairs=[pairs],
            pair_rejects=[rejects], prompts=prompts, quotas=json.dumps(quotas), quality_filters='{"near_duplicates": 0.95}',
            refilled=folder / "refill.jsonl", rejects=folder / "refill.rejects.jsonl", settings=given, **common,
        )  # fmt: skip
        return (folder / "refill.jsonl").read_bytes(), (folder / "refill.rejects.jsonl").read_bytes()

    return run


def test_a_set_without_exemplars_is_named_before_a_server_starts_or_a_request_is_paid(tmp_path, monkeypatch):
    prepare(tmp_path)
    monkeypatch.setattr(scripts_synthesise, "with_teacher", lambda *_: pytest.fail("a teacher was asked"))
    with pytest.raises(UserError, match=f"no exemplar of lmsys is left after the filter, but `paradigms.{NAME}`"):
        scripts_synthesise.main(
            tmp_path / "exemplars.jsonl", run=tmp_path / "run.parquet", passages=tmp_path / "passages.arrow",
            prompt=ROOT / f"resources/prompts/full/{NAME}.yaml", paradigm=NAME, quotas=["e=100", "lmsys=2"], oversample=0.0,
            chunk=0, chunks=4, tries=3, seed="1", teacher="t", dataset="set", pairs=tmp_path / "p", rejects=tmp_path / "r",
        )  # fmt: skip


@pytest.mark.slow
def test_the_command_has_the_same_bytes_for_any_chunks_and_concurrency_and_pays_once(stage_of, monkeypatch):
    with Running("--latency", 0.01) as served:
        first = stage_of(served.base_url, 1, "first")
        bill = served.bill()
        assert first == stage_of(served.base_url, 3, "second", concurrency=1)
    assert len(first[0].splitlines()) == 3
    assert bill["billed"] == bill["distinct"]
    monkeypatch.setenv(REPLAY, "1")
    assert first == stage_of("http://127.0.0.1:9/v1", 2, "first"), "and again, from the store alone"


def test_the_checks_of_single_pairs_show_no_bars(capsys):
    """A refill checks thousands of pairs, one by one."""
    checks = Checks([], {"language": "en"})
    asked = "Where does the river Danube rise, and where does it end?"
    assert checks.refused(pair(0, asked, answer="It rises.")) is None
    assert capsys.readouterr().err == ""
