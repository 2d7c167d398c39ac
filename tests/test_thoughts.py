"""A reply without its thoughts, in the forms of known reasoning models."""

import time

import pytest

from rag_instruct.thoughts import without_thoughts


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("<think>Lyon? No.</think>\n\nParis", "Paris"),
        ("<thinking>Lyon</thinking>Paris", "Paris"),
        ("Sure. <think>Lyon</think> Paris", "Sure.   Paris"),
        ("Lyon? No, {it} is Paris.\n</think>\n\nParis", "Paris"),  # the template opened the thoughts
        ("<think>a <think>b</think> Lyon </think> Paris", "Paris"),
        ("Lyon </think> It is <think>Rome</think> Paris", "It is   Paris"),
        ("<think>Lyon, because", ""),  # cut off
        ("<think>Lyon <answer>Paris</answer>", "<answer>Paris</answer>"),
        ("<think></think>Paris", "Paris"),
        ("[THINK]Lyon[/THINK]Paris", "Paris"),
        ("\u25c1think\u25b7Lyon\u25c1/think\u25b7Paris", "Paris"),
        ("<seed:think>Lyon</seed:think>Paris", "Paris"),
        ("<|begin_of_thought|>Lyon<|end_of_thought|>Paris", "Paris"),
        ("<|START_THINKING|>Lyon<|END_THINKING|>Paris", "Paris"),
        ("<THINK>Lyon</THINK>Paris", "Paris"),
        (
            "<|channel|>analysis<|message|>Lyon?<|end|><|start|>assistant<|channel|>final<|message|>Paris<|return|>",
            "Paris",
        ),
        (
            '<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{"a": 1}',
            '{"a": 1}',
        ),
        ("<|channel|>analysis<|message|>Lyon, the", ""),
        ("<|channel|>final<|message|>Paris", "Paris"),
        ("analysisThe user asks. Lyon?assistantfinalParis", "Paris"),
        ("analysisLyon? 'assistantfinal' comes next.assistantfinal{\"a\": 1}", '{"a": 1}'),
        ("analysisWe need the capital of France, which", ""),
        ("Paris<|im_end|>", "Paris"),  # a server with a wrong chat template
        ('{"a": 1}<|eot_id|>\n<|end_of_text|>\n', '{"a": 1}'),
        ("<think>Lyon</think>Paris <end_of_turn>", "Paris"),
    ],
)
def test_only_the_answer_is_left(reply, answer):
    assert without_thoughts(reply) == answer


@pytest.mark.parametrize(
    "text",
    [
        " Paris\n",
        "I think it is Paris.",
        "[thinking] Paris",
        "analysis of the data",
        "The <b>analysis</b> is final.",
        "Analysis: the assistant is final.",
        "x < think > y",
        "The token <|im_end|> ends a turn.",
        "<s>Paris</s>",
        "",
    ],
)
def test_a_reply_without_thoughts_stays_as_it_is(text):
    assert without_thoughts(text) == text


def test_hostile_replies_take_no_time():
    began = time.perf_counter()
    for reply in (
        "<think>" * 20_000,
        "</think>" * 20_000,
        "<|channel|>" * 20_000,
        "analysis" + "assistant" * 20_000,
        "<" * 200_000,
        " " * 200_000 + "x",
        "<|im_end|> " * 20_000,
    ):
        without_thoughts(reply)
    assert time.perf_counter() - began < 2
