import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, SHARED, needs_shared

from rag_instruct.errors import UserError
from rag_instruct.exemplars import draw, filter_by_rules, load

DEMO = sorted((ROOT / "resources/demo/exemplars").iterdir())


def loaded(path, schema):
    return list(load([path], "set", schema, "CC0-1.0"))


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("schema", "record", "instruction"),
    [
        ("sharegpt", {"id": "a", "conversations": [{"from": "gpt", "value": "no"}, {"from": "human", "value": " Yes? "}]}, "Yes?"),
        ("slimorca", {"conversations": [{"from": "system", "value": "be"}, {"from": "human", "value": "Q", "weight": 0}]}, "Q"),
        ("alpaca", {"instruction": "Sort", "input": "b, a", "output": "a, b"}, "Sort\nb, a"),
        ("alpaca", {"instruction": "Sort", "input": "", "output": "x"}, "Sort"),
        ("wizardlm", {"instruction": "Do", "output": "x"}, "Do"),
        ("lmsys", {"conversation": [{"role": "user", "content": "Hi there"}], "language": "English", "redacted": False}, "Hi there"),
        ("openorca", {"id": "1", "system_prompt": "", "question": "Q", "response": "A"}, "Q"),
        ("plain", {"question": "Q"}, "Q"),
    ],
)  # fmt: skip
def test_the_first_human_turn_of_each_schema(tmp_path, schema, record, instruction):
    (exemplar,) = loaded(written(tmp_path, "s.json", json.dumps([record])), schema)
    assert exemplar == {"id": "set:0", "source": "set", "row": 0, "license": "CC0-1.0", "instruction": instruction}


def test_parquet_gives_what_json_gives(tmp_path):
    record = {"conversation": [{"role": "user", "content": "Q"}], "language": "English", "redacted": False}
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "s.parquet")
    assert loaded(tmp_path / "s.parquet", "lmsys") == loaded(written(tmp_path, "s.jsonl", json.dumps(record)), "lmsys")


def test_rows_of_lmsys_that_nobody_wants_are_left_out(tmp_path):
    turn = {"conversation": [{"role": "user", "content": "Q"}], "language": "English", "redacted": False}
    rows = [
        turn,
        {**turn, "language": "German"},
        {**turn, "redacted": True},
        {**turn, "openai_moderation": [{"flagged": True}]},
    ]
    path = written(tmp_path, "s.jsonl", "\n".join(map(json.dumps, rows)))
    assert [exemplar["row"] for exemplar in loaded(path, "lmsys")] == [0]


@pytest.mark.parametrize(
    ("name", "content", "schema", "said"),
    [
        (
            "s.json",
            '[{"idx": 1, "conversations": []}]',
            "wizardlm",
            "record 1: not of the schema 'wizardlm': no 'instruction'",
        ),
        ("s.json", '[{"conversations": [{"role": "user"}]}]', "sharegpt", "a turn without 'from' and 'value'"),
        ("s.jsonl", '{"instruction": "ok"}\n["no"]\n', "plain", "record 2: not of the schema 'plain': not an object"),
        ("s.jsonl", '{"instruction": "ok"}\n{"instr\n', "plain", "line 2: not JSON"),
        ("s.json", '{"instruction": "ok"}', "plain", "a JSON array of records is needed, not dict"),
        ("s.json", "[]", "plain", "no record in it"),
        ("s.jsonl", "", "plain", "no record in it"),
        ("s.jsonl", b'{"instruction": "\xff"}\n', "plain", "not UTF-8"),
        ("s.parquet", "PAR", "lmsys", "not a readable Parquet file"),
    ],
)
def test_files_of_another_schema_are_refused(tmp_path, name, content, schema, said):
    with pytest.raises(UserError) as refusal:
        loaded(written(tmp_path, name, content), schema)
    assert said in str(refusal.value)
    assert name in str(refusal.value)


def test_a_larger_draw_keeps_the_picks_of_the_smaller():
    rows = [{"id": f"s:{n}", "instruction": f"Instruction {n % 90}"} for n in range(100)]
    small, large = draw(rows, 10, "1"), draw(rows, 50, "1")
    assert large[:10] == small
    assert len(draw(rows, 100, "1")) == 90, "the same instruction twice is drawn once"
    assert draw(rows, 10, "2") != small


def test_the_demo_exemplars_are_filtered_as_their_author_labelled_them():
    labels = {
        (row["set"], row["row"]): row["knowledge_intensive"]
        for row in map(json.loads, (ROOT / "tests/data/exemplar_labels.jsonl").open())
    }
    exemplars = [row for path in DEMO for row in load([path], path.stem, path.stem, "CC0-1.0")]
    kept, dropped = filter_by_rules(exemplars)
    right = sum(labels[row["source"], row["row"]] for row in kept) + sum(
        not labels[row["source"], row["row"]] for row in dropped
    )
    assert len(kept) >= 50
    assert len(dropped) >= 10
    assert right / len(exemplars) >= 0.95
    assert all(row["reason"] for row in dropped)


@needs_shared
@pytest.mark.parametrize(
    ("name", "schema", "rows"),
    [
        ("alpaca_2500.json", "alpaca", 2500),
        ("fastchat_dummy_conversation.json", "sharegpt", 500),
        ("glaive_toolcall_en_demo.json", "sharegpt", 300),
    ],
)
def test_real_sets_load(name, schema, rows):
    exemplars = loaded(SHARED / "exemplars" / name, schema)
    assert 0.9 * rows <= len(exemplars) <= rows
    kept, dropped = filter_by_rules(exemplars)
    assert kept
    assert dropped
