"""The second search: from exemplars to first documents, their near passages, and sets that belong together."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from made import exemplar

from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import shard_rows
from rag_instruct.errors import UserError
from rag_instruct.files import write_jsonl
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.paradigms import PARADIGMS, Slot, tried
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.linked_documents import by_exemplar, copy_vectors, first_documents, linked_documents
from rag_instruct.retrieval.queries import by_query, digest_of, save_by_query
from rag_instruct.retrieval.runs import Run, merge
from rag_instruct.retrieval.search import search_shard
from rag_instruct.schema import FirstDocument
from rag_instruct.synthesis.slots import Origin, Synthesis, synthesise
from scripts import choose_first_documents, import_run, link_documents, merge_search
from scripts import copy_vectors as scripts_copy_vectors
from scripts import search_shard as scripts_search_shard

FILL = "and more words that say nothing at all about any of it " * 4
TEXTS = [
    ("Mercury (disambiguation)", f"Mercury may refer to: {FILL}"),
    ("Danube", "Too short."),
    ("Danube", f"The river flows through Vienna. {FILL}"),
    ("Danube", f"The river reaches the sea. {FILL}"),
    ("Vienna", f"The city lies on the Danube. {FILL}"),
    ("Vienna", f"The city has an opera house. {FILL}"),
    ("Budapest", f"The Danube divides this city. {FILL}"),
    ("Belgrade", f"The Danube meets the Sava here. {FILL}"),
    ("Sahara", f"The desert is dry. {FILL}"),
]
BEST = {"e:0": [0, 1, 2, 4], "e:1": [8, 0], "e:2": [3, 2, 8], "e:3": [0, 1]}  # hits of the exemplars, best first


@pytest.fixture
def corpus(tmp_path):
    """Nine passages in three shards, with vectors along a line in the order of the corpus."""
    write_jsonl(tmp_path / "p.jsonl", [{"id": f"id{n}", "title": t, "text": x} for n, (t, x) in enumerate(TEXTS)])
    import_passages(tmp_path / "p.jsonl", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    angles = np.arange(len(TEXTS)) / 10
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float16)
    for shard in range(3):
        first, end = shard_rows(len(TEXTS), shard, 3)
        np.save(tmp_path / f"shard_{shard}.npy", vectors[first:end])
    return tmp_path


FIRST_ROWS = [0, 3, 6]


def shards(folder):
    return [folder / f"shard_{shard}.npy" for shard in range(3)]


class Given:
    """A run of the exemplars."""

    def __init__(self, folder):
        self.run = Run(searched(folder, [FirstDocument("id0", 0, ())]), folder / "p.arrow")
        self.store = self.run.store

    def hits(self, name):
        nearest = {hit.row: hit for hit in self.run.hits("id0")}
        return [nearest[row] for row in BEST[name]]


def searched(folder, documents):
    copy_vectors(documents, shards(folder), FIRST_ROWS, folder / "q.npy")
    hits = []
    for shard, first in enumerate(FIRST_ROWS):
        hits.append(folder / f"hits_{shard}.npy")
        search_shard(folder / "q.npy", folder / f"shard_{shard}.npy", first, len(TEXTS), hits[-1])
    ids = [document.id for document in documents]
    merge(hits, len(TEXTS), ids, folder / "p.arrow", folder / "run.parquet", folder / "run.trec")
    return folder / "run.parquet"


def linked(folder, documents):
    return list(linked_documents(documents, Run(searched(folder, documents), folder / "p.arrow"), 20))


def test_a_first_document_is_the_best_hit_that_is_long_enough_and_no_list(corpus):
    found = first_documents(BEST, Given(corpus), 20, 1)
    assert [(one.id, one.row, one.exemplars) for one in found] == [
        ("id2", 2, ("e:0",)),
        ("id3", 3, ("e:2",)),
        ("id8", 8, ("e:1",)),
    ], "e:3 has none"
    assert first_documents(BEST, Given(corpus), 40, 1) == [], "a first document needs twice the words"


def test_a_hit_that_is_linked_to_another_hit_goes_first(corpus):
    BEST["e:4"] = [8, 5, 4, 2]
    (found,) = first_documents(["e:4"], Given(corpus), 20, 1)
    del BEST["e:4"]
    assert found.id == "id5", "the last hit names Vienna; the best is linked to none"


def test_exemplars_share_a_first_document(corpus):
    BEST["e:5"] = [2]
    (found,) = first_documents(["e:5", "e:0"], Given(corpus), 20, 1)
    del BEST["e:5"]
    assert found.exemplars == ("e:0", "e:5")


def test_vectors_are_the_corpus_s_own_whatever_the_shard(corpus):
    documents = [FirstDocument(f"id{row}", row, ()) for row in (8, 0, 3, 2)]
    copy_vectors(documents, shards(corpus), FIRST_ROWS, corpus / "q.npy")
    whole = np.concatenate([np.load(path) for path in shards(corpus)]).astype(np.float32)
    np.testing.assert_array_equal(by_query(corpus / "q.npy", ["id8", "id0", "id3", "id2"]), whole[[8, 0, 3, 2]])


def test_a_document_outside_the_shards_is_refused(corpus):
    documents = [FirstDocument("id1", 1, ()), FirstDocument("id9", 9, ())]
    with pytest.raises(UserError, match=r"1 of 2 first documents are not in the shards.* delete this folder"):
        copy_vectors(documents, shards(corpus), FIRST_ROWS, corpus / "q.npy")
    copy_vectors([], shards(corpus), FIRST_ROWS, corpus / "q.npy")
    assert by_query(corpus / "q.npy", []).shape == (0, 2)


def test_linked_passages_are_the_nearest_of_other_articles(corpus):
    (found,) = linked(corpus, [FirstDocument("id2", 2, ("e:0",))])
    assert [(one.id, one.rank, one.nearest_to, one.link.naming, one.link.words) for one in found.linked] == [
        ("id4", 5, "id2", "id2", "Vienna"),
        ("id6", 7, "id2", "id6", "Danube"),
        ("id7", 8, "id2", "id7", "Danube"),
    ], "neither another passage of Vienna, nor the Sahara, nor a list"
    (alone,) = linked(corpus, [FirstDocument("id8", 8, ("e:1",))])
    assert alone.linked == ()


def test_an_ordinary_word_links_only_near_passages(tmp_path, monkeypatch):
    monkeypatch.setattr("rag_instruct.retrieval.linked_documents.TERM_RANKS", 2)
    texts = [("Alps", f"Valleys that a glacier carved. {FILL}"), *[("Filler", f"Nothing. {FILL}")] * 2]
    for place, expected in ((1, ["id1"]), (3, [])):
        several = [*texts[:place], ("Glacier", f"It is ice. {FILL}"), *texts[place:]]
        monkeypatch.setattr("test_linked_documents.TEXTS", several)
        monkeypatch.setattr("test_linked_documents.FIRST_ROWS", [0, 1, 2])
        write_jsonl(tmp_path / "p.jsonl", [{"id": f"id{n}", "title": t, "text": x} for n, (t, x) in enumerate(several)])
        import_passages(tmp_path / "p.jsonl", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
        angles = np.arange(4) / 10
        vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float16)
        for shard, (first, end) in enumerate(((0, 1), (1, 2), (2, 4))):
            np.save(tmp_path / f"shard_{shard}.npy", vectors[first:end])
        (found,) = linked(tmp_path, [FirstDocument("id0", 0, ())])
        assert [one.id for one in found.linked] == expected


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("The city of Vienna has an opera house.", True, False),  # about its article: half the nearest score is enough
        (f"It rains there. {FILL}", False, False),  # a detail: three quarters are needed
    ],
)
def test_a_named_passage_about_a_detail_has_to_be_nearer(tmp_path, monkeypatch, text, near, far):
    """The nearest passage scores 1, then the named one 0.6 or 0.4."""
    for score, expected in ((0.6, near), (0.4, far), (0.8, True)):
        several = [
            ("Rhine", f"It is not in Vienna. {FILL}"),
            ("Rhine", f"A river. {FILL}"),
            ("Vienna", f"{text} {FILL}"),
        ]
        write_jsonl(tmp_path / "p.jsonl", [{"id": f"id{n}", "title": t, "text": x} for n, (t, x) in enumerate(several)])
        import_passages(tmp_path / "p.jsonl", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
        vectors = np.array([[1, 0], [1, 0], [score, 0]], np.float16)
        np.save(tmp_path / "v.npy", vectors)
        copy_vectors([FirstDocument("id0", 0, ())], [tmp_path / "v.npy"], [0], tmp_path / "q.npy")
        search_shard(tmp_path / "q.npy", tmp_path / "v.npy", 0, 3, tmp_path / "hits.npy")
        merge([tmp_path / "hits.npy"], 3, ["id0"], tmp_path / "p.arrow", tmp_path / "r.parquet", tmp_path / "r.trec")
        run = Run(tmp_path / "r.parquet", tmp_path / "p.arrow")
        (found,) = linked_documents([FirstDocument("id0", 0, ())], run, 20)
        assert bool(found.linked) == expected, score


def test_several_first_documents_are_of_different_articles(corpus):
    found = first_documents(["e:0", "e:2"], Given(corpus), 20, 3)
    assert [(one.id, one.exemplars) for one in found] == [
        ("id2", ("e:0",)),
        ("id3", ("e:2",)),
        ("id4", ("e:0",)),
        ("id8", ("e:2",)),
    ]


def test_passages_without_a_title_are_not_of_one_article(tmp_path, monkeypatch):
    titles = ["Vienna", "", "", "Vienna (city)"]
    several = [(title, f"The city of Vienna, part {n}. {FILL}") for n, title in enumerate(titles)]
    monkeypatch.setattr("test_linked_documents.TEXTS", several)
    monkeypatch.setattr("test_linked_documents.FIRST_ROWS", [0])
    write_jsonl(tmp_path / "p.jsonl", [{"id": f"id{n}", "title": t, "text": x} for n, (t, x) in enumerate(several)])
    import_passages(tmp_path / "p.jsonl", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    monkeypatch.setattr("test_linked_documents.shards", lambda folder: [folder / "shard_0.npy"])
    np.save(tmp_path / "shard_0.npy", np.ones((4, 2), np.float16))
    (found,) = linked(tmp_path, [FirstDocument("id0", 0, ())])
    assert [one.id for one in found.linked] == ["id1", "id2"]
    BEST["e:6"] = [1, 2]
    found = first_documents(["e:6"], Given(tmp_path), 20, 3)
    del BEST["e:6"]
    assert [one.id for one in found] == ["id1", "id2"]


def test_only_exemplars_that_slots_may_try_are_searched():
    many = [exemplar(f"e:{n}", "x") for n in range(1000)]
    for paradigm in ("multi_doc_support", "multi_doc_answer"):
        few = tried(many, paradigm, {"e": 5}, 0.2, 4, "1")
        assert len(few) == 6 * 4 * 4
        assert few <= tried(many, paradigm, {"e": 10}, 0.2, 4, "1"), "more rows add exemplars"
        assert len(tried(many, paradigm, {"e": 500}, 0, 4, "1")) == 1000
        assert tried(many, paradigm, {"other": 5}, 0, 4, "1") == set()


GOOD = '{"question": "Through which city does the Danube flow?", "answer": "The Danube flows through Vienna."}'


def synthesised(folder, paradigm, tries, prompts="full"):
    """One slot over the exemplars of BEST; what was asked, the pairs, and the rejects."""
    asked = []

    async def ask(body, sample=0):
        asked.append(body["messages"][-1]["content"])
        return "key", {"text": GOOD, "finish_reason": "stop"}

    teacher = SimpleNamespace(ask=ask, model=SimpleNamespace(in_flight=1), bought=0, replayed=0)
    exemplars = [exemplar(name, f"What is number {name}?") for name in BEST]
    documents = first_documents(BEST, Given(folder), 20, 1)
    write_records(folder / "linked.jsonl", linked(folder, documents))
    work = Synthesis(
        paradigm, exemplars, Given(folder), load_prompt(ROOT / f"resources/prompts/{prompts}/{paradigm}.yaml"), teacher,
        True, "1", Origin("m", prompts, 1), 20, by_exemplar(folder / "linked.jsonl"),
    )  # fmt: skip
    pairs, rejects = asyncio.run(synthesise(work, [Slot("e", 0, 1)], range(1), tries))
    return asked, pairs, rejects, [one.id for one in work.order("e")]


@pytest.mark.parametrize("paradigm", [name for name, one in PARADIGMS.items() if one.several])
def test_an_exemplar_without_links_is_skipped_at_no_cost_and_the_pair_names_its_links(corpus, paradigm):
    asked, pairs, rejects, order = synthesised(corpus, paradigm, 1)
    unlinked = [name for name in order if name in ("e:1", "e:3")]
    before = order[: next(place for place, name in enumerate(order) if name in ("e:0", "e:2"))]
    assert [(one.exemplar_id, str(one.reason)) for one in rejects][: len(before)] == [
        (name, "no linked documents" if name == "e:1" else "no documents") for name in before
    ]
    assert len(unlinked) == 2
    assert len(asked) == 1, "one try is one request, however many exemplars were skipped"
    (written,) = pairs or rejects[-1:]
    sources, links = written.sources, written.links
    assert 2 <= len(sources) <= 4
    assert len(links) == len(sources) - 1
    assert {link.naming for link in links} | {link.named for link in links} == {one.id for one in sources}
    assert all(one.nearest_to == ("" if one.row in BEST[written.exemplar_id] else sources[0].id) for one in sources)
    assert all(f"Document {n}: " in asked[0] for n in range(1, len(sources) + 1))


def test_one_document_needs_no_link(corpus):
    asked, pairs, rejects, _ = synthesised(corpus, "single_doc_answer", 1)
    assert len(asked) == 1
    assert not (pairs or rejects[-1:])[0].links
    assert "Too short." not in asked[0]
    assert "may refer to" not in asked[0]


def test_the_stages_one_after_another_in_a_corpus_smaller_than_the_depth(corpus):
    """Each stage's command, from exemplars to linked documents; then with the second search given as a run."""
    write_records(corpus / "kept.jsonl", [exemplar(name, "What?") for name in BEST])
    run = searched(corpus, [FirstDocument(name, 0, ()) for name in BEST]).rename(corpus / "exemplars.parquet")
    given = {"passages": corpus / "p.arrow"}
    choose_first_documents.main(
        corpus / "kept.jsonl", run=run, quotas=["multi_doc_answer/e=1", "multi_doc_support/*=1"], oversample=0, tries=4,
        seed="1", source_words=20, count=1, output=corpus / "first.jsonl", **given,
    )  # fmt: skip
    (first,) = read_records(corpus / "first.jsonl", FirstDocument)
    assert first.exemplars == tuple(sorted(BEST)), "all have the hits of the same vector"
    (corpus / "shards.json").write_text(json.dumps({"passages": len(TEXTS), "first_rows": FIRST_ROWS}))
    listed = {"shards": corpus / "shards.json"}
    scripts_copy_vectors.main(corpus / "first.jsonl", vectors=shards(corpus), output=corpus / "q.npy", **listed)
    hits = [corpus / f"hits_{shard}.npy" for shard in range(3)]
    for shard, output in enumerate(hits):
        query = {"vectors": shards(corpus)[shard], "shard": shard, "output": output, **listed}
        with pytest.raises(UserError, match="the 400 best passages, but the corpus has 9"):
            scripts_search_shard.main(corpus / "q.npy", depth=400, **query)
        scripts_search_shard.main(corpus / "q.npy", depth=1, deeper=400, **query)
    queries = {"queries": corpus / "first.jsonl", "depth": 1, "deeper": 400, **given}
    merge_search.main(hits, output=corpus / "near.parquet", trec=corpus / "near.trec", **queries)
    import_run.main(corpus / "near.trec", output=corpus / "given.parquet", trec=corpus / "given.trec", **queries)
    assert (corpus / "given.parquet").read_bytes() == (corpus / "near.parquet").read_bytes()
    link_documents.main(
        corpus / "first.jsonl", run=corpus / "near.parquet", source_words=20, output=corpus / "linked.jsonl", **given
    )
    found = by_exemplar(corpus / "linked.jsonl")
    assert found.keys() == BEST.keys()
    assert [one.id for one in found["e:0"][0].linked] == ["id4", "id6", "id7"]


def test_another_search_s_vectors_are_refused(corpus):
    documents = [FirstDocument("id1", 1, ())]
    copy_vectors(documents, shards(corpus), FIRST_ROWS, corpus / "q.npy")
    save_by_query(corpus / "q.npy", np.load(corpus / "q.npy"), digest_of(["id2"]))
    with pytest.raises(UserError, match="was made for other queries"):
        by_query(corpus / "q.npy", ["id1"])


def test_a_damaged_list_of_shards_is_named(tmp_path):
    (tmp_path / "shards.json").write_text('{"passages": 9')
    with pytest.raises(UserError, match=r"shards\.json, line 1: not JSON"):
        scripts_search_shard.main(
            tmp_path / "q.npy", vectors=tmp_path / "v.npy", shard=0, shards=tmp_path / "shards.json", depth=1,
            output=tmp_path / "hits.npy",
        )  # fmt: skip
