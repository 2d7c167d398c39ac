"""Drawing from the sets, and the cleaning on the way."""

import hashlib
import json
import os
import random
import re

import forked
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, SHARED, needs_shared
from made import exemplar

from rag_instruct import near_duplicates
from rag_instruct.errors import UserError
from rag_instruct.exemplars import drawing
from rag_instruct.exemplars.drawing import Cleaning, draw, in_drawing_order
from rag_instruct.exemplars.funnel import funnel, report
from rag_instruct.exemplars.heuristic import filter_by_heuristic
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet, load
from rag_instruct.files import read_jsonl
from rag_instruct.near_duplicates import NearDuplicates, bands, shingles
from rag_instruct.overlap import ContaminationIndex, contamination_index, questions_of
from rag_instruct.schema import Exemplar

WORDS = [
    "river",
    "mountain",
    "copper",
    "treaty",
    "engine",
    "orbit",
    "harvest",
    "parliament",
    "enzyme",
    "glacier",
    "trade",
    "sonata",
    "vaccine",
    "empire",
]
FREE = {"characters": (1, 10_000), "language": None, "threshold": None}


def table(folder, name, instructions, first=0):
    path = folder / f"{name}.parquet"
    rows = [{"row": first + n, "instruction": text} for n, text in enumerate(instructions)]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
    return path, "CC0-1.0"


def invented(count, seed=1):
    drawn = random.Random(seed)
    return [f"What is {n} to {' '.join(drawn.choices(WORDS, k=9))}?" for n in range(count)]


def ids(drawn, source=None):
    return [one.id for one in drawn.exemplars if source in (None, one.source)]


def test_an_exemplar_says_where_it_is_from(tmp_path):
    path, licence = table(tmp_path, "a", ["What is a fjord?"], first=41)
    (found,) = draw({"a": (path, licence, 5)}, "1", Cleaning(**FREE)).exemplars
    assert found == Exemplar(id="a:41", source="a", row=41, license="CC0-1.0", instruction="What is a fjord?")


def test_picks_stay_when_more_are_drawn_a_set_is_added_and_blocks_differ(tmp_path):
    a, b = table(tmp_path, "a", invented(100)), table(tmp_path, "b", invented(100)[50:] + invented(50, 2))
    small = draw({"a": (*a, 20)}, "1", Cleaning(**FREE))
    large = draw({"a": (*a, 60)}, "1", Cleaning(**FREE))
    both = draw({"a": (*a, 20), "b": (*b, 30)}, "1", Cleaning(**FREE))
    assert ids(large)[:20] == ids(small) == ids(both, "a")
    assert ids(draw({"a": (*a, 20)}, "2", Cleaning(**FREE))) != ids(small)
    whole = [one.id for one in in_drawing_order(*a[:1], "a", "", "1", block=1000)]
    assert [one.id for one in in_drawing_order(*a[:1], "a", "", "1", block=3)] == whole
    assert whole != sorted(whole)
    assert len(set(whole)) == 100


def test_a_set_of_which_most_are_dropped_is_read_a_few_times(tmp_path, monkeypatch):
    path, _ = table(tmp_path, "a", invented(200))
    blocks = []
    texts = drawing._texts
    monkeypatch.setattr(drawing, "_texts", lambda table, places: blocks.append(len(places)) or texts(table, places))
    monkeypatch.setattr(drawing, "MOST_BLOCK", 40)
    assert len(list(in_drawing_order(path, "a", "", "1", block=3))) == 200
    assert blocks == [3, 6, 12, 24, 40, 40, 40, 35]
    blocks.clear()
    list(in_drawing_order(path, "a", "", "1", block=90))
    assert blocks == [90, 90, 20], "as many as are wanted"


def test_each_drop_has_its_reason_and_the_numbers_add_up(tmp_path):
    question = "Into which sea does the river Danube flow after it has passed its wide delta?"
    texts = ["Why?", "x" * 60, "What is a fjord?", "what IS a fjord", "Wo entspringt die Donau, und in welches Meer fließt sie?",
             "Tell me at which temperature does pure water boil on the summit of Mount Everest please", question]  # fmt: skip
    a = table(tmp_path, "a", texts)
    b = table(tmp_path, "b", [question.replace("wide ", ""), "Which metal is liquid at room temperature?"])
    questions = ContaminationIndex(
        {"quiz": ["At which temperature does pure water boil on the summit of Mount Everest?"]}
    )
    drawn = draw({"a": (*a, 9), "b": (*b, 1)}, "1", Cleaning((5, 90), "en", 0.8, questions))
    why = {one.id: (one.reason, one.detail) for one in drawn.dropped}
    assert why.pop("a:0") == ("too short", "4 characters")
    assert why.pop("a:4") == ("another language", "de")
    assert why.pop("a:5") == ("in a benchmark", "quiz: At which temperature does pure water boil on the summit of Mount Everest?")  # fmt: skip
    assert why in (
        {"a:2": ("repeated", "as a:3"), "b:0": ("near duplicate", "as a:6")},
        {"a:3": ("repeated", "as a:2"), "b:0": ("near duplicate", "as a:6")},
        {"a:3": ("repeated", "as a:2")},
        {"a:2": ("repeated", "as a:3")},
    )
    assert len(ids(drawn, "b")) == 1
    for counts in drawn.counts.values():
        assert counts["instructions"] == counts["not looked at"] + sum(counts["dropped"].values()) + counts["drawn"]
    assert drawn.counts["a"]["drawn"] == 3 < drawn.counts["a"]["wanted"]


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95, 1.0])
def test_near_duplicates_are_those_that_brute_force_finds(threshold):
    drawn = random.Random(3)
    texts = []
    for _ in range(80):
        words = drawn.choices([f"w{n}" for n in range(400)], k=30)
        for changes in (0, 0, 1, 4, 9):
            changed = list(words)
            for place in drawn.sample(range(30), changes):
                changed[place] = f"x{drawn.randrange(400)}"
            texts.append(" ".join(changed))
    known, sets, kept = NearDuplicates(threshold), [shingles(text) for text in texts], []
    for number, text in enumerate(texts):
        alike = [n for n in kept if len(sets[n] & sets[number]) / len(sets[n] | sets[number]) >= threshold]
        assert known.find_or_add(str(number), text) == (str(alike[0]) if alike else None)
        kept += [] if alike else [number]
    assert 80 <= len(kept) <= 320
    assert bands(threshold) in (1, 16, 64, 32)


def test_each_text_is_taken_apart_once_however_many_it_is_compared_with(monkeypatch):
    """Ten texts share nine of their ten to twenty word pairs: MinHash finds them all, and they are compared."""
    taken = []
    monkeypatch.setattr(near_duplicates, "shingles", lambda text: taken.append(text) or shingles(text))
    begin = " ".join(f"w{number}" for number in range(10))
    texts = [begin + "".join(f" x{n}y{m}" for m in range(n + 1)) for n in range(10)]
    known = NearDuplicates(0.9)
    assert [known.find_or_add(str(n), text) for n, text in enumerate([*texts, *texts])] == [None] * 10 + [
        str(n) for n in range(10)
    ]
    assert taken == [*texts, *texts]


def test_instructions_that_solve_an_example_first_are_dropped():
    few_shot = exemplar("s:1", "Q: Where is Rome?\nA: In Italy.\n\nQ: Where is Oslo?\nA:")
    assert Cleaning((1, 500)).fault(few_shot).reason == "worked examples"
    assert Cleaning((1, 500), worked_examples=False).fault(few_shot) is None


def test_texts_without_words_are_no_duplicates():
    known = NearDuplicates(0.8)
    assert [known.find_or_add(str(n), text) for n, text in enumerate(["???", "!!!", "", "a", "a"])] == [None] * 4 + [
        "3"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Who wrote the opera Fidelio?", True),
        ("My teacher asks: who wrote the opera “FIDELIO”, and when?", True),
        ("Who wrote the opera Aida?", False),
        ("What is law?", True),
        ("What is law good for?", False),
        ("Name the longest river that flows through more than three capitals in the east of Europe, and its length", True),
        ("Is it the longest river that flows through more than three capitals in the west of Europe?", False),
        ("", False),
    ],
)  # fmt: skip
def test_questions_of_benchmarks_by_thirteen_words_or_as_a_whole(text, found):
    long = "Which is the longest river that flows through more than three capitals in the east of Europe?"
    questions = ContaminationIndex({"quiz": ["Who wrote the opera Fidelio?", "What is law?", long, "?"]})
    assert bool(questions.found(text)) == found


def test_questions_are_taken_once_from_fields_and_conversations(tmp_path):
    turns = [{"talk": {"asked": ["How much?", "And before?"]}}, {"talk": {"asked": ["How much?"]}}]
    (tmp_path / "b.json").write_text(json.dumps(turns))
    assert questions_of([tmp_path / "b.json"], "talk.asked") == ["How much?", "And before?"]
    for field, said in (
        ("talk.said", "b.json, line 1, record 1: no 'said', it has asked"),
        ("talk", "no text, but {'asked'"),
    ):
        with pytest.raises(UserError) as refusal:
            questions_of([tmp_path / "b.json"], field)
        assert said in str(refusal.value)
    (tmp_path / "c.json").write_text("[]")
    with pytest.raises(UserError, match=r"c\.json: no question in it"):
        questions_of([tmp_path / "c.json"], "q")


def test_the_funnel_adds_up_from_records_to_kept_and_is_shown(tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"question": text}) + "\n" for text in [*invented(40), " "]))
    described = {"set": "a", "license": "MIT", "hub": "me/a", "commit": "c0ffee"}
    load(
        InstructionSet([tmp_path / "a.jsonl"], "a", SCHEMAS["plain"]),
        tmp_path / "a.parquet",
        tmp_path / "a.json",
        described,
    )
    drawn = draw({"a": (tmp_path / "a.parquet", "MIT", 30)}, "1", Cleaning((1, 500), "en", 0.8))
    kept, dropped = filter_by_heuristic(drawn.exemplars)
    found = funnel([json.loads((tmp_path / "a.json").read_text())], drawn.counts, kept, dropped)
    assert (found["a"]["records"], found["a"]["left out"], found["a"]["drawn"]) == (41, {"empty instruction": 1}, 30)
    assert found["a"]["from"] == "me/a@c0ffee"
    text = report(
        "mine", "heuristic", found, {"Kept": kept, "Filtered out": dropped, "Cleaned out": drawn.dropped}, "1"
    )
    assert re.search(r"\| \*\*records\*\* +\| +41 \|", text)
    assert re.search(r"\| left out: empty instruction +\| +1 \|", text)
    assert sum(text.count(f"`{one.id}`") for one in kept) == 20 < len(kept), "a sample"
    with pytest.raises(UserError, match="a: the counts do not add up"):
        funnel([json.loads((tmp_path / "a.json").read_text())], drawn.counts, kept[1:], dropped)


REAL = {"alpaca": ("alpaca_2500.json", "alpaca"), "dummy": ("fastchat_dummy_conversation.json", "sharegpt"),
        "glaive": ("glaive_toolcall_en_demo.json", "sharegpt"), "seed": ("alpaca_seed_tasks.jsonl", "plain")}  # fmt: skip


@needs_shared
def test_the_pool_of_real_sets_is_the_same_everywhere(tmp_path):
    """Its sum is that of the machine on which the test was written: no other may give another pool."""
    sets = {}
    for name, (file, schema) in REAL.items():
        source = InstructionSet([SHARED / "exemplars" / file], name, SCHEMAS[schema])
        load(source, tmp_path / f"{name}.parquet", tmp_path / f"{name}.json", {"set": name, "license": "x"})
        sets[name] = (tmp_path / f"{name}.parquet", "x", 2000)
    quiz = tmp_path / "webquestions.jsonl"
    asked = questions_of([SHARED / "benchmarks/webquestions_val.json"], "qText")
    quiz.write_text("".join(json.dumps({"question": text}) + "\n" for text in asked))
    drawn = draw(sets, "1", Cleaning((12, 1500), "en", 0.8, contamination_index([quiz])))
    summary = {name: (counts["drawn"], counts["dropped"]) for name, counts in drawn.counts.items()}
    assert summary["dummy"][1].keys() == {"near duplicate", "repeated", "too short"}
    assert summary["glaive"][1].keys() == {"near duplicate", "repeated", "too long"}
    total = hashlib.sha256("\n".join(ids(drawn)).encode()).hexdigest()[:16]
    assert summary == {
        "alpaca": (2000, {}),
        "dummy": (48, {"near duplicate": 3, "repeated": 282, "too short": 167}),
        "glaive": (190, {"near duplicate": 7, "repeated": 101, "too long": 2}),
        "seed": (175, {}),
    }
    assert total == "edb4faf4d50f0feb"


@pytest.mark.slow
@needs_shared
def test_the_commands_give_the_same_bytes_twice(tmp_path):
    def command(*given):
        ran = forked.run(*given, ROOT, {**os.environ, **seed})
        assert ran.returncode == 0, ran.stdout

    def run(folder):
        folder.mkdir()
        for name, (file, schema) in REAL.items():
            arguments = [SHARED / "exemplars" / file, "--name", name, "--schema", schema, "--license", "x"]
            outputs = ["--output", folder / f"{name}.parquet", "--summary", folder / f"{name}.json"]
            command("scripts.load_exemplars", arguments + outputs)
        tables, summaries = ([str(folder / f"{name}.{ending}") for name in REAL] for ending in ("parquet", "json"))
        cleaning = '{"language": "en", "characters": [12, 1500], "near_duplicates": 0.8, "worked_examples": true}'
        more = ["--summaries", *summaries, "--counts", *["300"] * 4, "--seed", "1", "--cleaning", cleaning]
        outputs = ["--output", folder / "drawn", "--dropped", folder / "dropped", "--drawn-counts", folder / "counts"]
        command("scripts.draw_exemplars", [*tables, *more, *outputs])
        return [(folder / name).read_bytes() for name in ("drawn", "dropped", "counts")]

    seed = {}
    first = run(tmp_path / "one")
    seed = {"PYTHONHASHSEED": "1"}  # in fresh interpreters
    assert first == run(tmp_path / "two")
    assert len(list(read_jsonl(tmp_path / "one/drawn"))) > 700
