"""What a run says about missing rows: how many, of which paradigms, why, and what would help."""

from types import SimpleNamespace

import numpy as np
import pytest

from rag_instruct.dataset.quality_filters import EmbeddedRows, apply_filters
from rag_instruct.dataset.shortfall import shortfall, why
from rag_instruct.files import write_json
from rag_instruct.graph import start
from rag_instruct.reasons import Reason


def counts(rejects, **paradigms):
    made = {name: {"wanted": wanted, "rows": rows} for name, (wanted, rows) in paradigms.items()}
    return {"rows": sum(rows for _, rows in paradigms.values()), "paradigms": made, "rejects": rejects}


def test_nothing_is_said_if_every_paradigm_has_its_rows():
    rejects = {"useless_doc": {"ungrounded": 30}}
    assert shortfall("mine", counts(rejects, useless_doc=(3, 3), single_doc_answer=(5, 5))) == ""


def test_short_and_empty_paradigms_are_named_and_only_their_rejects_count():
    rejects = {"useless_doc": {"unfinished": 900}, "single_doc_answer": {"ungrounded": 3, "off topic": 1}}
    found = counts(rejects, useless_doc=(3, 3), single_doc_answer=(5, 2), multi_doc_answer=(1000, 0))
    said = shortfall("mine", found)
    assert said.startswith(
        "mine has 5 of 1,008 wanted rows. Short of rows: single_doc_answer 2 of 5, multi_doc_answer 0 of 1,000. "
    )
    assert "3 of 4 rejects are ungrounded: " in said
    assert Reason.UNGROUNDED.remedy in said
    assert "unfinished" not in said


def test_rows_that_another_paradigm_got_are_named():
    found = counts({}, useless_doc=(3, 3), multi_doc_answer=(5, 2))
    found["paradigms"]["multi_doc_answer"]["relabelled"] = 3
    said = shortfall("mine", found)
    assert "3 rows got another paradigm" in said
    assert "set `failing` to `keep`" in said
    assert "No candidate was rejected" not in said
    found["rejects"] = {"multi_doc_answer": {"ungrounded": 4}}
    assert "4 of 4 rejects are ungrounded: " in shortfall("mine", found)
    assert shortfall("mine", found).count("3 rows got another paradigm") == 1


def test_more_tries_are_not_advised_if_no_sentence_is_usable():
    said = why({"no usable sentence": 250, "copies exemplar": 6, "surplus": 9})
    assert said.startswith("250 of 256 rejects are no usable sentence: ")
    assert "docs/own_teacher.md" in said
    assert "`tries`" not in said
    assert said.endswith("Other reasons: copies exemplar 6.")


def test_a_candidate_without_a_request_weighs_less_because_a_slot_looks_at_more_of_them():
    said = why({"no linked documents": 64, "ungrounded": 48})
    assert said.startswith("48 of 112 rejects are ungrounded: ")
    assert "64 of 112 rejects are no linked documents: " in said


def test_a_category_of_an_own_prompt_has_no_explanation():
    assert why({"rude": 2}) == "2 of 2 rejects are rude."


@pytest.mark.parametrize("paths", [[], ["rows.jsonl"]])
def test_filters_of_a_data_set_without_a_row_find_nothing(paths, tmp_path):
    """So that the run fails at the merge, which knows the reasons."""
    files = [tmp_path / name for name in paths]
    for path in files:
        path.write_text("")
    given = EmbeddedRows.read(files, [], [])
    assert given.vectors.dtype == np.float32
    stopped, numbers = apply_filters(given, {"language": "en", "near_duplicates": 0.8, "similar_questions": 0.9})
    assert stopped == []
    assert all(one == {"kept": 0, "dropped": 0} for one in numbers.values())


def test_a_run_says_at_its_exit_which_data_sets_are_short(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(start, "_SHORTFALLS", [])
    for name, rows in (("whole", 3), ("short", 1)):
        write_json(tmp_path / name / "counts.json", counts({}, single_doc_answer=(3, rows)))
    jobs = [
        SimpleNamespace(rule=SimpleNamespace(name="merge_dataset"), output=SimpleNamespace(counts=tmp_path / name / "counts.json"))
        for name in ("whole", "short")
    ] + [SimpleNamespace(rule=SimpleNamespace(name="report"), output=None)]  # fmt: skip
    start.finish(SimpleNamespace(dag=SimpleNamespace(jobs=jobs)))
    start._say_shortfalls()
    said = capsys.readouterr().err
    assert "warning: short has 1 of 3 wanted rows. Short of rows: single_doc_answer 1 of 3. " in said
    assert "whole has" not in said
