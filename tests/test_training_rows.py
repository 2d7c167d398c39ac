"""What is trained on: the answer and its end under loss, every source document kept, noise dropped first."""

import json
from types import SimpleNamespace

import pytest
import tiny
from tokenizers import AddedToken
from transformers import AutoTokenizer

from rag_instruct.dataset.card import split
from rag_instruct.errors import UserError
from rag_instruct.models.chat import prepared, prompt_ids, without_control_tokens
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import Transformers
from rag_instruct.models.loading import load_config, refuse_unknown_tokens
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
    assert answer_to({**row, "documents": ["a", "b", "a"]}, ["a", "b", "a"]) == "So [1]. And so [1][1]."
    styles = {style_of(str(n), "1", numbered=True).document for n in range(200)}
    assert styles == {style.document for style in STYLES if "{number}" in style.document}


def test_a_row_with_citations_is_an_example_without_a_document_that_they_do_not_name():
    tokenizer = tiny.tokenizer("llama-3", ["long text of noise " * 50, "one", "two", "So"])
    row = {
        "id": "r",
        "question": "Which?",
        "answer": "So [3]. And so [1].",
        "documents": ["one", "long text of noise " * 50, "two"],
        "passages": [{"role": role, "rank": rank} for rank, role in enumerate(("source", "noise", "source"), start=1)],
        "cited": True,
    }
    example = Renderer(tokenizer, 140, "1").example(row)
    assert example.documents_dropped == 1
    assert answer_of(tokenizer, example).startswith("So [2]. And so [1].")


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


@pytest.mark.parametrize(("share", "seed", "recipes"), [(0.2, "2", "1"), (0.2, "0", "7"), (0.05, "1", "1")])
def test_training_keeps_from_the_rows_that_the_hubs_files_have_for_validation(share, seed, recipes):
    """Also where the recipe has another seed; on somebody's own file that seed draws."""
    renderer = Renderer(tiny.tokenizer("llama-3"), 1400, recipes)
    made = examples(ROWS, renderer, share, seed=seed)
    typed = [SimpleNamespace(**row) for row in ROWS]
    held = {row.id for row in split(typed, share, seed)["validation"]}
    assert {example.id for example in made.validation} == held - set(made.counts["too_long_ids"])
    assert not {example.id for example in made.train} & held
    own = {row.id for row in split(typed, share, recipes)["validation"]}
    assert {e.id for e in examples(ROWS, renderer, share).validation} == own - set(made.counts["too_long_ids"])


# The control tokens of model families: what their templates write, and what is in their tokenizers only.
MISTRAL = "{{ bos_token }}{% for m in messages %}{{ '[INST] ' + m['content'] + ' [/INST]' if m['role'] == 'user' else m['content'] + eos_token }}{% endfor %}"
LLAMA_2 = "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ '<<SYS>>' + m['content'] + '<</SYS>>' }}{% elif m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
GEMMA = "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
PHI = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + '\n' + m['content'] + '<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
DEEPSEEK = "{{ bos_token }}{% for m in messages %}{{ '<\uff5cUser\uff5c>' + m['content'] if m['role'] == 'user' else '<\uff5cAssistant\uff5c>' + m['content'] + eos_token }}{% endfor %}{% if add_generation_prompt %}<\uff5cAssistant\uff5c>{% endif %}"
QWEN_3 = tiny.CHATML.replace("{{ m['content'] }}", "{{ m['content'].split('</think>')[-1] }}")
CASES = [
    (tiny.LLAMA_3, ["<|reserved_special_token_7|>", "<|python_tag|>"], [], "<|start_header_id|>"),
    (tiny.LLAMA_3, ["<|reserved_special_token_7|>", "<|python_tag|>"], [], "<|eot_id|>"),
    (tiny.LLAMA_3, ["<|reserved_special_token_7|>", "<|python_tag|>"], [], "<|python_tag|>"),
    (tiny.LLAMA_3, ["<|reserved_special_token_7|>", "<|python_tag|>"], [], "<|reserved_special_token_7|>"),
    (tiny.CHATML, ["<|endoftext|>", "<|vision_start|>"], [], "<|im_start|>"),
    (tiny.CHATML, ["<|endoftext|>", "<|vision_start|>"], [], "<|vision_start|>"),
    (QWEN_3, [], ["<think>", "</think>"], "</think>"),
    (MISTRAL, ["[INST]", "[/INST]", "[TOOL_CALLS]"], [], "[/INST]"),
    (MISTRAL, ["[INST]", "[/INST]", "[TOOL_CALLS]"], [], "[TOOL_CALLS]"),
    (LLAMA_2, [], [], "[INST]"),
    (LLAMA_2, [], [], "<<SYS>>"),
    (LLAMA_2, [], [], "<</SYS>>"),
    (GEMMA, ["<start_of_turn>", "<end_of_turn>", "<unused3>"], ["<table>"], "<start_of_turn>"),
    (GEMMA, ["<start_of_turn>", "<end_of_turn>", "<unused3>"], ["<table>"], "<unused3>"),
    (PHI, ["<|user|>", "<|end|>", "<|assistant|>"], [], "<|end|>"),
    (PHI, ["<|user|>", "<|end|>", "<|assistant|>"], [], "<|user|>"),
    (PHI, [], [], "<|assistant|>"),
    (DEEPSEEK, [], ["<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>"], "<\uff5cAssistant\uff5c>"),
    (DEEPSEEK, [], [], "<\uff5cUser\uff5c>"),
    (None, [], [], "### Assistant"),
    (None, [], [], "</s>"),
]


def of_family(template, special, added):
    """A tokenizer with this template. Some families' tokens are special, some are only added, some are plain text."""
    tokenizer = tiny.tokenizer("a base model")
    tokenizer.chat_template = template
    tokenizer.add_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in added])
    return tokenizer


@pytest.mark.parametrize("part", ["question", "answer", "documents"])
@pytest.mark.parametrize(("template", "special", "added", "token"), CASES)
def test_a_row_that_would_steer_the_model_is_left_out_and_counted(template, special, added, token, part):
    said = f"Write {token} at the end."
    odd = {**tiny.row(600), part: [said] * 5 if part == "documents" else said}
    made = examples([*ROWS[:20], odd], Renderer(of_family(template, special, added), 4000, "1"), 0.2)
    assert made.counts["control_tokens_ids"] == ["row-600"]
    assert made.counts["train"] + made.counts["validation"] + made.counts["control_tokens"] == 21


@pytest.mark.parametrize(("template", "special", "added", "_"), CASES[::4])
@pytest.mark.parametrize(
    "said", ["a <table> of [3] rows", "x < y | z > w", "[INSTEAD] of <b>this</b>", "User: me, ###"]
)
def test_signs_that_no_template_uses_are_words(template, special, added, _, said):
    assert not Renderer(of_family(template, special, added), 4000, "1").has_control_token(
        {**tiny.row(1), "question": said}
    )


@pytest.mark.parametrize(("template", "special", "added", "token"), CASES)
def test_a_prompt_for_inference_has_no_control_token_from_its_texts(template, special, added, token):
    tokenizer = prepared(of_family(template, special, added))
    plain, odd = (prompt_ids(tokenizer, f"Is {said} a token?") for said in ("x", token))
    ids = {tokenizer.convert_tokens_to_ids(text) for text in (*special, *added, *tokenizer.all_special_tokens)}
    assert [i for i in odd if i in ids] == [i for i in plain if i in ids]
    assert token not in without_control_tokens(tokenizer, f"Is {token} a token?")


PARTS = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for p in m['content'] %}{{ p['text'] }}{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


def test_a_template_that_takes_content_as_parts_gets_parts():
    tokenizer = tiny.tokenizer("smollm2")
    tokenizer.chat_template = PARTS
    example = Renderer(tokenizer, 4000, "1").example(ROWS[0])
    text = tokenizer.decode(example.input_ids, clean_up_tokenization_spaces=False)
    assert all(part in text for part in (ROWS[0]["question"], *ROWS[0]["documents"]))
    assert answer_of(tokenizer, example) == ROWS[0]["answer"] + "<|im_end|>"


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m['role'] }}{{ m['text'] }}{% endfor %}",
        "{% for m in messages %}{% for p in m['content'] %}{{ p['value'] }}{% endfor %}{% endfor %}",
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}",
    ],
)
def test_a_template_that_leaves_out_the_texts_is_refused(template):
    tokenizer = tiny.tokenizer("smollm2")
    tokenizer.chat_template = template
    with pytest.raises(UserError, match="leaves out the texts of messages"):
        Renderer(tokenizer, 4000, "1")


@pytest.mark.parametrize("changed", ["m['content'] | replace('number', '')", "m['content'][:60]"])
def test_a_template_that_changes_a_rows_texts_is_refused(changed):
    tokenizer = tiny.tokenizer("smollm2")
    tokenizer.chat_template = tiny.CHATML.replace("m['content']", changed)
    with pytest.raises(UserError, match="changes question or answer of row row-1:"):
        Renderer(tokenizer, 4000, "1").example(ROWS[1])


@pytest.mark.parametrize("beyond", ["<|im_start|>", "<|im_end|>"])
def test_tokens_beyond_the_embeddings_are_named(tmp_path, beyond):
    """A template for chat upon a base model whose embeddings end before the template's tokens."""
    folder = tiny.model_folder(tmp_path / "base", "a base model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = tiny.CHATML.replace(beyond, "<|mine|>")
    tokenizer.add_tokens([AddedToken("<|mine|>", special=True)])
    made = examples(ROWS[:20], Renderer(tokenizer, 4000, "1"), 0.2)
    ids = [token for example in made.train for token in example.input_ids]
    known = load_config(str(folder)).vocab_size
    with pytest.raises(UserError, match=r"token ids \d+ \(<\|mine\|>\), but the model has only \d+ embeddings"):
        refuse_unknown_tokens(str(folder), known, ids, tokenizer)
    refuse_unknown_tokens(str(folder), known, [token for token in ids if token < known], tokenizer)
    engine = Transformers(str(folder), prepared(tokenizer), None)
    with pytest.raises(UserError, match=r"<\|mine\|>"):
        engine.generate([prompt_ids(tokenizer, "Why?")], Decoding(5), 1)


def test_rows_of_the_released_set_have_no_known_noise_and_are_never_cut():
    released = {"question": "Q?", "answer": "A.", "documents": ["word " * 300, "word " * 300], "id": "1"}
    tokenizer = tiny.tokenizer("llama-3")
    assert Renderer(tokenizer, 200, "1").example(released) is None
    assert Renderer(tokenizer, 9000, "1").example(released).documents_dropped == 0


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"question": None}, "line 2: 'question' must be a text, but is None"),
        ({"answer": " "}, "line 2: 'answer' must be a text, but is ' '"),
        ({"documents": "one"}, "line 2: 'documents' must be a list of texts, but is 'one'"),
        (
            {"passages": ["a", "b", "c", "d", "e"]},
            "line 2: 'passages' must be a list of objects with 'role' and 'rank'",
        ),
        ({"passages": 3}, "line 2: 'passages' must be a list of objects with 'role' and 'rank', but is '3'"),
        ({"passages": [{"role": "noise"}] * 5}, "line 2: 'passages' must be a list of objects with 'role' and 'rank'"),
        ({"documents": ["one"]}, "line 2: the row has 1 documents, but 5 passages"),
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
