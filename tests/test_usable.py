"""Usable facts are counted before a row is asked for."""

import pytest

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.synthesis.usable import TOGETHER, Usable, count_usable, tell_usable

pytestmark = pytest.mark.slow  # the parser loads for seconds
USABLE = Passage("1", "Danube", "The Danube is a river in Europe. It is long.")
OTHER = Passage("2", "notes_7", "It was opened by him then.")


def test_facts_are_counted_until_there_are_enough():
    assert count_usable([USABLE, OTHER, USABLE], 9) == Usable(2, 3, True)
    assert count_usable([USABLE, OTHER, USABLE], 1) == Usable(2, 3, True), "all were read"
    assert count_usable([USABLE] * (TOGETHER + 1), 1) == Usable(TOGETHER, TOGETHER, False)
    assert count_usable([OTHER], 9) == Usable(0, 1, True)


def test_a_corpus_without_a_usable_fact_is_refused_with_the_ways_out():
    with pytest.raises(UserError, match="corpus notes: 0 usable facts in 78 passages, for 15 wanted rows") as refusal:
        tell_usable("notes", Usable(0, 78, True), 15)
    assert "docs/own_teacher.md" in str(refusal.value)
    assert "tries" not in str(refusal.value)


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (Usable(12, 78, True), "WARNING", "12 usable facts in 78 passages, for 15 wanted rows: expect fewer rows"),
        (Usable(105, 78, True), "INFO", "105 usable facts in 78 passages"),
        (Usable(60, 20, False), "INFO", "this is enough"),
    ],
)
def test_few_facts_are_a_warning_and_enough_are_a_line_of_the_log(found, level, said, caplog):
    caplog.set_level("INFO", logger="rag_instruct")
    tell_usable("notes", found, 15)
    (record,) = caplog.records
    assert record.levelname == level
    assert said in record.getMessage()
