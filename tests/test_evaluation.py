"""Scores to tables, page and export: every number that a reader sees, checked against hand-made answers."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from browsing import opened
from conftest import ROOT

from rag_instruct.benchmarks import Benchmark, names
from rag_instruct.benchmarks.settings import evaluated
from rag_instruct.errors import UserError
from rag_instruct.evaluation.lm_eval_format import export
from rag_instruct.evaluation.page import SAMPLED, drawn, page, plot, samples
from rag_instruct.evaluation.results import Cell, Evaluation
from rag_instruct.evaluation.scored import scored
from rag_instruct.evaluation.summary import Answers, published, summary
from rag_instruct.evaluation.tables import every_score, retrieval
from rag_instruct.evaluation.tables import page as markdown
from rag_instruct.files import write_jsonl
from rag_instruct.record_files import write_records
from rag_instruct.schema import Question

N = 40
NASTY = '<script>alert("x")</script> | a **pipe**'
DESCRIBED = {
    "dataset": "set",
    "models": {
        "base": {"label": "Base", "model": "m"},
        "tuned": {"label": "Tuned", "recipe": "r", "base": "base"},
    },
    "benchmarks": {
        "popqa": {"label": "PQA", "kind": "open", "metric": "accuracy", "schema": "popqa"},
        "arc": {"label": "ARC", "kind": "choice", "metric": "exact_match", "schema": "arc"},
    },
    "asked": {"documents": 10, "decoding": "greedy", "max_new_tokens": 500},
}
RIGHT = {("base", "closed_book"): 10, ("base", "with_documents"): 20, ("tuned", "with_documents"): 30}


def exact(question, output):
    hit = float(output == question.answers[0])
    return {"accuracy": hit, "exact_match": hit, "f1": hit}


def generous(question, output):
    """Right for the right ones, and for output number 39 of whoever."""
    return float(output == question.answers[0] or output.endswith(" 39"))


RULES = Benchmark("made_up", "Made up", "open", "accuracy", 0, questions=None, score=exact, paper_score=generous)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return evaluation_in(tmp_path_factory.mktemp("results"))


def evaluation_in(results):
    """An evaluation of two models on two benchmarks: the folder of results, and what the scripts hand on."""
    scores, outputs, questions, documents = [], [], [], []
    for name in DESCRIBED["benchmarks"]:
        asked = [
            Question(
                f"{name}-{n}", f"{NASTY if n == 0 else 'What is'} number {n}?", (f"gold {n}",), gold_titles=("T1",)
            )
            for n in range(N)
        ]
        questions.append(results / f"benchmarks/{name}/questions.jsonl")
        write_records(questions[-1], asked)
        place = results / "set/evaluation" / name
        documents.append(place / "documents.jsonl")
        passages = [{"id": f"p{n}", "rank": n + 1, "score": 0.5} for n in range(2)]
        rows = ({"id": q.id, "documents": ["T0\nnone", "T1\nfact"], "passages": passages} for q in asked)
        write_jsonl(documents[-1], rows)
        for (model, given), right in RIGHT.items():
            said = [
                {
                    "id": q.id,
                    "output": f"gold {n}" if n < right else f"wrong {NASTY if n == 38 else n}",
                    "finish_reason": "length" if n == 39 else "stop",
                    "documents": 2 if given == "with_documents" else 0,
                    "left_out": int(given == "with_documents" and n == 39),
                }
                for n, q in enumerate(asked)
            ]
            outputs.append(place / given / f"{model}.outputs.jsonl")
            write_jsonl(outputs[-1], said)
            scores.append(place / given / f"{model}.scores.jsonl")
            write_jsonl(scores[-1], scored(asked, outputs[-1], RULES))
    evaluation, answers = Evaluation(scores, DESCRIBED), Answers(outputs, questions)
    disagreements = list(answers.joined(evaluation.disputed()))
    others = published(ROOT / "resources/evaluation/published_scores.yaml", DESCRIBED["benchmarks"])
    recall = {"questions": N, "recall": {1: 0.25, 2: 1.0}, "questions_with_free_answers": 0, "answer_in_documents": {}}
    made = summary(evaluation, DESCRIBED, {"popqa": recall}, disagreements, others)
    return results, evaluation, answers, documents, json.loads(json.dumps(made)), disagreements


def test_scores_intervals_and_counts(built):
    made = built[4]
    found = {(r["benchmark"], r["model"], r["given"]): r for r in made["results"]}
    assert len(found) == 6
    tuned = found["popqa", "tuned", "with_documents"]
    assert tuned["scores"]["accuracy"]["value"] == 75
    assert 55 < tuned["scores"]["accuracy"]["low"] < 70 < 80 < tuned["scores"]["accuracy"]["high"] < 90
    assert tuned["scores"]["paper"]["value"] == 77.5
    assert (tuned["n"], tuned["failed"], tuned["cut_off"], tuned["documents_left_out"]) == (N, 0, 1, 1)
    assert tuned["scores"]["accuracy"]["stderr"] == pytest.approx(100 * (0.75 * 0.25 / 39) ** 0.5, abs=0.01)


def test_gains_are_paired_and_go_the_right_way(built):
    gains = {(g["kind"], g["benchmark"]): g for g in built[4]["gains"]}
    assert len(built[4]["gains"]) == 4
    assert gains["documents", "popqa"]["before"] == {"model": "base", "given": "closed_book"}
    assert gains["documents", "popqa"]["value"] == 25
    assert gains["training", "arc"]["value"] == 25
    for gain in gains.values():
        assert 0 < gain["low"] < 25 < gain["high"]
        assert 0 <= gain["p"] < 0.01


def test_disagreements_are_all_there_with_what_was_said(built):
    disagreements = built[5]
    assert {row["id"] for row in disagreements} == {"popqa-39", "arc-39"}
    assert len(disagreements) == 6
    assert {(row["ours"], row["paper"], row["output"], row["answers"][0]) for row in disagreements} == {
        (0.0, 1.0, "wrong 39", "gold 39")
    }


def test_outputs_of_other_questions_are_refused_with_their_file(tmp_path):
    path = tmp_path / "m.outputs.jsonl"
    write_jsonl(path, [{"id": "other", "output": ""}])
    said = f"{path}: the ids of the 1 rows do not match those of the 1 questions: delete this file"
    with pytest.raises(UserError, match=re.escape(said)):
        list(scored([Question("q", "What?", ("x",))], path, RULES))


def test_the_markdown_says_what_the_json_says(built):
    text = markdown(built[4])
    rows = [re.split(r" +\| +", line.strip("| ")) for line in text.splitlines() if line.startswith("|")]
    assert ["model", "given", "rule", "PQA acc, n = 40", "ARC EM, n = 40"] in rows
    assert any(row[:3] == ["Tuned", "documents", "ours"] and row[3].startswith("75.0 (") for row in rows)
    assert any(row[:3] == ["Tuned", "documents", "paper's"] and row[3].startswith("77.5 (") for row in rows)
    assert ["Llama3.1-8B + RAG-Instruct (published)", "documents", "paper's", "68.4", "79.9"] in rows
    assert any(row[:4] == ["PQA", "Tuned", "documents", "+25.0"] for row in rows)
    assert ["benchmark", "recall@1", "recall@2"] in rows
    assert ["PQA", "25.0", "100.0"] in rows
    assert "6 of 240 outputs" in text
    head, rule, *_ = (line for line in text.splitlines() if line.startswith("|"))
    assert len(head) == len(rule), "columns stand in line"


def test_cells_with_pipes_stay_one_cell(built):
    made = json.loads(json.dumps(built[4]))
    made["disagreements"] = {"count": 1, "first": [{**built[5][0], "output": "a | b"}]}
    assert "a \\| b" in markdown(made)


def test_the_csv_has_a_line_a_score(built):
    lines = every_score(built[4]).to_csv(index=False).splitlines()
    assert lines[0] == "benchmark,model,given,rule,score,low,high,n,published"
    assert len(lines) == 1 + 6 * 4 + 4 * 2
    assert "popqa,Llama3.2-3B,with_documents,paper,61.8,,,,yes" in lines


def test_published_rows_are_the_papers():
    path = ROOT / "resources/evaluation/published_scores.yaml"
    rows = published(path, {name: {"schema": name} for name in names()})
    assert [len(row["scores"]) for row in rows] == [11] * 4
    assert sum(rows[3]["scores"].values()) == pytest.approx(760.1)


def test_published_rows_are_not_those_of_other_sets_with_the_benchmarks_name():
    sets = {"popqa": {"schema": "own"}, "mine": {"schema": "popqa"}, "arc": {}}
    asked = {"models": [], "benchmarks": list(sets), "documents": 1, "decoding": "greedy", "max_new_tokens": 5}
    how = evaluated({"datasets": {"set": {"evaluation": asked}}, "benchmarks": sets, "models": {}}, "set")
    rows = published(ROOT / "resources/evaluation/published_scores.yaml", how["benchmarks"])
    assert [list(row["scores"]) for row in rows] == [["arc"]] * 4


def test_two_benchmarks_with_one_label_keep_their_rows(built):
    made = json.loads(json.dumps(built[4]))
    made["benchmarks"]["arc"]["label"] = made["benchmarks"]["popqa"]["label"]
    made["retrieval"]["arc"] = {**made["retrieval"]["popqa"], "recall": {"1": 0.5}}
    assert retrieval(made).to_numpy().tolist() == [["PQA", "25.0", "100.0"], ["PQA", "50.0", None]]
    assert [[mark["benchmark"] for mark in marks] for _, marks in plot(made, "documents")["rows"]] == [
        ["popqa"],
        ["arc"],
    ]


class Page(HTMLParser):
    """The tags and the addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]


@pytest.fixture(scope="module")
def html(built):
    _, evaluation, answers, documents, made, _ = built
    shown = list(samples(made, evaluation, answers, documents))
    return page(made, shown, ROOT / "resources/evaluation/page.html")


def test_the_page_is_whole_static_and_escapes_what_models_say(html):
    read = Page(html)
    assert read.tags.count("script") == 1, "an output's markup is text"
    assert "&lt;script&gt;alert" in html
    assert read.addresses == []
    assert "http" not in html.replace("http-equiv", "")
    assert read.tags.count("article") == 2 * SAMPLED
    assert read.tags.count("svg") == 4
    for words in ("75.0", "+25.0", "(published)", "What documents add", "What training adds", "gold 3"):
        assert words in html


def test_only_the_outputs_that_are_asked_for_stay_in_memory(built):
    _, evaluation, answers, _, _, _ = built
    cell, rows = next(iter(evaluation.rows.items()))
    wanted = [rows[3]["id"], rows[1]["id"]]
    assert sorted(answers.outputs(cell, wanted)) == sorted(wanted)


def test_samples_are_of_all_outcomes_and_the_same_each_time(built):
    _, evaluation, _, _, _, _ = built
    cells = [cell for cell in evaluation.rows if cell.benchmark == "popqa"]
    first = drawn(evaluation, cells)
    assert first == drawn(evaluation, cells)
    assert len(set(first)) == SAMPLED
    assert {("all" if n < 10 else "some" if n < 30 else "none") for n in first} == {"all", "some", "none"}


def test_plots_have_every_gain_in_its_place(built):
    made = plot(built[4], "documents")
    marks = [mark for _, marks in made["rows"] for mark in marks]
    assert len(marks) == 2
    for mark in marks:
        assert 0 <= mark["x"]["low"] < mark["x"]["value"] < mark["x"]["high"] <= 100
        assert made["zero"] < mark["x"]["low"]
    assert plot({**built[4], "gains": []}, "documents") is None


def test_export_has_lm_evals_fields(built, tmp_path):
    results, evaluation, _, _, made, _ = built
    folders = export(made, evaluation, results, tmp_path)
    assert {folder.name for folder in folders} == {"base_closed_book", "base_with_documents", "tuned_with_documents"}
    found = json.loads((tmp_path / "tuned_with_documents/results_set.json").read_text())
    assert found["results"]["popqa"]["acc,none"] == 0.75
    assert found["n-samples"]["arc"] == {"original": N, "effective": N}
    lines = (tmp_path / "tuned_with_documents/samples_popqa_set.jsonl").read_text().splitlines()
    sample = json.loads(lines[35])
    assert (sample["acc"], sample["filtered_resps"], sample["target"]) == (0.0, ["wrong 35"], "gold 35")
    assert "Document 2:\nT1\nfact" in sample["arguments"]["gen_args_0"]["arg_0"]
    closed = (tmp_path / "base_closed_book/samples_arc_set.jsonl").read_text().splitlines()
    assert "Document" not in closed[3]


def test_an_export_of_outputs_in_another_order_is_refused(built, tmp_path):
    shutil.copytree(built[0], tmp_path / "results")
    path = tmp_path / "results/set/evaluation/popqa/with_documents/tuned.outputs.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[1:], lines[0]]) + "\n")
    with pytest.raises(UserError, match=r"tuned\.outputs\.jsonl: the ids of the \d+ rows do not match"):
        export(built[4], built[1], tmp_path / "results", tmp_path)


def test_a_cell_is_known_by_its_place(tmp_path):
    assert Cell.of(tmp_path / "arc/closed_book/my_model.scores.jsonl") == Cell("arc", "closed_book", "my_model")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_drawn_without_errors_and_fits_the_screen(html, tmp_path, browser, width):
    """In a real browser: the filter's script has run, and nothing but the table scrolls sideways."""
    (tmp_path / "page.html").write_text(html)
    with opened(browser, tmp_path / "page.html", width) as page:
        shown = page.locator("article:not([hidden])").count()
        assert shown == 2 * SAMPLED
        assert page.get_by_text(f"{shown} shown", exact=True).count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
