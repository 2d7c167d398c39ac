"""The page about a data set: its numbers, its rows in a real browser, and what models say in them."""

import base64
import html
import json
import os
import re
import zlib
from contextlib import contextmanager
from types import SimpleNamespace

import forked
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import opened
from conftest import ROOT, plan
from made import row as made_row
from test_evaluation import evaluation_in

from performance.report import generate
from rag_instruct import cli
from rag_instruct.dataset.verdicts import matrix
from rag_instruct.files import read_jsonl, write_json
from rag_instruct.html import render
from rag_instruct.paradigms import PARADIGMS
from rag_instruct.plots import ticks
from rag_instruct.reasons import Reason, explain
from rag_instruct.record_files import read_records
from rag_instruct.report import figures
from rag_instruct.report import lengths as measured
from rag_instruct.report.beside import files_beside, state_beside, state_of_outputs
from rag_instruct.report.diversity import SIDE, diversity, flat_map, opening_words
from rag_instruct.report.lengths import ESTIMATED, lengths
from rag_instruct.report.rows import replies_of, shown
from rag_instruct.report.stage_times import stage_times
from rag_instruct.schema import Row, Verdict
from rag_instruct.tables import percent
from rag_instruct.training.loss_curve import draw_losses
from rag_instruct.training.recipe import Recipe

N = 120
LOSSES = [
    {"step": 1, "loss": 3.0},
    {"step": 1, "eval_loss": 2.5},
    {"step": 2, "loss": 2.0},
    {"step": 2, "eval_loss": 1.9},
]
VERDICTS = [
    Verdict("a", "useless_doc", "useless_doc"),
    Verdict("b", "useless_doc", "single_doc_answer", Reason.WRONG_PARADIGM),
    Verdict("c", "multi_doc_answer", "untested"),
]
HOSTILE = "</script><script>document.title = 'broken'</script><img src=x onerror=\"document.title='broken'\"> \u202e\x00\x1b[31m {{ 7 * 7 }} \ud83d &amp; مرحبا"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of N generated rows, the first of which is hostile in every text."""
    folder = tmp_path_factory.mktemp("report")
    command = generate(folder, N)
    counts = json.loads((folder / "counts.json").read_text())
    counts["paradigms"]["single_doc_answer"]["wanted"] += 3
    write_json(folder / "counts.json", counts | {"verification": matrix(VERDICTS)})
    write_json(folder / "generated/evaluation.json", evaluation_in(folder / "evaluated")[4])
    (folder / "generated/training").mkdir()
    draw_losses(LOSSES, "tiny", folder / "generated/training/tiny.svg")
    rows = list(read_jsonl(folder / "generated.jsonl"))
    rows[0] |= dict.fromkeys(("question", "answer", "exemplar"), HOSTILE)
    rows[0]["documents"] = [f"{HOSTILE}\n{HOSTILE}"] * 10
    rows[0]["links"] = [{"kind": "name", "naming": "1", "named": "2", "words": HOSTILE}]
    (folder / "generated.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_page(folder, command)
    rows = list(read_records(folder / "generated.jsonl", Row))
    return SimpleNamespace(folder=folder, page=folder / "report.html", rows=rows, command=command)


def write_page(folder, command):
    """By the graph's own command."""
    ran = forked.run(command[0], command[1:], ROOT, dict(os.environ))
    assert ran.returncode == 0, ran.stdout


@pytest.fixture
def at(made, browser):
    """Opens the report, at a hash, and waits until its rows are there."""

    @contextmanager
    def opening(hash="", width=1280, scheme="light"):
        with opened(browser, made.page, width, hash=hash, scheme=scheme) as page:
            page.wait_for_selector("body[data-ready-ms]", state="attached")
            yield page

    return opening


def unpacked(page, name):
    packed = re.search(f'id="{name}">([^<]*)<', page.read_text("utf-8"))[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


@pytest.mark.slow
def test_the_head_says_what_was_wanted_and_what_would_help(made):
    counts = json.loads((made.folder / "counts.json").read_text())
    head = html.unescape(
        re.sub(r"<[^>]+>", " ", made.page.read_text("utf-8").split('id="content"')[0].split("<main>")[1])
    )
    wanted = sum(one["wanted"] for one in counts["paradigms"].values())
    assert f"{N} of {wanted} wanted" in head
    assert f"Short of rows: single_doc_answer {counts['paradigms']['single_doc_answer']['rows']} of " in head
    for name, one in counts["paradigms"].items():
        assert re.search(rf"{name.replace('_', ' ')}\s+{one['wanted']}\s+{one['rows']}\s", head)


def found(page):
    return page.locator("#count").inner_text()


@pytest.mark.slow
def test_every_row_is_in_the_page_once_and_whole(made):
    index = unpacked(made.page, "index")
    assert index["id"] == [row.id for row in made.rows]
    assert index["question"] == [row.question for row in made.rows]
    for number, row in enumerate(made.rows):
        detail = unpacked(made.page, f"rows-{number // 32}")[number % 32]
        assert [f"{title}\n{text}" for title, text, *_ in detail["documents"]] == list(row.documents)
        assert [role for _, _, _, role, *_ in detail["documents"]] == [passage.role for passage in row.passages]
        assert unpacked(made.page, "exemplars-0")[detail["exemplar"]] == row.exemplar
        if number:
            text = detail["replies"][0]["text"].replace("\ue001", row.question).replace("\ue000", row.answer)
            assert json.loads(text) == {"question": row.question, "answer": row.answer}


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(made):
    again = made.folder / "again.html"
    write_page(made.folder, [*made.command[:-1], f"--output={again}"])
    assert again.read_bytes() == made.page.read_bytes()


@pytest.mark.slow
def test_it_needs_nothing_beside_itself(made):
    text = made.page.read_text("utf-8")
    assert not re.findall(r'(?:src|href)="(?!#|data:|evaluation\.html)[^"]+"', text)
    assert not re.findall(r"https?://|@import|url\(", text)


def test_search_filters_and_their_address(made, at):
    with at() as page:
        assert found(page) == f"{N} of {N} rows"
        page.fill("#q", made.rows[5].question.split(" ", 4)[4][:30])
        assert found(page) == f"1 of {N} rows"
        assert page.locator("#list mark").count() > 0
        page.fill("#q", "zzzz")
        assert found(page) == f"0 of {N} rows"
        page.click("#clear")
        page.select_option("#paradigm", "multi_doc_answer")
        assert found(page) == f"{N // 5} of {N} rows"
        assert "#paradigm=multi_doc_answer" in page.url
        page.reload()
        page.wait_for_selector("body[data-ready-ms]", state="attached")
        assert found(page) == f"{N // 5} of {N} rows"
    begins = sum(row.question.startswith("Which of") for row in made.rows)
    with at("#q=%5Ewhich+of") as page:
        assert found(page) == f"{begins} of {N} rows"


def test_verification_curve_and_evaluation_are_shown_where_there_are_any(made, at):
    with at() as page:
        verification = page.locator("table:has(th:text-is('written for')) tr").nth(1)
        assert "1 of 2" in verification.inner_text()
        assert page.evaluate("document.querySelector('img.curve').naturalWidth") > 0
        table = page.locator("table:has(th:text-is('model'))").inner_text()
        for said in ("PQA acc, n = 40", "50.0 (35.0-65.0)", "(published)"):
            assert said in table
    assert "Not tested (<code>verification</code>" not in made.page.read_text("utf-8")


@pytest.mark.parametrize("reached", ["pointer", "keyboard", "finger"])
def test_every_reason_says_what_it_means_and_what_to_change(made, browser, reached):
    """Without a mouse too; Escape hides it, and the page does not jump."""
    with opened(browser, made.page, 360, touch=reached == "finger") as page:
        reasons = page.locator("#funnel ~ .columns .why")
        assert reasons.count() == 5, "three of exemplars, two of candidates"
        for number in range(reasons.count()):
            button, tooltip = (reasons.nth(number).locator(part) for part in ("button", "[role=tooltip]"))
            assert not tooltip.is_visible()
            {"pointer": button.hover, "keyboard": button.focus, "finger": button.tap}[reached]()
            meant = explain(button.get_attribute("aria-label").split("“")[1].split("”")[0])
            words = f"{meant.meaning} What to change: {meant.remedy}".replace("`", "")
            assert tooltip.inner_text().split() == words.split()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            page.keyboard.press("Escape")
            page.mouse.move(0, 0)
            tooltip.wait_for(state="hidden", timeout=5000)


def test_a_number_of_the_tables_leads_to_its_rows(made, at):
    with at() as page:
        cell = page.locator(".heat td a").first
        wanted = int(cell.inner_text())
        cell.click()
        page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{wanted} of')")


def test_a_link_opens_its_row_and_says_when_there_is_none(made, at):
    row = made.rows[70]
    with at(f"#row={row.id}") as page:
        page.get_by_text(row.answer, exact=True).wait_for()
        assert page.locator("#row .document.source").count() == sum(p.role == "source" for p in row.passages)
        assert page.locator("#row .exemplar").inner_text() == row.exemplar
        page.get_by_text("Raw answer").click()
        said = json.loads(page.locator("#row pre").inner_text())
        assert said == {"question": row.question, "answer": row.answer}
    with at("#row=none") as page:
        assert found(page) == "There is no row none in this data set."


def test_the_keyboard_is_enough(made, at):
    with at() as page:
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "q"
        page.keyboard.type("the")
        page.keyboard.press("Enter")
        page.keyboard.press("j")
        page.wait_for_selector("#list a[aria-current]")
        first = page.locator("#list a[aria-current]").inner_text()
        page.keyboard.press("j")
        page.wait_for_function("said => document.querySelector('#list a[aria-current]').innerText !== said", arg=first)
        page.keyboard.press("k")
        page.wait_for_function("said => document.querySelector('#list a[aria-current]').innerText === said", arg=first)


def test_what_models_say_stays_text(made, at):
    with at(f"#row={made.rows[0].id}") as page:
        page.wait_for_selector("#row .question")
        assert page.title().startswith("generated")
        assert page.locator("#row img, #row script, #list img").count() == 0
        assert "</script><script>" in page.locator("#row .question").inner_text()
        assert "{{ 7 * 7 }}" in page.locator("#row .question").inner_text()


def test_the_map_opens_the_row_under_the_pointer(made, at):
    with at() as page:
        page.locator("#map").scroll_into_view_if_needed()
        place = page.evaluate("[painted.x(7), painted.y(7)]")
        nearest = page.evaluate(
            "([x, y]) => { const box = at('map').getBoundingClientRect(); return rows.id[nearest({ clientX: box.left + x, clientY: box.top + y })]; }",
            place,
        )
        page.locator("#map").click(position={"x": place[0], "y": place[1]})
        page.wait_for_function("id => location.hash.includes(id)", arg=nearest)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_nothing_scrolls_sideways_and_axe_finds_nothing_serious(made, at, width, scheme):
    with at(f"#row={made.rows[3].id}", width, scheme) as page:
        page.wait_for_selector("#row .question")
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        said = Axe().run(page).response
        serious = [one for one in said["violations"] if one["impact"] in ("serious", "critical")]
        assert not serious, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious]
        assert len(said["passes"]) > 20, "it has looked"


@pytest.mark.slow
def test_noise_is_shortened_to_the_budget_and_sources_never(made):
    rows = made.rows
    places, tokens = np.zeros((N, 2), int), [1] * N
    full = shown(rows, places, tokens, lambda row: [])
    assert (full.opening, full.cut) == (None, 0)
    size = sum(map(len, full.details))
    other = sum(map(len, full.exemplars)) + len(full.index)
    small = shown(rows, places, tokens, lambda row: [], budget_mb=(other + size / 2) / 1e6)
    assert sum(map(len, small.details)) <= 1.05 * size / 2
    assert small.noise_documents == sum(passage.role == "noise" for row in rows for passage in row.passages)
    assert small.cut == small.noise_documents
    detail = json.loads(zlib.decompress(base64.b64decode(small.details[0])))[1]
    for (_, text, cut, role, *_), document in zip(detail["documents"], rows[1].documents, strict=True):
        whole = document.partition("\n")[2]
        assert text == (whole if role == "source" else whole[: small.opening])
        assert cut == len(whole) - len(text)
    first = json.loads(zlib.decompress(base64.b64decode(full.details[0])))[0]
    assert first["links"] == [["1", "2", rows[0].links[0].words]]


@pytest.mark.slow
def test_funnels_add_up(made):
    counts = json.loads((made.folder / "counts.json").read_text())
    unasked = counts | {"rejects": {**counts["rejects"], "multi_doc_answer": {"no linked documents": 9, "skipped": 2}}}
    assert ("sent to the teacher", figures.sent_to_teacher(unasked)) in [
        (step.label, step.count) for step in figures.candidate_steps(unasked)
    ]
    for steps in (
        figures.exemplar_steps(counts["exemplars"]), figures.candidate_steps(counts), figures.candidate_steps(unasked)
    ):  # fmt: skip
        left = steps[0].count
        for step in steps[1:]:
            left -= step.count if step.drop else 0
            assert step.drop or step.count == left, step
    passed = figures.acceptance(counts).set_index("paradigm").loc["useless doc"]
    assert (passed["passed"], passed["candidates"]) == (str(N // 5), str(N // 5 + N // 5 // 4 + 7))
    assert (passed["share"], passed["95 % interval"]) == ("64.9 %", "48.8 % to 78.2 %")


@pytest.mark.slow
def test_composition_counts_every_row_once(made):
    found = figures.composition(made.rows)
    for table in found.values():
        assert table.to_numpy().sum() == N
        assert list(table.index) == list(PARADIGMS)


def test_diversity_counts_repetitions():
    questions = [f"What is the height of mountain number {n} in the north of the country?" for n in range(9)]
    found = diversity([*questions, questions[0].upper(), "Who was it?"])
    assert (found["distinct"], found["openings"]) == (10, 2)
    assert found["alike"][0.9] == 1
    assert found["alike"][0.7] == 9


def test_the_tree_of_openings_has_every_question():
    questions = [
        "What is a fish?",
        "What is the moon?",
        "What was it?",
        "Who?",
        *(f"word{n} is it" for n in range(400)),
    ]
    tree = opening_words(questions)
    assert sum(branch["count"] for branch in tree) == len(questions)
    what = next(branch for branch in tree if branch["word"] == "what")
    assert what["count"] == 3
    assert {branch["path"]: branch["count"] for branch in what["in"]} == {"what is": 2, "": 1}
    assert tree[-1]["word"] == "", "the rare ones together"


def test_the_map_keeps_the_main_axes():
    rng = np.random.default_rng(2)
    line = np.outer(np.linspace(-5, 5, 50), [0, 3, 0, 0]) + np.outer(rng.standard_normal(50), [0, 0, 1, 0])
    places, share = flat_map(line.astype(np.float32))
    assert share == pytest.approx(1, abs=1e-6)
    assert places.shape == (50, 2)
    assert (places[0, 0], places[-1, 0]) == (0, SIDE)
    assert (flat_map(line[::-1].astype(np.float32))[0][::-1] == places).all()
    assert flat_map(line[:, :1].astype(np.float32))[0].shape == (len(line), 2), "one dimension"
    assert (flat_map(np.ones((3, 4), np.float32))[0] == SIDE // 2).all(), "all the same is one place"


def test_times_are_of_the_data_sets_own_jobs_that_ended(tmp_path):
    logs = {
        "synthesise/big_a_00": "took 3.0 s\n", "synthesise/big_a_01": "words\ntook 4.5 s\n", "synthesise/big_ablation_a_00": "took 99.0 s\n",
        "assemble/big": "stopped in the middle\n", "embed/wiki_contriever_00": "took 10.0 s\n", "embed/wikinews_contriever_00": "took 50.0 s\n",
        "download/corpora/wiki/passages.tsv": "took 7.0 s\n",
    }  # fmt: skip
    for name, text in logs.items():
        (tmp_path / f"{name}.log").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.log").write_text(text)
    found = stage_times(tmp_path, ["big", "wiki"], ["big_ablation", "wikinews"])
    assert found == {"synthesise": [3.0, 4.5], "embed": [10.0], "download": [7.0]}
    assert list(figures.times(found)["stage"]) == ["embed", "synthesise", "download"]


def test_a_command_notes_its_time_in_its_log_and_only_when_it_ended(tmp_path):
    log = tmp_path / "x.log"
    cli.run(lambda: None, ["--log", str(log)])
    assert re.fullmatch(r"took \d+\.\d s\n", log.read_text())
    with pytest.raises(SystemExit):
        cli.run(lambda: 1 / 0, ["--log", str(log)])
    assert "took" not in log.read_text()


def test_lengths_are_estimated_where_there_is_no_tokenizer(tmp_path):
    row = {"id": "a", "question": "q" * 40, "answer": "a" * 40, "documents": ["d" * 400] * 3}
    row["passages"] = [{"role": role, "rank": rank} for role, rank in (("source", 1), ("noise", 9), ("noise", 7))]
    found = lengths(
        [row, {**row, "id": "b", "documents": ["d" * 40] * 3}],
        Recipe(model=str(tmp_path / "none"), max_length=130),
        "1",
    )
    assert found["tokenizer"] == ESTIMATED
    assert found["tokens"] == {"a": (80 + 1200) // 4 + 1, "b": (80 + 120) // 4 + 1}
    assert (found["over"], found["noise_documents_dropped"], found["too_long"]) == (1, 2, 0)
    none = lengths([row], Recipe(model=str(tmp_path / "none"), max_length=110), "1")
    assert (none["over"], none["noise_documents_dropped"], none["too_long"]) == (1, 0, 1)


def test_an_estimate_that_is_asked_for_loads_no_tokenizer(monkeypatch):
    monkeypatch.setattr(measured, "load_tokenizer", lambda *_: pytest.fail("a tokenizer was asked for"))
    row = {"id": "a", "question": "q" * 40, "answer": "a" * 40, "documents": ["d" * 400], "passages": []}
    assert lengths([row], Recipe(model="meta-llama/gated"), "1", estimate=True)["tokenizer"] == ESTIMATED


def test_a_data_set_without_a_trained_model_of_its_own_has_its_lengths_estimated(project):
    """Else the hub would be asked for a tokenizer that nobody named."""
    lengths_of = "results/rag_instruct_demo/lengths.json"
    commands = project.snakemake("-n", "-p", "--workflow-profile", "none", "--", lengths_of).stdout
    assert "--estimate" not in commands
    project.edit("config.yaml", "models: [smollm2, smollm2_trained]", "models: [smollm2]")
    commands = project.snakemake("-n", "-p", "--workflow-profile", "none", "--", lengths_of).stdout
    assert "llama_3_1_8b.yaml --estimate" in commands


def test_curves_and_tables_make_the_report_stale_and_are_never_built(project):
    dataset = project.folder / "results/rag_instruct_demo.jsonl"
    (project.folder / "results/rag_instruct_demo/training").mkdir(parents=True)
    dataset.write_text("")
    states = [state_beside(dataset)]
    for name, text in (("training/m.svg", "<svg>"), ("training/m.svg", "<svg/>"), ("evaluation.json", "{}")):
        (dataset.with_suffix("") / name).write_text(text)
        states.append(state_beside(dataset))
    assert len(set(states)) == 4
    assert [path.name for path in files_beside(dataset)] == ["m.svg", "evaluation.json"]
    dataset.unlink()
    jobs = plan(project, "results/rag_instruct_demo/report.html")
    assert jobs["report"] == jobs["measure_lengths"] == jobs["ledger"] == 1
    assert not {"train", "tabulate", "score", "generate_local"} & jobs.keys()


def test_more_answers_of_an_evaluation_make_the_ledger_stale(tmp_path):
    place = tmp_path / "evaluation/popqa/closed_book"
    place.mkdir(parents=True)
    states = [state_of_outputs(tmp_path)]
    for name, text in (("a.outputs.jsonl", "1\n"), ("a.outputs.jsonl", "1\n2\n"), ("b.outputs.jsonl", "1\n")):
        (place / name).write_text(text)
        states.append(state_of_outputs(tmp_path))
    assert len(set(states)) == 4
    (place / "a.scores.jsonl").write_text("")
    assert state_of_outputs(tmp_path) == states[-1]


def test_templates_escape_and_numbers_are_for_people(tmp_path):
    (tmp_path / "page.html").write_text("{{ said }} {{ 1234 | number }} {{ 0.00001 | percent }}")
    assert render(tmp_path / "page.html", said="<b>\ud800") == "&lt;b&gt;\ufffd 1,234 &lt; 0.1 %"
    assert [percent(share) for share in (0, 0.25, 0.99999, 1)] == ["0.0 %", "25.0 %", "> 99.9 %", "100.0 %"]
    assert ticks(0, 4200) == [0, 1000, 2000, 3000, 4000]
    assert ticks(0.23, 0.71) == [0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_raw_answer_with_signs_of_its_own_stays_as_it_is():
    row = made_row("r", question="Who?", answer="She.", request_keys=("a", "b", "c"))
    store = {
        "a": {"text": "Q: Who? A: She.", "finish_reason": "stop"},
        "b": {"text": "\ue000 She.", "finish_reason": None},
    }
    assert [(one["text"], one["end"], one["short"]) for one in replies_of(store)(row)] == [
        ("Q: \ue001 A: \ue000", "stop", True),
        ("\ue000 She.", "", False),
        ("", "not in the store", False),
    ]
