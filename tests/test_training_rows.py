"""What is trained on: the answer and its end under loss, every source document kept, noise dropped first."""

import json
from types import SimpleNamespace

import pytest
import tiny

from rag_instruct.dataset.card import split
from rag_instruct.errors import UserError
from rag_instruct.models.templates import STYLES, style_of
from rag_instruct.training.rows import IGNORED, Renderer, answer_to, examples, read_rows, shortened

ROWS = [
    tiny.row(number, words=5 + number % 40, documents=1 + number % 10, sources=1 + number % 2) for number in range(120)
]


def answer_of(tokenizer, example):
    return tokenizer.decode([label for label in example.labels if label != IGNORED], clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_exactly_the_answer_and_its_end_are_under_loss_and_no_source_is_missing(family):
    tokenizer = tiny.tokenizer(family, (text for row in ROWS[:50] for text in row["documents"]))
    renderer = Renderer(tokenizer, 1400, "1")
    refused = shortened = 0
    for row in ROWS:
        example = renderer.example(row)
        if example is None:
            refused += 1
            continue
        assert len(example.input_ids) == len(example.labels) <= 1400
        assert answer_of(tokenizer, example) == row["answer"] + tokenizer.eos_token
        assert all(label in (IGNORED, token) for label, token in zip(example.labels, example.input_ids, strict=True))
        text = tokenizer.decode(example.input_ids, clean_up_tokenization_spaces=False)
        present = [document in text for document in row["documents"]]
        roles = [passage["role"] for passage in row["passages"]]
        assert all(here for here, role in zip(present, roles, strict=True) if role == "source")
        assert present.count(False) == example.documents_dropped
        dropped = [passage["rank"] for passage, here in zip(row["passages"], present, strict=True) if not here]
        kept = [p["rank"] for p, here in zip(row["passages"], present, strict=True) if here and p["role"] == "noise"]
        assert min(dropped, default=99) > max(kept, default=0), "what retrieval ranked last goes first"
        assert row["question"] in text
        shortened += bool(dropped)
    assert shortened > 20
    assert refused < len(ROWS) / 2


def test_a_row_that_declines_keeps_a_document():
    row = {"documents": ["a", "b", "c"], "passages": [{"role": "noise", "rank": rank} for rank in (7, 9, 8)]}
    assert list(shortened(row)) == [["a", "b", "c"], ["a", "c"], ["a"], []]
    assert list(shortened({**row, "withheld_answer": "A"})) == [["a", "b", "c"], ["a", "c"], ["a"]]
    row["passages"][0]["role"] = "source"
    assert list(shortened({**row, "withheld_answer": "A"})) == [["a", "b", "c"], ["a", "c"], ["a"]]


def test_citations_follow_documents_that_are_dropped():
    row = {"id": "r", "answer": "So [3]. And so [1][3].", "documents": ["a", "b", "c"], "cited": True}
    assert answer_to(row, ["a", "b", "c"]) == row["answer"]
    assert answer_to(row, ["a", "c"]) == "So [2]. And so [1][2]."
    assert answer_to({**row, "cited": False}, ["a", "c"]) == row["answer"]
    styles = {style_of(str(n), "1", numbered=True).document for n in range(200)}
    assert styles == {style.document for style in STYLES if "{number}" in style.document}


def test_the_prompt_is_what_inference_will_write():
    tokenizer = tiny.tokenizer("llama-3")
    renderer = Renderer(tokenizer, 4000, "1")
    example = renderer.example(ROWS[3])
    prompt = example.input_ids[: example.labels.count(IGNORED)]
    content = style_of("row-3", "1").render(ROWS[3]["question"], ROWS[3]["documents"])
    asked = tokenizer.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    assert prompt == asked["input_ids"]


def test_styles_are_mixed_and_a_row_keeps_its_own():
    drawn = [style_of(f"row-{number}", "1") for number in range(2000)]
    assert set(drawn) == set(STYLES)
    assert drawn == [style_of(f"row-{number}", "1") for number in range(2000)]
    assert drawn != [style_of(f"row-{number}", "2") for number in range(2000)]
    for style in STYLES:
        assert all(text in style.render("Why?", ["one {x}", "two"]) for text in ("Why?", "one {x}", "two"))


def test_counts_add_up_and_what_is_too_long_is_named():
    long = tiny.row(501, words=900, documents=1)
    made = examples([*ROWS[:100], long], Renderer(tiny.tokenizer("llama-3"), 1400, "1"), 0.1)
    counts = made.counts
    assert counts["rows"] == 101 == counts["train"] + counts["validation"] + counts["too_long"]
    assert "row-501" in counts["too_long_ids"]
    assert counts["answer_tokens"] == sum(label != IGNORED for e in made.train for label in e.labels)


def test_training_keeps_from_the_rows_that_the_hubs_files_have_for_validation():
    """Also where the recipe has another seed; on somebody's own file that seed draws."""
    renderer = Renderer(tiny.tokenizer("llama-3"), 1400, "1")
    made = examples(ROWS, renderer, 0.2, seed="2")
    typed = [SimpleNamespace(**row) for row in ROWS]
    held = {row.id for row in split(typed, 0.2, "2")["validation"]}
    assert {example.id for example in made.validation} == held - set(made.counts["too_long_ids"])
    assert not {example.id for example in made.train} & held
    own = {row.id for row in split(typed, 0.2, "1")["validation"]}
    assert {e.id for e in examples(ROWS, renderer, 0.2).validation} == own - set(made.counts["too_long_ids"])


@pytest.mark.parametrize("part", ["question", "answer", "documents"])
def test_a_row_that_would_end_the_turn_itself_is_left_out_and_counted(part):
    said = "Write <|eot_id|> at the end."
    odd = {**tiny.row(600), part: [said] * 5 if part == "documents" else said}
    made = examples([*ROWS[:60], odd], Renderer(tiny.tokenizer("llama-3"), 1400, "1"), 0.1)
    assert made.counts["control_tokens_ids"] == ["row-600"]
    assert (
        made.counts["train"] + made.counts["validation"] + made.counts["control_tokens"] + made.counts["too_long"] == 61
    )


def test_rows_of_the_released_set_have_no_known_noise_and_are_never_cut():
    released = {"question": "Q?", "answer": "A.", "documents": ["word " * 300, "word " * 300], "id": "1"}
    tokenizer = tiny.tokenizer("llama-3")
    assert Renderer(tokenizer, 200, "1").example(released) is None
    assert Renderer(tokenizer, 9000, "1").example(released).documents_dropped == 0


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"question": None}, "row 2: 'question' must be a text, but is None"),
        ({"answer": " "}, "row 2: 'answer' must be a text, but is ' '"),
        ({"documents": "one"}, "row 2: 'documents' must be a list of texts, but is 'one'"),
        ({"documents": ["one"]}, "row 2: the row has 1 documents, but 5 passages"),
    ],
)
def test_a_broken_row_is_named(tmp_path, broken, named):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(tiny.row(1)) + "\n" + json.dumps({**tiny.row(2), **broken}) + "\n")
    with pytest.raises(UserError, match="rows.jsonl, " + named):
        list(read_rows(path))


def test_a_template_with_a_date_writes_the_same_on_any_day():
    tokenizer = tiny.tokenizer("llama-3")
    tokenizer.chat_template = "{{ strftime_now('%d %b %Y') }}" + tiny.LLAMA_3
    example = Renderer(tokenizer, 4000, "1").example(ROWS[0])
    assert tokenizer.decode(example.input_ids).startswith("26 Jul 2024")


def test_null_is_as_absent(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**tiny.row(1), "passages": None, "id": None}) + "\n")
    (row,) = read_rows(path)
    assert row["id"] == "1"
    assert Renderer(tiny.tokenizer("llama-3"), 4000, "1").example(row).documents_dropped == 0


def test_a_template_that_rewrites_the_prompt_is_refused():
    tokenizer = tiny.tokenizer("llama-3")
    tokenizer.chat_template = "{{ messages | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    with pytest.raises(UserError, match="differently if an answer follows"):
        Renderer(tokenizer, 1400, "1").example(ROWS[0])


def test_a_tokenizer_without_an_end_is_refused():
    tokenizer = tiny.tokenizer("llama-3")
    tokenizer.eos_token = None
    with pytest.raises(UserError, match="no end token"):
        Renderer(tokenizer, 1400, "1")
