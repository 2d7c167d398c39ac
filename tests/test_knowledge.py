"""The filters of exemplars, by a teacher and free of charge."""

import asyncio
import json
import re
from functools import partial

import pytest
from asking import teacher
from conftest import ROOT, SHARED, needs_shared
from loopback import endpoint
from made import exemplar

from rag_instruct.costs.dry_run import DryRunClient, look
from rag_instruct.errors import UserError
from rag_instruct.exemplars.assessment import assess, labelled, table
from rag_instruct.exemplars.heuristic import DROP, drop_reason, filter_by_heuristic
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet
from rag_instruct.exemplars.knowledge import batches, filter_by_teacher, judge
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.endpoints import Endpoint, TeacherModel
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.reasons import Reason

PROMPT = ROOT / "resources/prompts/knowledge_intensive.yaml"
LABELS = ROOT / "tests/data/labelled_instructions.jsonl"
QUESTIONS = ["What is a fjord?", "Sort in Python.", "Who wrote Aida?", "odd", "Why is snow white?"]


def exemplars(texts=QUESTIONS, source="s"):
    return [exemplar(f"{source}:{n}", text) for n, text in enumerate(texts)]


def shown(request):
    """The instructions of a request, by their numbers."""
    return dict(
        re.findall(r'<instruction number="(\d+)">\n(.*?)\n</instruction>', request["messages"][-1]["content"], re.S)
    )


def sorted_by(request):
    """A teacher that knows code when it sees Python, and stumbles over what is odd."""
    texts = shown(request)
    if "odd" in texts.values():
        return "no JSON"
    return json.dumps({number: "code" if "Python" in text else "knowledge" for number, text in texts.items()})


def judged(folder, answer, size, given=None):
    """Kept, dropped, and how many requests were bought."""

    async def session(url):
        async with teacher(url, folder) as asked:
            return *await filter_by_teacher(given or exemplars(), load_prompt(PROMPT), asked, size), asked.bought

    with endpoint(answer) as served:
        return asyncio.run(session(served.base_url))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_teacher_keeps_what_needs_knowledge_and_gives_its_reasons(tmp_path, size):
    kept, dropped, _ = judged(tmp_path, sorted_by, size)
    assert [(row.id, row.instruction) for row in kept] == [(f"s:{n}", QUESTIONS[n]) for n in (0, 2, 4)]
    assert [(row.id, row.reason) for row in dropped] == [("s:1", "code"), ("s:3", "unparsable")]
    store = AnswerStore(tmp_path)
    for row in kept:
        assert "knowledge" in store.get(row.request_keys[-1])["text"]


def test_one_that_spoils_a_request_spoils_no_other(tmp_path):
    kept, dropped, bought = judged(tmp_path, sorted_by, 100)
    assert bought == 1 + len(QUESTIONS), "once together, then each alone"
    assert all(len(row.request_keys) == 2 for row in [*kept, *dropped])
    assert judged(tmp_path, sorted_by, 100)[2] == 0, "all are in the store"


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: json.dumps(dict.fromkeys(list(shown(request))[:-1], "knowledge")),
        lambda request: json.dumps(dict.fromkeys([*shown(request), "99"], "knowledge")),
        lambda request: json.dumps(dict.fromkeys(shown(request), "yes")),
        lambda request: json.dumps(["knowledge"] * len(shown(request))),
    ],
)
def test_a_reply_that_fits_not_all_exemplars_is_taken_for_none(tmp_path, answer):
    def told(request):
        return answer(request) if len(shown(request)) > 1 else json.dumps({"1": "knowledge"})

    kept, dropped, bought = judged(tmp_path, told, 100)
    assert (len(kept), len(dropped), bought) == (5, 0, 6)


def test_an_exemplar_that_comes_or_goes_changes_its_own_group_only():
    texts = [f"Question {n}?" for n in range(400)]
    before = [tuple(one.id for one in group) for group in batches(exemplars(texts), 8)]
    less = [one for one in exemplars(texts) if one.id != "s:200"]
    after = [tuple(one.id for one in group) for group in batches(less, 8)]
    assert len(set(before) - set(after)) <= 2
    assert max(map(len, before)) <= 16
    assert 5 <= 400 / len(before) <= 9
    both = list(batches([*exemplars(texts), *exemplars(texts, "t")], 8))
    assert [tuple(one.id for one in group) for group in both][: len(before)] == before
    assert all(len({one.source for one in group}) == 1 for group in both)


def test_the_heuristic_keeps_and_drops_with_a_reason():
    kept, dropped = filter_by_heuristic(exemplars(["What is a fjord?", "Sort a list in Python.", "Thus it is."]))
    assert [one.id for one in kept] == ["s:0"]
    assert [one.reason for one in dropped] == ["code", Reason.NO_QUESTION]
    assert drop_reason("Summarise how glaciers form.") is None


def test_a_long_instruction_takes_no_minutes():
    """The first one took minutes: each number was tried with each "how many"."""
    texts = ["1 how many " * 2000, "convert it " * 2000, "9" * 20_000, "1 how many " * 2000 + "cost"]
    assert [drop_reason(text) for text in texts] == [None, Reason.NO_QUESTION, Reason.NO_QUESTION, Reason.ARITHMETIC]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('\n\n{"category": "knowledge"}\n', "line 3: give `instruction` as a text, or a `row` of --texts"),
        ('{"row": [1]}\n', "line 1: give `instruction` as a text"),
        ('{"instruction": 5}\n', "line 1: give `instruction` as a text"),
        ('{"row": 7}\n', "line 1: give `instruction` as a text"),
        ('"x"\n', "line 1: 'x' is not a JSON object"),
    ],
)
def test_a_label_without_its_text_is_refused_by_its_line(tmp_path, lines, said):
    (tmp_path / "labels.jsonl").write_text(lines)
    with pytest.raises(UserError) as refusal:
        labelled(tmp_path / "labels.jsonl", [(0, "Why?")])
    assert f"labels.jsonl, {said}" in str(refusal.value)


def test_every_rule_of_the_heuristic_is_needed():
    """Some labelled instruction is dropped by each, so that none can go unnoticed."""
    reasons = {drop_reason(one.instruction) for one, _ in labelled(LABELS, []).values()}
    assert set(DROP) <= reasons


def test_the_heuristic_on_instructions_that_were_labelled_by_hand():
    given = labelled(LABELS, [])
    assert len(given) >= 150
    found = assess(given, *filter_by_heuristic(one for one, _ in given.values()))
    right, missed = found["knowledge"]
    kept = sum(stayed for stayed, _ in found.values())
    assert right / kept > 0.95
    assert right / (right + missed) > 0.95
    assert f"precision {right / kept:.3f}" in re.sub(" +", " ", table("heuristic", found))


@needs_shared
@pytest.mark.parametrize(
    ("labels", "count", "precision", "recall"),
    [("alpaca_labels", 120, 0.9, 0.9), ("alpaca_labels_2", 100, 0.7, 0.8), ("alpaca_labels_held_out", 80, 0.65, 0.8)],
)
def test_the_heuristic_on_real_instructions_of_alpaca(labels, count, precision, recall):
    """The mistakes on the first two sets were read when the rules were made; those on the last were not."""
    texts = InstructionSet([SHARED / "exemplars/alpaca_2500.json"], "alpaca", SCHEMAS["alpaca"])
    given = labelled(ROOT / f"tests/data/{labels}.jsonl", texts)
    found = assess(given, *filter_by_heuristic(one for one, _ in given.values()))
    right, missed = found["knowledge"]
    assert sum(map(sum, found.values())) == count
    assert right / sum(stayed for stayed, _ in found.values()) > precision
    assert right / (right + missed) > recall


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("What are the latest trends in AI research?", "current"),
        ("What are the most popular programming languages?", "current"),
        ("Capitalize this sentence correctly: the danube flows east.", "text"),
        ("Generate a correctly punctuated version of the following text: the office is set up", "text"),
        (
            "Analyze this text for its meaning and list its keywords.\nThe dream is that anyone can make something of it.",
            "text",
        ),
        ("Can you give me a poem about love?", "creative"),
        ("Reword the sentence so that it is shorter.", "text"),
        ("Construct a query to find all the houses with three bedrooms.", "code"),
        ("Find the two prime numbers whose sum is ten.", "arithmetic"),
        ("Determine the molecular formula for water.", None),
        ("What are the differences between HTML and CSS?", None),
        ("Recommend a solution to reduce pollution from vehicles.", None),
        ("Categorize the following company as either a B2B or a B2C business.\nUber", None),
        ("What causes ocean currents?", None),
        ("Make a table of the ten largest lakes.", None),
        ('Who is the author of the quote "The sea has no roads"?', None),
        ("Question: Which product came out in the year of the treaty?\n\nAnswer: Let's think step by step.", None),
    ],
)
def test_kinds_of_instructions_that_the_heuristic_knows(instruction, reason):
    assert drop_reason(instruction) == reason


def test_the_demo_exemplars_are_filtered_as_their_author_labelled_them():
    labels = {(row["set"], row["row"]): row["knowledge_intensive"] for row in
              map(json.loads, (ROOT / "tests/data/demo_labels.jsonl").open())}  # fmt: skip
    sets = sorted((ROOT / "resources/demo/exemplars").iterdir())
    rows = [(path.stem, *row) for path in sets for row in InstructionSet([path], path.stem, SCHEMAS[path.stem])]
    right = [labels[name, row] == (drop_reason(text) is None) for name, row, text in rows]
    assert len(right) >= 60
    assert sum(right) / len(right) >= 0.95


def test_a_label_without_its_text_is_named(tmp_path):
    (tmp_path / "labels.jsonl").write_text('{"row": 7, "knowledge_intensive": true}\n')
    with pytest.raises(UserError, match=r"labels\.jsonl, line 1: give `instruction`"):
        labelled(tmp_path / "labels.jsonl", [])


def test_a_label_of_a_table_may_be_a_text(tmp_path):
    (tmp_path / "labels.csv").write_text("instruction,knowledge_intensive\nWrite a poem.,False\nWho was Ada?,True\n")
    assert [category for _, category in labelled(tmp_path / "labels.csv", []).values()] == ["other", "knowledge"]
    (tmp_path / "labels.csv").write_text("instruction,knowledge_intensive\nWrite a poem.,no\n")
    with pytest.raises(UserError, match=r"line 2: `knowledge_intensive` must be true or false, but is 'no'"):
        labelled(tmp_path / "labels.csv", [])


def test_a_preview_foretells_the_requests_that_are_then_bought(tmp_path):
    given, prompt = exemplars([f"Question {n}?" for n in range(100)]), load_prompt(PROMPT)
    model = TeacherModel("m", (Endpoint("http://not-started"),), sampling={"temperature": 0})

    def foretold():
        session = DryRunClient(model, AnswerStore(tmp_path)).session
        return look([partial(judge, group, prompt, session) for group in batches(given, 8)])

    done, lacking = foretold()
    assert (done, lacking) == ([], len(list(batches(given, 8))))
    assert judged(tmp_path, sorted_by, 8, given)[2] == lacking
    done, left = foretold()
    assert (len(done), left) == (lacking, 0)
