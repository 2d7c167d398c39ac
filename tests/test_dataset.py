import shutil

import made
import numpy as np
import pytest
from conftest import ROOT
from made import pair
from made import row as made_row
from msgspec.structs import replace

from rag_instruct.corpus.passages import Passage
from rag_instruct.dataset import gathering
from rag_instruct.dataset.assembling import assemble
from rag_instruct.dataset.gathering import gather, question_keys
from rag_instruct.dataset.merging import apply_tests, merge, refuse_empty
from rag_instruct.dataset.verification import sampled
from rag_instruct.errors import UserError
from rag_instruct.reasons import Reason
from rag_instruct.retrieval.runs import Hit
from rag_instruct.retrieval.vectors import HITS
from rag_instruct.schema import Reject, Source
from rag_instruct.words import fold


class Store:
    def __getitem__(self, rows):
        return [Passage(str(row), f"T{row}", f"text {row % 90}") for row in rows]


class Run:
    store = Store()

    def hits(self, query_id, beyond=0):
        assert query_id.startswith("p"), "the pair's id"
        return [Hit(self.store[[row]][0], row, row + 1, 1.0 - row / 100) for row in range(beyond, 100)]


def test_noise_ranks_beyond_and_is_never_a_source_a_hidden_passage_or_a_repeated_text():
    # Passages 5 and 95 have the same text.
    pairs = [pair(n, sources=(5, 60), hidden=[str(h) for h in range(30, 50)]) for n in range(50)]
    rows, rejected = assemble(pairs, Run(), 10, 20, "1")
    assert not rejected
    for row in rows:
        noise = [p for p in row.passages if p.role == "noise"]
        assert len(row.documents) == len(set(row.documents)) == 10
        assert len({document.split("\n")[1] for document in row.documents}) == 10
        assert {p.id for p in row.passages if p.role == "source"} == {"5", "60"}
        assert all(p.rank > 20 and not 30 <= int(p.id) < 50 for p in noise)


def test_documents_that_the_teacher_left_unused_are_the_first_noise():
    unused = (Source("7", 7, 3, 0.4, nearest_to="3"), Source("5", 5, 4, 0.3))
    rows, _ = assemble([pair(0, sources=(3, 5), unused=unused)], Run(), 6, 20, "1")
    noise = {passage.id: passage.rank for passage in rows[0].passages if passage.role == "noise"}
    assert noise["7"] == 3
    assert {passage.id: passage.nearest_to for passage in rows[0].passages if passage.nearest_to} == {"7": "3"}
    assert sum(rank > 20 for rank in noise.values()) == 3
    assert rows[0].unused_passages == ("7",), "a source is never noise"
    rows, _ = assemble([pair(0, sources=(3,), unused=unused)], Run(), 0, 20, "1")
    assert (len(rows[0].documents), rows[0].unused_passages) == (1, ())


def test_a_row_that_declines_has_no_document_that_answers():
    withheld = {"withheld": "43", "declined": "No document tells it.", "answer": "It is text 77 of T77."}
    rows, _ = assemble([pair(n, sources=(43, 5), **withheld) for n in range(20)], Run(), 10, 20, "1")
    for row in rows:
        assert (row.answer, row.withheld_answer) == ("No document tells it.", "It is text 77 of T77.")
        assert [passage.id for passage in row.passages if passage.role == "source"] == ["5"]
        assert row.hidden_passages == ("43",)
        assert not {"43", "77"} & {passage.id for passage in row.passages}
    assert sampled(rows, 1, "1") == [], "verification would find that the documents do not answer"


@pytest.mark.parametrize("answer", ["Yes.", "B) text 77", "It is text 77 of T77 [1]."])
def test_a_bare_answer_of_a_row_that_declines_leaves_documents_for_noise(answer):
    """An answer that adds no words to the question, or has citations, does not make every document an answer."""
    asked = (
        "Is it the text 77 of T77?\nA) text 5\nB) text 77" if answer.startswith("B") else "Is it the text 77 of T77?"
    )
    withheld = {"withheld": "43", "declined": "No document tells it.", "answer": answer, "cited": "[" in answer}
    rows, _ = assemble([pair(n, asked, sources=(43, 5), **withheld) for n in range(20)], Run(), 10, 20, "1")
    assert len(rows) == 20
    assert not {passage.id for row in rows for passage in row.passages} & {"43", "77"}


def test_noise_is_no_copy_of_a_withheld_or_hidden_text():
    class Copies(Run):
        def hits(self, *given):
            copies = {77: "text 43", 78: "text 44"}
            return [replace_text(hit, copies[hit.row]) if hit.row in copies else hit for hit in super().hits(*given)]

    def replace_text(hit, text):
        return Hit(Passage(hit.passage.id, hit.passage.title, text), hit.row, hit.rank, hit.score)

    withheld = {"withheld": "43", "declined": "No document tells it.", "answer": "Nobody knows.", "hidden": ("44",)}
    rows, _ = assemble([pair(n, sources=(43, 5), **withheld) for n in range(40)], Copies(), 10, 20, "1")
    noise = {passage.id for row in rows for passage in row.passages}
    assert len(noise) > 50
    assert not noise & {"43", "44", "77", "78"}


def test_citations_number_the_rows_documents():
    said = "It is so [1]. It is not so [2][1]. items[1]"
    rows, _ = assemble([pair(n, sources=(3, 5), answer=said, cited=True) for n in range(20)], Run(), 10, 20, "1")
    for row in rows:
        third, fifth = (next(n for n, p in enumerate(row.passages, start=1) if p.id == wanted) for wanted in "35")
        assert row.answer == f"It is so [{third}]. It is not so [{fifth}][{third}]. items[1]"
        assert row.cited
    assert len({row.answer for row in rows}) > 5
    withheld = {"withheld": "3", "declined": "It is not so [2]. No document tells more [1].", "answer": said}
    row = assemble([pair(0, sources=(3, 5), cited=True, **withheld)], Run(), 10, 20, "1")[0][0]
    assert row.answer.endswith("No document tells more."), "the withheld document has no number"
    withheld["declined"] = "No document tells it."
    assert not assemble([pair(0, sources=(3, 5), cited=True, **withheld)], Run(), 10, 20, "1")[0][0].cited


def test_the_place_of_a_source_document_says_nothing():
    rows, _ = assemble([pair(n) for n in range(400)], Run(), 10, 20, "1")
    places = [next(i for i, p in enumerate(row.passages) if p.role == "source") for row in rows]
    assert all(20 < places.count(place) < 65 for place in range(10))


def test_a_pair_without_enough_noise_is_a_reject_with_its_reason():
    rows, rejected = assemble([pair(0)], Run(), 10, 95, "1")
    assert not rows
    assert [reject.reason for reject in rejected] == ["too few noise documents"]


def test_no_noise_leaves_the_sources():
    rows, _ = assemble([pair(0, sources=(1, 2, 3))], Run(), 0, 20, "1")
    assert len(rows[0].documents) == 3


def test_chunks_are_gathered_by_slot_and_checked():
    kept, repeated = gather([[pair(2, "B?")], [pair(0, "A?"), pair(1, "a ?")]], 3)
    assert [p.slot for p in kept] == [0, 2]
    assert [(p.slot, p.reason, p.repeats) for p in repeated] == [(1, "repeated question", "p0")]
    with pytest.raises(UserError, match=r"more than one pair \(1 pairs too many\)"):
        gather([[pair(0)], [pair(0)]], 3)
    with pytest.raises(UserError, match="1 pairs have row slot numbers outside 0 to 2"):
        gather([[pair(3)]], 3)


def test_a_fact_is_asked_for_once_whatever_the_folder_of_its_prompts_is_called(tmp_path, monkeypatch):
    prompts = tmp_path / "resources/prompts"
    shutil.copytree(ROOT / "resources/prompts/compact", prompts / "my_compact")
    shutil.copytree(ROOT / "resources/prompts/full", prompts / "compact")
    monkeypatch.setattr(gathering, "root", lambda: tmp_path)
    uncached = gathering._makes_pairs_from_facts.__wrapped__
    monkeypatch.setattr(gathering, "_makes_pairs_from_facts", uncached)
    answer = "Ann Lee was born in 1912."

    def kept(**given):
        asked = [pair(0, "When was Ann Lee born?", answer=answer, **given)]
        asked.append(pair(1, "Is it true that she was born in 1912?", answer=f"Yes. {answer}", **given))
        return [one.slot for one in gather([asked], 2)[0]]

    assert kept(prompts="my_compact", paradigm="single_doc_answer") == [0]
    assert kept(prompts="compact", paradigm="single_doc_answer") == [0, 1], "these write from whole documents"
    assert kept(prompts="gone", paradigm="single_doc_answer") == [0, 1]
    relabelled = made.row("r", "single_doc_answer", prompts="my_compact", intended_paradigm="useless_doc")
    (prompts / "my_compact/single_doc_answer.yaml").unlink()
    assert len(question_keys(relabelled)) == 2, "the prompt that wrote a row is that of its first paradigm"


def test_facts_with_bare_answers_are_no_repeated_questions():
    """The folder `compact` never answers so, but the prompts of a copy may."""
    for answer in ("Yes.", "No", "B", "B.", "(B)"):
        asked = [
            pair(n, f"Question {n}?", answer=answer, prompts="compact", paradigm="single_doc_answer") for n in range(2)
        ]
        assert [one.slot for one in gather([asked], 2)[0]] == [0, 1], answer


def test_the_same_question_in_other_letters():
    assert fold("Où est  l'Étang?") == fold("ou est l etang")


def test_a_merge_accounts_for_every_row():
    rows, _ = assemble([pair(n, f"Question {n}") for n in range(10)], Run(), 5, 20, "1")
    other = [replace(row, id=f"q{row.id}", paradigm="q") for row in rows[:4]]
    other.append(replace(rows[0], id="new", question="New"))
    merged, left_out, counts = merge({"p": rows, "q": other}, {"p": 6, "q": 5}, "1")
    assert counts == {
        "p": {"wanted": 6, "rows": 6, "stopped": 0, "repeated": 0, "surplus": 4, "relabelled": 0, "gained": 0},
        "q": {"wanted": 5, "rows": 1, "stopped": 0, "repeated": 4, "surplus": 0, "relabelled": 0, "gained": 0},
    }
    assert len(merged) == 7
    assert len(merged) + len(left_out) == 15
    assert merge({"p": rows[::-1][::-1], "q": other}, {"p": 6, "q": 5}, "1")[0] == merged


def test_an_empty_data_set_is_an_error_with_the_commonest_reason_and_all_others(tmp_path):
    rejects = [Reject("p", Reason.UNGROUNDED)] * 3 + [Reject("q", Reason.UNFINISHED, "length")] * 2
    with pytest.raises(UserError) as refusal:
        refuse_empty(tmp_path / "mine.jsonl", [], rejects)
    said = str(refusal.value)
    for part in ("mine.jsonl: 0 rows. 3 of 5 rejects are ungrounded: ", Reason.UNGROUNDED.remedy, "2 of 5 rejects are unfinished",
                 "mine/pairs/*.rejects.jsonl"):  # fmt: skip
        assert part in said
    rows, _ = assemble([pair(0)], Run(), 5, 20, "1")
    refuse_empty(tmp_path / "mine.jsonl", rows, rejects)


class Corpus(Store):
    """1,000 passages, of which the search found the first 100. Every third passage states the answer."""

    def __len__(self):
        return 1000

    def __getitem__(self, rows):
        return [
            Passage(str(row), f"T{row}", f"text {row}" + (" Asaph Hall" if row % 3 == 0 else ""))
            for row in map(int, rows)
        ]


class Searched(Run):
    store = Corpus()

    def ranking(self, query_id):
        return np.array([(hit.row, hit.score) for hit in self.hits(query_id)], HITS)


def noise_ranks(choose, answer="It was Asaph Hall."):
    asked = [pair(n, "Who found the moons?", sources=(5,), answer=answer) for n in range(20)]
    rows, rejected = assemble(asked, Searched(), 10, 40, "1", choose=choose)
    assert not rejected
    assert all(len(set(row.documents)) == 10 for row in rows)
    return [sorted(p.rank for p in row.passages if p.role == "noise") for row in rows]


def test_hard_noise_is_near_and_has_not_the_answers_words():
    """Rank 6 is the source document; ranks 1, 4, 7 and so on state the answer."""
    assert set(map(tuple, noise_ranks("hard"))) == {(2, 3, 5, 8, 9, 11, 12, 14, 15)}


def test_without_words_of_its_own_an_answer_shows_no_hard_noise_and_the_window_serves():
    assert all(min(ranks) > 40 for ranks in noise_ranks("hard", "Yes."))


def test_random_noise_is_of_the_whole_corpus_and_not_of_the_search():
    assert set(map(tuple, noise_ranks("random"))) == {(0,) * 9}
    rows, _ = assemble([pair(n, sources=(5,)) for n in range(200)], Searched(), 10, 40, "1", choose="random")
    found = [int(p.id) for row in rows for p in row.passages if p.role == "noise"]
    assert min(found) >= 100
    assert len(set(found)) > 750, "1,800 draws of 900 passages"
    assert noise_ranks("random") == noise_ranks("random")


def test_random_noise_of_a_corpus_that_the_search_found_whole_is_beyond_the_first_ranks(monkeypatch):
    """The passages of the search are 100; with a corpus of 104, four are left to draw."""
    for size in (100, 104):
        monkeypatch.setattr(Corpus, "__len__", lambda _, size=size: size)
        ranks = noise_ranks("random")
        assert all(rank == 0 or rank > 40 for found in ranks for rank in found)
        assert {found.count(0) for found in ranks} == {size - 100}
        assert len(set(map(tuple, ranks))) > 10, "drawn, not the first of the window"


def test_a_row_of_a_paradigm_that_nobody_asked_for_is_named():
    with pytest.raises(
        UserError, match="the row 'r' is of the paradigm useless_doc, and not of single_doc_answer: ask"
    ):
        apply_tests([made_row("r", "useless_doc")], ["single_doc_answer"], [], [], "keep", [], "keep")


def test_mixed_noise_is_a_third_of_each():
    for ranks in noise_ranks("mixed"):
        assert [rank == 0 for rank in ranks] == [True] * 3 + [False] * 6
        assert [rank > 40 for rank in ranks] == [False] * 6 + [True] * 3
