"""Patterns as they are sent: the same texts match, and no repetition is larger than servers can compile."""

import re

import pytest

from rag_instruct.llm.grammars import MOST_REPETITIONS, bounded_pattern, compilable


@pytest.mark.parametrize(
    ("least", "most"), [(5, 170), (128, 129), (0, 1000), (300, 301), (127, 128), (1, 129), (150, 400)]
)
@pytest.mark.parametrize("atom", ["x", "[x]", r"\u0078", "(x)", "(?:x|y)"])
def test_a_split_pattern_matches_the_same_texts(atom, least, most):
    split = re.compile(bounded_pattern(f"^{atom}{{{least},{most}}}$"))
    assert {length for length in range(1100) if split.match("x" * length)} == set(range(least, most + 1))
    assert max(map(int, re.findall(r"[{,](\d+)", split.pattern))) <= MOST_REPETITIONS


def test_exact_and_open_repetitions():
    assert bounded_pattern("^a{200}$") == "^a{128}a{72,72}$"
    assert bounded_pattern("^a{150,}$") == "^a{128}a{22,}$"
    assert bounded_pattern("^(a{2}|b){130}c$") == "^(a{2}|b){128}(a{2}|b){2,2}c$"


@pytest.mark.parametrize("pattern", [r"^\{5,170}$", "^[{]5,170}$", "^a{1,128}$", "^.+$", "{5,170}", "a){3", r"[\]{]1"])
def test_what_is_no_large_repetition_stays_as_it_is(pattern):
    assert bounded_pattern(pattern) == pattern


def test_patterns_are_split_wherever_a_schema_has_them():
    schema = {"properties": {"pattern": {"type": "string", "pattern": "^a{200}$"}, "b": {"enum": ["a{200}"]}}}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    sent = compilable({"messages": [], "response_format": form})["response_format"]["json_schema"]["schema"]
    assert sent["properties"] == {
        "pattern": {"type": "string", "pattern": "^a{128}a{72,72}$"},
        "b": {"enum": ["a{200}"]},
    }
    assert compilable({"messages": []}) == {"messages": []}


def test_the_compact_prompts_have_patterns_to_split():
    """Without them this would be a rule for nothing. None of them may be sent as it stands."""
    from conftest import ROOT

    for path in (ROOT / "resources/prompts/compact").glob("*.yaml"):
        for pattern in re.findall(r'"(\^.*\$)"', path.read_text("utf-8")):
            assert max(map(int, re.findall(r"[{,](\d+)", bounded_pattern(pattern))), default=0) <= MOST_REPETITIONS
