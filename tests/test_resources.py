"""The demo's inputs are what the README says."""

import csv
import json
import re

from conftest import ROOT

DEMO = ROOT / "resources/demo"


def passages():
    with (DEMO / "passages.tsv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_passages():
    rows = passages()
    assert [row["id"] for row in rows] == [str(n) for n in range(1, 241)]
    assert all(60 <= len(row["text"].split()) <= 100 for row in rows)
    titles = {row["title"] for row in rows}
    assert len(titles) == 60
    sentences = [sentence for row in rows for sentence in re.split(r"(?<=[.!?]) +(?=[A-Z])", row["text"])]
    assert len(sentences) == len(set(sentences))
    linked = {t for t in titles if any(t.lower() in row["text"].lower() for row in rows if row["title"] != t)}
    assert len(linked) >= 50, "multi-document questions need articles that name each other"


def test_held_out_questions_are_answered_by_their_passages():
    texts = {row["id"]: row["text"] for row in passages()}
    questions = [json.loads(line) for line in (DEMO / "questions.jsonl").open(encoding="utf-8")]
    assert len(questions) >= 60
    assert {q["kind"] for q in questions} == {"open", "closed", "multi_hop", "own_context"}
    assert len({q["id"] for q in questions}) == len({q["question"] for q in questions}) == len(questions)
    for q in questions:
        assert bool(q["context"]) == (q["kind"] == "own_context")
        assert all(gold in texts for gold in q["gold_passage_ids"])
        if q["kind"] in ("open", "multi_hop"):
            told = " ".join(texts[gold] for gold in q["gold_passage_ids"]).lower()
            assert any(answer.lower() in told for answer in q["answers"]), q["id"]
        if q["choices"]:
            assert q["answers"][0] in q["choices"]
