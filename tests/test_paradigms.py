import pytest
from made import exemplar

from rag_instruct.corpus.passages import Passage
from rag_instruct.paradigms import ANY, LOOKED_AT, PARADIGMS, candidates, chunk_slots, drawing_orders, quotas, slots
from rag_instruct.synthesis.focus import whole_documents

EXEMPLARS = [exemplar(f"{name}:{n}", "x") for name, count in (("a", 23), ("b", 9)) for n in range(count)]


def tried(rows, exemplars=EXEMPLARS, tries=3, oversample=0.0):
    """Every slot's candidates: [(set, number)] -> [(exemplar id, round)]."""
    orders = drawing_orders(exemplars, "seed")
    return {
        (slot.source, slot.number): [(one.id, round_) for one, round_ in candidates(slot, orders[slot.source], tries)]
        for slot in slots(rows, oversample)
    }


@pytest.mark.parametrize("tries", [1, 2, 7])
@pytest.mark.parametrize("rows", [{ANY: 10}, {"a": 10, "b": 7}, {"a": 50}, {"b": 3}])
def test_no_two_slots_share_a_candidate(rows, tries):
    found = [candidate for candidates_ in tried(rows, tries=tries).values() for candidate in candidates_]
    assert len(set(found)) == len(found) == LOOKED_AT * tries * sum(rows.values())
    if ANY not in rows:
        assert {name.split(":")[0] for name, _ in found} == set(rows)


def test_an_added_set_and_more_rows_change_no_candidate_of_the_others():
    before = tried({"a": 5, "b": 3})
    more = [*EXEMPLARS, *(exemplar(f"c:{n}", "x") for n in range(40))]
    after = tried({"a": 7, "b": 3, "c": 9}, more)
    assert {slot: after[slot][:3] for slot in before} == {slot: found[:3] for slot, found in before.items()}
    assert len(after) == 19


def test_a_slot_sees_other_exemplars_before_the_same_again():
    """Candidates without documents are no tries, so there are more; they are not the same exemplars in other rounds."""
    (found,) = tried({"a": 1}, tries=2).values()
    assert len(set(found)) == LOOKED_AT * 2 == len({name for name, _ in found})


def test_the_sets_take_turns_by_their_shares():
    order = [slot.source for slot in slots({"a": 4, "b": 2}, 0)]
    assert order == ["a", "b", "a", "a", "b", "a"]


def test_the_number_of_chunks_changes_no_slot():
    for chunks in (1, 2, 3, 8, 40):
        found = [slot for chunk in range(chunks) for slot in chunk_slots(25, chunk, chunks)]
        assert found == list(range(25))


def test_another_exemplar_keeps_the_order_of_the_others():
    before = [one.id for one in drawing_orders(EXEMPLARS, "s")[ANY]]
    more = [*EXEMPLARS, exemplar("a:1000", "x")]
    after = [one.id for one in drawing_orders(more, "s")[ANY]]
    assert [name for name in after if name != "a:1000"] == before


@pytest.mark.parametrize(
    ("rows", "oversample", "expected"), [(100, 0, 100), (100, 0.02, 102), (3, 0.1, 4), (0, 0.5, 0)]
)
def test_spare_rows_are_rounded_up(rows, oversample, expected):
    assert len(slots({"a": rows}, oversample)) == expected


def test_rows_are_of_any_set_or_of_named_ones():
    paradigms = {"useless_doc": 8, "single_doc_answer": {"a": 3, "b": 0}}
    assert quotas({"paradigms": paradigms}, "useless_doc") == {ANY: 8}
    assert quotas({"paradigms": paradigms}, "single_doc_answer") == {"a": 3}
    assert quotas({"paradigms": paradigms}, "multi_doc_answer") == {}


@pytest.mark.parametrize("paradigm", PARADIGMS.values(), ids=lambda paradigm: paradigm.name)
def test_whole_documents_are_the_best_ones_and_never_twice(paradigm):
    ranked = [Passage(str(n), f"T{n}", "text") for n in range(10)]
    sizes = set()
    for number in range(60):
        rounds = list(whole_documents(paradigm.name, ranked, f"s{number}"))
        used = [passage for focus in rounds for passage in focus.sources]
        assert used == ranked[: len(used)]
        sizes |= {len(focus.sources) for focus in rounds}
        assert all(passage.text in rounds[0].variables["documents"] for passage in rounds[0].sources)
    assert sizes == set(range(paradigm.least, paradigm.most + 1))
