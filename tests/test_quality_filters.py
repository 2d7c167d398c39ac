"""The checks of the whole data set."""

import json

import numpy as np
import pytest
from made import pair, row

from rag_instruct.dataset.quality_filters import QUALITY_FILTERS, EmbeddedRows, apply_filters
from rag_instruct.errors import UserError
from rag_instruct.overlap import contamination_index
from rag_instruct.record_files import write_records
from rag_instruct.retrieval.queries import digest_of, save_by_query

QUESTIONS = {
    "danube": "Into which sea does the river Danube flow after it has passed its wide delta?",
    "danube2": "Into which sea does the river Danube flow after it has passed its delta?",
    "rhine": "Where in the Alps does the river Rhine rise, and which lake does it pass first?",
    "german": "In welches Meer fließt die Donau, nachdem sie ihr breites Delta durchquert hat?",
    "short": "Why?",
}
ANSWERS = {"german": "Die Donau fließt nach dem Delta in das Schwarze Meer, das zwischen Europa und Asien liegt."}


def material(names=QUESTIONS, vectors=None):
    rows = [row(n, question=QUESTIONS[n], answer=ANSWERS.get(n, "It is the Black Sea, as maps show.")) for n in names]
    return EmbeddedRows(rows, np.eye(len(rows), dtype=np.float32) if vectors is None else np.array(vectors, np.float32))


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
    assert QUALITY_FILTERS[quality_filter][0](material(), setting) == stopped


def test_the_first_of_similar_questions_stays(monkeypatch):
    vectors = [[1, 0], [5, 0.1], [0, 1], [0, 9], [1, 1]]
    expected = {"danube2": "as danube, cosine 1.000", "german": "as rhine, cosine 1.000"}
    assert QUALITY_FILTERS["similar_questions"][0](material(vectors=vectors), 0.99) == expected
    monkeypatch.setattr("rag_instruct.dataset.quality_filters.BLOCK", 2)
    assert QUALITY_FILTERS["similar_questions"][0](material(vectors=vectors), 0.99) == expected, "whatever the blocks"


@pytest.mark.parametrize("many", [0, 1 / 64, 2])  # whole products always, where they are cheaper, never
@pytest.mark.parametrize("threshold", [0.3, 0.8, 0.95, 1.0])
def test_similar_questions_are_those_that_a_plain_comparison_finds(threshold, many, monkeypatch):
    monkeypatch.setattr("rag_instruct.dataset.quality_filters.MANY", many)
    random = np.random.default_rng(0)
    vectors = random.standard_normal((30, 200)).astype(np.float32).repeat(10, axis=0)
    vectors += random.uniform(0, 1, (300, 1)) * random.standard_normal(vectors.shape)
    vectors[7::50] = vectors[3]
    rows = [row(f"q{n}", question=f"Question {n}?") for n in range(len(vectors))]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kept, expected = [], set()
    for place, likeness in enumerate(unit @ unit.T):
        alike = any(likeness[other] >= threshold - 1e-6 for other in kept)
        (expected.add(f"q{place}") if alike else kept.append(place))
    found = QUALITY_FILTERS["similar_questions"][0](EmbeddedRows(rows, vectors), threshold - 1e-6)
    assert set(found) == expected
    assert expected


def test_a_benchmarks_questions_are_kept_out(tmp_path):
    asked = {"a": "Into which sea does the river Danube flow?", "b": "Why?"}
    for name, question in asked.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"question": question}) + "\n")
    stopped = QUALITY_FILTERS["overlaps"][0](material(), contamination_index(sorted(tmp_path.iterdir())))
    assert stopped == {**dict.fromkeys(["danube", "danube2"], f"a: {asked['a']}"), "short": "b: Why?"}


@pytest.mark.parametrize("options", ["", "A. The Sleeper\nB. The War of the Worlds\n"])
def test_a_benchmarks_question_that_begins_with_initials_or_options_is_kept_out(tmp_path, options):
    asked = "H. G. Wells wrote which novel about an invasion of Martians in England?"
    (tmp_path / "b.jsonl").write_text(json.dumps({"question": asked}) + "\n")
    rows = EmbeddedRows([row("wells", question=options + asked)], np.empty((1, 0), np.float32))
    assert QUALITY_FILTERS["overlaps"][0](rows, contamination_index([tmp_path / "b.jsonl"])) == {"wells": f"b: {asked}"}


def test_filters_run_in_order_on_what_is_left_and_count():
    settings = {"language": "en", "question_words": [3, 250], "near_duplicates": 0.8, "similar_questions": False}
    stopped, counts = apply_filters(material(), settings)
    assert [(row.id, row.reason) for row in stopped] == [
        ("german", "another language"), ("short", "question length"), ("danube2", "near duplicate"),
    ]  # fmt: skip
    assert counts == {
        "language": {"kept": 4, "dropped": 1},
        "question_words": {"kept": 3, "dropped": 1},
        "near_duplicates": {"kept": 2, "dropped": 1},
    }


def test_vectors_are_found_by_the_pairs_ids(tmp_path):
    """A row's vector is its pair's, whatever pairs became no rows; vectors of other pairs are refused."""
    pairs = [pair(n) for n in range(4)]
    write_records(tmp_path / "pairs.jsonl", pairs)
    write_records(tmp_path / "rows.jsonl", [row("p3"), row("p1")])
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    files = [tmp_path / "rows.jsonl"], [tmp_path / "pairs.jsonl"], [tmp_path / "queries.npy"]
    save_by_query(tmp_path / "queries.npy", vectors, digest_of([one.id for one in pairs]))
    assert EmbeddedRows.read(*files).vectors.tolist() == [[6, 7], [2, 3]]
    save_by_query(tmp_path / "queries.npy", vectors, digest_of(["p1", "p0", "p2", "p3"]))
    with pytest.raises(UserError, match=r"queries\.npy was made for other queries: their ids or their order differ"):
        EmbeddedRows.read(*files)
    save_by_query(tmp_path / "queries.npy", vectors[:3], digest_of(["p0", "p1", "p2"]))
    with pytest.raises(UserError, match=r"queries\.npy was made for 3 queries, but there are 4"):
        EmbeddedRows.read(*files)
    np.save(tmp_path / "queries.npy", vectors)  # of an older version, which wrote no digest
    write_records(tmp_path / "rows.jsonl", [row("q")])
    with pytest.raises(UserError, match="1 rows, such as 'q', have no pair in "):
        EmbeddedRows.read(*files)
