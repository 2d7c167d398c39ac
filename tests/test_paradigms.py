import pytest

from rag_instruct.errors import UserError
from rag_instruct.focus import whole_documents
from rag_instruct.paradigms import PARADIGMS, candidates, chunk_slots, drawn, slots
from rag_instruct.passage import Passage

IDS = [f"set:{n}" for n in range(23)]


def test_no_two_slots_share_a_candidate():
    tried = [pair for slot in range(10) for pair in candidates(slot, 10, drawn(IDS, "seed"), 7)]
    assert len(set(tried)) == len(tried) == 70
    assert {number for number, _ in tried} == set(range(23)), "every exemplar serves"


def test_the_number_of_chunks_changes_no_slot():
    for chunks in (1, 2, 3, 8, 40):
        found = [slot for chunk in range(chunks) for slot in chunk_slots(25, chunk, chunks)]
        assert found == list(range(25))


def test_another_exemplar_keeps_the_order_of_the_others():
    before = [IDS[number] for number, _ in (next(candidates(slot, 23, drawn(IDS, "s"), 1)) for slot in range(23))]
    more = [*IDS, "set:new"]
    after = [more[number] for number, _ in (next(candidates(slot, 24, drawn(more, "s"), 1)) for slot in range(24))]
    assert [name for name in after if name != "set:new"] == before


@pytest.mark.parametrize(("rows", "spare", "expected"), [(100, 0, 100), (100, 0.02, 102), (3, 0.1, 4), (0, 0.5, 0)])
def test_spare_rows_are_rounded_up(rows, spare, expected):
    assert slots(rows, spare) == expected


def test_no_exemplar_left_is_said():
    with pytest.raises(UserError, match="no exemplar is left"):
        drawn([], "s")


@pytest.mark.parametrize("paradigm", PARADIGMS.values(), ids=lambda paradigm: paradigm.name)
def test_whole_documents_are_the_best_ones_and_never_twice(paradigm):
    ranked = [Passage(str(n), f"T{n}", "text") for n in range(10)]
    sizes = set()
    for exemplar in range(60):
        rounds = list(whole_documents(paradigm.name, "x", ranked, f"s{exemplar}"))
        used = [passage for focus in rounds for passage in focus.sources]
        assert used == ranked[: len(used)]
        sizes |= {len(focus.sources) for focus in rounds}
        assert all(passage.text in rounds[0].variables["documents"] for passage in rounds[0].sources)
    assert sizes == set(range(paradigm.least, paradigm.most + 1))
