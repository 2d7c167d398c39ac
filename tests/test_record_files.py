"""Our own records: what is written is what is read, and what is of another type is named with its place."""

import json
import os
import socket

import pytest
from made import pair, row

from rag_instruct.errors import UserError
from rag_instruct.files import read_json, whole, write_json
from rag_instruct.reasons import Reason
from rag_instruct.record_files import as_json, read_records, write_records
from rag_instruct.schema import DroppedExemplar, Exemplar, Gain, Question, Reject, Row, Verdict, Weighed

ROW = as_json(row("r", noise=()))
GAIN = as_json(Gain(1.0, 0.5, 0.5, 0.1))
WEIGHED = as_json(Weighed("r", "x", "x", 0.5, Gain(1.0, 0.5, 0.5, 0.1), 0.0, (), {}, {}))


def test_records_come_back_as_they_were_written(tmp_path):
    """Row and slot 0 are written; empty optional fields are not."""
    records = [
        Exemplar("a:0", "a", 0, "MIT", "Was heißt „Fjord“?"),
        DroppedExemplar("a:1", "a", 1, "MIT", "x", ("k",), reason="weather"),
        pair(0), row("r"), Reject.of(pair(0), Reason.OFF_TOPIC), Reject.of(row("s"), Reason.SURPLUS, "y"),
        Verdict("r", "useless_doc", "none", Reason.WRONG_PARADIGM, "none"), Question("q", "?", ("x",), (("A", "x"), ("B", "y"))),
    ]  # fmt: skip
    for number, record in enumerate(records):
        path = tmp_path / f"{number}.jsonl"
        assert write_records(path, [record, record]) == 2
        assert list(read_records(path, type(record))) == [record, record]
    assert json.loads((tmp_path / "0.jsonl").read_text("utf-8").splitlines()[0])["row"] == 0
    rejected = json.loads((tmp_path / "4.jsonl").read_text().splitlines()[0])
    assert (rejected["slot"], rejected["reason"]) == (0, "off topic")
    assert not {"documents", "repeats", "detail"} & rejected.keys()


def test_a_row_keeps_its_bytes(tmp_path):
    """The order of fields, blanks between them and letters as they are: data sets are compared by their sum."""
    path = tmp_path / "rows.jsonl"
    lines = [
        json.dumps(ROW | {"question": "Où?"}, ensure_ascii=False),
        json.dumps(ROW | {"intended_paradigm": "useless_doc"}),
    ]
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    before = path.read_bytes()
    write_records(path, list(read_records(path, Row)))
    assert path.read_bytes() == before
    assert list(json.loads(lines[0]))[:5] == ["question", "answer", "documents", "id", "paradigm"]


def test_half_a_surrogate_pair_is_read(tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps(ROW | {"question": "cut \ud83d"}) + "\n")
    assert [one.question for one in read_records(tmp_path / "r.jsonl", Row)] == ["cut \ud83d"]


def test_half_a_surrogate_pair_is_written(tmp_path):
    """What was read can be written, also in a summary."""
    record = row("r", question="cut \ud83d, whole \U0001f600")
    write_records(tmp_path / "r.jsonl", [record])
    assert list(read_records(tmp_path / "r.jsonl", Row)) == [record]
    write_json(tmp_path / "r.json", {"cut \ud83d": "\udfff"})
    assert read_json(tmp_path / "r.json") == {"cut \ud83d": "\udfff"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"prompt_version": "1"}, 'line 2, prompt_version is "1": not a Row (Expected `int`, got `str`)'),
        ({"documents": ["a", None]}, "line 2, documents[1] is null: not a Row (Expected `str`, got `null`)"),
        ({"passages": [{"id": "1", "role": "noise", "rank": 1.5, "score": 1}]}, "line 2, passages[0].rank is 1.5"),
        ({"new": 1}, "line 2: not a Row (Object contains unknown field `new`)"),
        ({"answer": ...}, "line 2: not a Row (Object missing required field `answer`)"),
        ({"question": "cut \ud83d", "answer": 5}, "line 2, answer is 5: not a Row"),
        (None, "line 2: not JSON"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_named_with_file_line_field_and_value(tmp_path, changed, said):
    line = json.dumps({name: value for name, value in (ROW | changed).items() if value is not ...}) if changed else "{"
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(UserError) as refusal:
        list(read_records(tmp_path / "rows.jsonl", Row))
    assert f"rows.jsonl, {said}" in str(refusal.value)
    assert "delete" in str(refusal.value)


def test_a_file_of_other_records_is_asked_for_before_its_removal(tmp_path):
    write_records(tmp_path / "rows.rejects.jsonl", [Reject.of(row("r"), Reason.SURPLUS)])
    with pytest.raises(UserError, match=r"not a Row \(.*\): is it the right file\? If so"):
        list(read_records(tmp_path / "rows.rejects.jsonl", Row))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": 5, cut', ": not JSON (Expecting property name"),
        (
            json.dumps(WEIGHED | {"lost": {"p": "x"}}),
            ', lost is {"p": "x"}: not a Weighed (Expected `float`, got `str`)',
        ),
        (
            json.dumps(WEIGHED | {"noise": {"p": GAIN | {"share": "x"}}}),
            ', noise is {"p": {"answer": 1.0, "share": "x"',
        ),
    ],
)
def test_a_line_that_was_cut_off_and_a_wrong_value_below_any_key_are_named(tmp_path, line, said):
    (tmp_path / "x.jsonl").write_text(f"{line}\n")
    with pytest.raises(UserError) as refusal:
        list(read_records(tmp_path / "x.jsonl", Weighed))
    assert f"x.jsonl, line 1{said}" in str(refusal.value)


def test_a_file_removes_what_killed_jobs_left_and_no_file_of_a_running_job(tmp_path):
    """Two jobs write the same file, one on another node too, and a fourth one a file whose name begins like it."""
    ended, host = 99_999_999, socket.gethostname()  # larger than any process id
    (tmp_path / f".a.{host}.{ended}.tmp").touch()
    running = [
        tmp_path / f".a.{host}.{os.getppid()}.tmp", tmp_path / f".a.node7.{ended}.tmp",
        tmp_path / f".a.json.{host}.{ended}.tmp",
    ]  # fmt: skip
    for path in running:
        path.touch()
    with whole(tmp_path / "a") as temporary:
        temporary.touch()
        assert temporary.name == f".a.{host}.{os.getpid()}.tmp"
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "a", *running])


def test_a_reason_that_nobody_owns_is_refused(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"paradigm": "useless_doc", "reason": "bad mood"}\n')
    with pytest.raises(UserError, match='line 1, reason is "bad mood": not a Reject'):
        list(read_records(tmp_path / "x.jsonl", Reject))
