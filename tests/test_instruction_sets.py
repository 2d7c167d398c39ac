"""Instruction sets in their original schemas, and files that are not what they should be."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, SHARED, needs_shared

from rag_instruct.errors import UserError
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet, load, own_schema

GOOD = {"instruction": "What is a fjord?", "output": "x"}
LMSYS = {
    "conversation_id": "c", "model": "m", "turn": 1, "language": "English", "redacted": False,
    "conversation": [{"content": "What is a fjord?", "role": "user"}, {"content": "A bay.", "role": "assistant"}],
    "openai_moderation": [{"categories": {"hate": False}, "category_scores": {"hate": 0.1}, "flagged": False}] * 2,
}  # fmt: skip


def given(path, schema):
    return InstructionSet([path], "set", SCHEMAS[schema] if isinstance(schema, str) else own_schema(schema))


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("schema", "record", "instruction"),
    [
        ("sharegpt", {"id": "a_1", "conversations": [{"from": "gpt", "value": "no"}, {"from": "human", "value": " Yes? "}]}, "Yes?"),
        ("sharegpt_split", {"id": "a_0", "conversations": [{"from": "human", "value": "Yes?"}]}, "Yes?"),
        ("slimorca", {"conversations": [{"from": "system", "value": "be"}, {"from": "human", "value": "Q", "weight": 0}]}, "Q"),
        ("alpaca", {"instruction": "Sort", "input": "b, a", "output": "a, b"}, "Sort\nb, a"),
        ("alpaca", {"instruction": "Sort", "input": "<noinput>", "output": "x"}, "Sort"),
        ("alpaca", {"instruction": "Sort", "input": None, "output": "x"}, "Sort"),
        ("wizardlm", {"instruction": "Do", "output": "x"}, "Do"),
        ("lmsys", LMSYS, "What is a fjord?"),
        ("openorca", {"id": "1", "system_prompt": "", "question": "Q", "response": "A"}, "Q"),
        ("plain", {"question": "Q"}, "Q"),
        ("plain", {"question": "no", "instruction": "I"}, "I"),
        ("plain", {"question": "Q", "instruction": None}, "Q"),
        ("plain", {"question": "Q", "instruction": " "}, "Q"),
        ("plain", {"question": "Q", "instruction": float("nan")}, "Q"),
        ("sharegpt", {"conversations": [{"from": "system", "value": None}, {"from": "human", "value": "Q"}]}, "Q"),
        ({"instruction": "prompt.text"}, {"prompt.text": "T"}, "T"),
        ({"instruction": "prompt.text", "input": "context"}, {"prompt": {"text": "T"}, "context": "C"}, "T\nC"),
        ({"conversation": "m", "role": "who", "text": "said", "human": ["me"]}, {"m": [{"who": "me", "said": "S"}]}, "S"),
        ({"conversation": "messages"}, {"messages": '[{"role": "user", "content": "S"}]'}, "S"),
        ({"conversation": "data"}, {"data": ["Q", "A", "R"]}, "Q"),
        ({"conversation": "messages"}, {"messages": [{"role": "user", "content": [{"type": "text", "value": "S"}]}]}, "S"),
        ({"instruction": "instruction", "input": "instances.input"}, {"instruction": "I", "instances": [{"input": "x"}, {"input": "y"}]}, "I\nx"),
        ({"conversation": "messages"}, {"messages": [{"role": "user", "content": [{"type": "text", "text": "S"}, {"type": "text", "text": "T"}]}]}, "S\nT"),
        ({"conversation": "messages"}, {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "S"}]}, "S"),
    ],
)  # fmt: skip
def test_the_first_human_turn_of_each_schema(tmp_path, schema, record, instruction):
    assert list(given(written(tmp_path / "s.jsonl", [record]), schema)) == [(0, instruction)]


def test_a_set_without_any_instruction_is_an_error_and_roles_may_have_capitals(tmp_path):
    path = written(tmp_path / "a.jsonl", [{"conversations": [{"from": "Human", "value": "Why?"}]}])
    assert [text for _, text in given(path, "sharegpt")] == ["Why?"]
    path = written(tmp_path / "a.jsonl", [{"conversations": [{"from": "gpt", "value": "x"}]}] * 3)
    with pytest.raises(UserError, match=r"none of 3 records has an instruction \(no human turn: 3\): give the right"):
        list(given(path, "sharegpt"))


def test_what_is_of_no_use_is_left_out_and_counted(tmp_path):
    flagged = [{"flagged": False}, {"flagged": True}]
    rows = [
        LMSYS,
        {**LMSYS, "language": "German"},
        {**LMSYS, "redacted": True},
        {**LMSYS, "openai_moderation": flagged},
        {**LMSYS, "conversation": [{"content": "Hi", "role": "assistant"}]},
        {**LMSYS, "conversation": []},
        {**LMSYS, "conversation": [{"content": "  ", "role": "user"}]},
        LMSYS,
    ]
    counted = {
        "labelled as another language": 1,
        "redacted": 1,
        "flagged by moderation": 1,
        "no human turn": 2,
        "empty instruction": 1,
    }
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    for path in (written(tmp_path / "s.jsonl", rows), tmp_path / "s.parquet"):
        found = given(path, "lmsys")
        assert [row for row, _ in found] == [0, 7], "a row's number is its place in the file"
        assert dict(found.left_out) == counted
    empty = given(
        written(tmp_path / "e.jsonl", [{"instruction": None, "input": "x"}, {"instruction": "Q", "input": None}]),
        "alpaca",
    )
    assert (list(empty), dict(empty.left_out)) == ([(1, "Q")], {"empty instruction": 1})
    split = [{"id": f"x_{n}", "conversations": [{"from": "human", "value": "Q"}]} for n in (0, 2, 10)]
    found = given(written(tmp_path / "t.jsonl", split), "sharegpt_split")
    assert (len(list(found)), dict(found.left_out)) == (1, {"later part": 2})


@pytest.mark.parametrize(
    "text", ["<s>[INST] Sort. [/INST]", "Below is a task.\n\n### Instruction:\nSort.", "<|im_start|>user\nSort."]
)
def test_the_marks_of_a_template_are_said(tmp_path, caplog, text):
    rows = [{"instruction": text}, *[{"instruction": "Sort ### and [1]"}] * 9]
    assert len(list(given(written(tmp_path / "s.jsonl", rows), "plain"))) == 10
    assert "set: 1 of 10 instructions have marks of a prompt's template" in caplog.text


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_an_input_that_the_schema_does_not_read_is_said(tmp_path, caplog, kind):
    rows = [{"instruction": "I", "input": text} for text in ("x", "", "y", "<noinput>")]
    path = written(tmp_path / "s.jsonl", rows)
    if kind == "parquet":
        path = tmp_path / "s.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
    assert len(list(given(path, "plain"))) == 4
    assert "set: 2 instructions have a text in the field input, which is not read: if they need it" in caplog.text
    caplog.clear()
    assert [text for _, text in given(path, "alpaca")] == ["I\nx", "I", "I\ny", "I"]
    assert "which is not read" not in caplog.text


@pytest.mark.parametrize(
    ("rows", "schema", "said"),
    [
        ([{"idx": 1, "conversations": [{"from": "human", "value": "Q"}]}], "wizardlm",
         "line 1: not of the schema of set: no 'instruction', it has idx, conversations; it looks like sharegpt or slimorca"),
        ([GOOD], "lmsys", "no 'conversation', it has instruction, output; it looks like wizardlm or plain: give that as the `schema`"),
        ([{"conversations": [{"role": "user"}]}], "sharegpt", "a turn without 'from' and 'value'"),
        ([{"conversations": "[{'from': 'human'} {}]"}], "sharegpt", 'write it as ["a", "b"], in double quotes'),
        ([{**LMSYS, "openai_moderation": None}], "lmsys", "no 'flagged', it has None"),
        ([{**LMSYS, "openai_moderation": ["x"]}], "lmsys", "no 'flagged', it has 'x'"),
        ([{**LMSYS, "openai_moderation": {"flagged": True}}], "lmsys", "'openai_moderation' is no list, but {'flagged': True}"),
        ([{name: LMSYS[name] for name in LMSYS if name != "openai_moderation"}], "lmsys", "no 'openai_moderation', it has conversation_id"),
        ([{"messages": [{"role": "user", "content": "Q"}]}], "plain", "it looks like a conversation: give `fields: {conversation: messages, role: role, text: content}` in config.yaml"),
        ([5], "plain", "line 1: not of the schema of set: not an object, but 5"),
        ([{"instruction": 5}], "plain", "the field 'instruction' must be a text, but is 5"),
        ([{"text": "x"}], {"instruction": "prompt.text"}, "no 'prompt', it has text; give the right `schema` or `fields`"),
        ([], "plain", "no record in it"),
        ([GOOD] * 50 + [{"prompt": "x"}] * 2, "wizardlm", "2 of 52 records are of another schema, the first: "),
    ],
)  # fmt: skip
def test_files_of_another_schema_are_refused_with_a_remedy(tmp_path, rows, schema, said):
    with pytest.raises(UserError) as refusal:
        list(given(written(tmp_path / "s.jsonl", rows), schema))
    assert said in str(refusal.value)
    assert "s.jsonl" in str(refusal.value)


def test_one_slip_among_many_records_is_counted_and_said(tmp_path, caplog):
    rows = [GOOD] * 150 + [{"instruction": ["x"]}] + [GOOD] * 50
    path = written(tmp_path / "s.jsonl", rows)
    load(given(path, "wizardlm"), tmp_path / "s.parquet", tmp_path / "s.json", {"set": "set", "license": "MIT"})
    assert "line 151: not of the schema of set: the field 'instruction' must be a text, but is ['x']" in caplog.text
    assert json.loads((tmp_path / "s.json").read_text()) == {
        "set": "set", "license": "MIT", "records": 201, "left_out": {"wrong schema": 1}, "instructions": 200,
    }  # fmt: skip
    assert pq.read_table(tmp_path / "s.parquet")["row"].to_pylist() == [*range(150), *range(151, 201)]


def test_a_record_is_named_by_its_place_in_its_own_file(tmp_path, caplog):
    first, second = (tmp_path / name for name in ("a.jsonl", "b.jsonl"))
    written(first, [GOOD] * 200)
    written(second, [GOOD, {"prompt": "x"}, GOOD])
    rows = list(InstructionSet([first, second], "set", SCHEMAS["wizardlm"]))
    assert f"{second}, line 2: not of the schema of set" in caplog.text
    assert [row for row, _ in rows] == [*range(201), 202]


@pytest.mark.parametrize("path", sorted((ROOT / "resources/demo/exemplars").iterdir()), ids=lambda path: path.stem)
def test_the_demo_sets_are_of_the_schemas_that_they_show(path):
    assert len(list(given(path, path.stem))) >= 12


@needs_shared
@pytest.mark.parametrize(
    ("name", "schema", "rows"),
    [
        ("exemplars/alpaca_2500.json", "alpaca", 2500),
        ("exemplars/fastchat_dummy_conversation.json", "sharegpt", 500),
        ("exemplars/glaive_toolcall_en_demo.json", "sharegpt", 300),
        ("exemplars/alpaca_seed_tasks.jsonl", "plain", 175),
        ("exemplars/rag_instruct_public_sample.json", {"instruction": "example_question"}, 53),
    ],
)
def test_real_sets_load(name, schema, rows):
    found = given(SHARED / name, schema)
    assert len(list(found)) + sum(found.left_out.values()) == rows
    assert not found.left_out["wrong schema"]


def refused(path, schema):
    try:
        list(given(path, schema))
    except UserError as error:
        return str(path) in str(error)
    return False


@needs_shared
@pytest.mark.parametrize("schema", ["alpaca", "wizardlm", "sharegpt", "slimorca", "openorca", "lmsys"])
def test_benchmark_files_of_the_hub_are_not_taken_for_instruction_sets(schema):
    """openorca's only field, `question`, is also a benchmark's: such a file is its, by all that can be seen."""
    files = [path for path in (SHARED / "hub_samples").rglob("*.json*") if path.stat().st_size]
    assert len(files) > 20
    taken = [path for path in files if not refused(path, schema)]
    assert len(taken) <= (6 if schema == "openorca" else 0), taken
