"""The checks of the whole data set."""

import json

import numpy as np
import pytest

from rag_instruct.dataset.quality_filters import QUALITY_FILTERS, Material, through
from rag_instruct.overlap import barred

QUESTIONS = {
    "danube": "Into which sea does the river Danube flow after it has passed its wide delta?",
    "danube2": "Into which sea does the river Danube flow after it has passed its delta?",
    "rhine": "Where in the Alps does the river Rhine rise, and which lake does it pass first?",
    "german": "In welches Meer fließt die Donau, nachdem sie ihr breites Delta durchquert hat?",
    "short": "Why?",
}
ANSWERS = {"german": "Die Donau fließt nach dem Delta in das Schwarze Meer, das zwischen Europa und Asien liegt."}


def material(names=QUESTIONS, vectors=None):
    rows = [
        {"id": n, "question": QUESTIONS[n], "answer": ANSWERS.get(n, "It is the Black Sea, as maps show.")}
        for n in names
    ]
    return Material(rows, np.eye(len(rows), dtype=np.float32) if vectors is None else np.array(vectors, np.float32))


@pytest.mark.parametrize(
    ("quality_filter", "setting", "stopped"),
    [
        ("language", "en", {"german": "de"}),
        ("question_words", [3, 250], {"short": "1 words"}),
        ("answer_words", [8, 9], {"german": "16 words"}),
        ("near_duplicates", 0.8, {"danube2": "as danube"}),
        ("near_duplicates", 0.99, {}),
    ],
)
def test_a_filter_stops_what_it_names(quality_filter, setting, stopped):
    assert QUALITY_FILTERS[quality_filter](material(), setting) == stopped


def test_the_first_of_similar_questions_stays(monkeypatch):
    vectors = [[1, 0], [5, 0.1], [0, 1], [0, 9], [1, 1]]
    expected = {"danube2": "as danube, cosine 1.000", "german": "as rhine, cosine 1.000"}
    assert QUALITY_FILTERS["similar_questions"](material(vectors=vectors), 0.99) == expected
    monkeypatch.setattr("rag_instruct.dataset.quality_filters.BLOCK", 2)
    assert QUALITY_FILTERS["similar_questions"](material(vectors=vectors), 0.99) == expected, "whatever the blocks"


def test_a_benchmarks_questions_are_kept_out(tmp_path):
    asked = {"a": "Into which sea does the river Danube flow?", "b": "Why?"}
    for name, question in asked.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"question": question}) + "\n")
    stopped = QUALITY_FILTERS["overlaps"](material(), barred(sorted(tmp_path.iterdir())))
    assert stopped == {**dict.fromkeys(["danube", "danube2"], f"a: {asked['a']}"), "short": "b: Why?"}


def test_filters_run_in_order_on_what_is_left_and_count():
    settings = {"language": "en", "question_words": [3, 250], "near_duplicates": 0.8, "similar_questions": False}
    stopped, counts = through(material(), settings)
    assert [(row["id"], row["reason"]) for row in stopped] == [
        ("german", "language"), ("short", "question words"), ("danube2", "near duplicates"),
    ]  # fmt: skip
    assert counts == {
        "language": {"kept": 4, "dropped": 1},
        "question_words": {"kept": 3, "dropped": 1},
        "near_duplicates": {"kept": 2, "dropped": 1},
    }
