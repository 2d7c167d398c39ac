"""The Python API: the example of docs/api.md as it stands, with a teacher on loopback."""

import json
import pathlib
import re

import numpy as np
import pytest
from conftest import ROOT
from faulty import answer_to
from loopback import endpoint

from rag_instruct import api
from rag_instruct.files import save_array

PAGE = (ROOT / "docs/api.md").read_text("utf-8")


def answered(request):
    """A pair, an answer or a grade, as the request's schema asks."""
    asked = request["response_format"]["json_schema"]["schema"]["properties"]
    if "verdict" in asked:
        return '{"verdict": "right"}'
    return json.dumps({"answer": "It is known."}) if "question" not in asked else answer_to(request)


@pytest.mark.slow
def test_the_example_of_the_page_runs_offline_and_costs_nothing_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    with endpoint(answered) as served:
        code = "\n".join(blocks).replace("http://127.0.0.1:8000/v1", served.base_url)
        assert served.base_url in code
        names: dict = {}
        exec(code, names)
        bought = len(served.requests)
        exec(code, {})
        assert len(served.requests) == bought > 1, "the store has every answer"
    pair, row = names["pair"], names["row"]
    assert isinstance(pair, api.Pair)
    assert [passage.role for passage in row.passages].count("noise") == 4
    assert names["verdict"].findings.documents == 1
    assert pair.question in capsys.readouterr().out


def test_an_index_finds_linked_documents(tmp_path, monkeypatch):
    """One of four passages names the article of another, which is not the nearest."""
    more = " and so on" * 20
    texts = [
        ("Mars", "A planet with two moons."),
        ("Ares", "A god of war."),
        ("Phobos", "A moon of Mars."),
        ("Io", "Far off."),
    ]
    lines = [json.dumps({"id": n, "title": title, "text": text + more}) for n, (title, text) in enumerate(texts)]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    corpus = api.import_corpus(tmp_path / "p.jsonl", tmp_path / "corpus")
    vectors = np.array([[1, 0], [0.96, 0.28], [0.6, 0.8], [0, 1]], np.float16)
    (tmp_path / "corpus/v").mkdir()
    for shard, part in enumerate((vectors[:2], vectors[2:])):
        save_array(tmp_path / f"corpus/v/shard_{shard:02d}.npy", part)
    (tmp_path / "corpus/v/shards.json").write_text('{"passages": 4, "first_rows": [0, 2]}')
    monkeypatch.setattr("rag_instruct.retrieval.passage_index.Encoder", lambda settings: None)
    index = api.open_index(tmp_path / "corpus", api.EncoderSettings("m"), "v")
    assert [hit.passage.title for hit in index.nearest(2, 3)] == ["Phobos", "Ares", "Io"]
    hits = [api.Hit(corpus[[row]][0], row, rank, 1.0 / rank) for rank, row in ((1, 1), (2, 2), (3, 0), (4, 3))]

    def written(**given):
        with endpoint(answered) as served:
            teacher = {"model": "m", "base_url": served.base_url, "price": {"input": 0, "output": 0}}
            paid = {"teacher": teacher, "store": tmp_path / "answers", "budget": api.Budget(requests=2)}
            return api.synthesise("Who?", hits, "multi_doc_answer", **paid, **given)

    found = written(index=index)
    assert [(source.id, source.nearest_to) for source in found.sources] == [("2", ""), ("0", "")]
    assert (found.links[0].naming, found.links[0].named, found.links[0].words) == ("2", "0", "Mars")
    assert written().sources[0].id == "1"
    assert not written().links
    assert written(index=index, source_words=200).reason == "no documents"


def test_a_budget_is_kept(tmp_path):
    hits = [api.Hit(api.Passage("1", "Mars", "Mars has two moons. " * 5), 0, 1, 0.9)]
    teacher = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(api.UserError, match="requests"):
        api.synthesise(
            "Who?", hits, "single_doc_answer", teacher=teacher, store=tmp_path, budget=api.Budget(requests=0)
        )


def test_the_search_of_own_vectors_is_exact(tmp_path):
    vectors = np.eye(4, dtype=np.float32)
    save_array(tmp_path / "vectors.npy", vectors)
    hits = api.exact_search(vectors[2:3], tmp_path / "vectors.npy", 2)
    assert hits["row"].tolist() == [[2, 0]]
    assert hits["score"].tolist() == [[1.0, 0.0]]


def test_noise_that_does_not_suffice_is_refused():
    texts = dict.fromkeys(("paradigm", "id", "exemplar_id", "exemplar", "license", "kind", "question", "answer"), "")
    pair = api.Pair(
        slot=0, attempt=0, sources=(), hidden=(), request_keys=(), teacher="", prompts="", prompt_version=1, **texts
    )

    class Empty:
        def __getitem__(self, rows):
            return []

    with pytest.raises(api.UserError, match="0 hits leave too few noise documents for 3"):
        api.add_noise(pair, [], Empty(), documents=3)


class OneHot:
    """An encoder of four texts: each gets its own axis, by its title's first letter."""

    identity = "{}"
    dimension = 4

    def __init__(self, settings):
        pass

    def encode(self, texts, what):
        return np.eye(4, dtype=np.float32)[["abcd".index(text[0].lower()) for text in texts]]

    def encode_passages(self, texts, counter):
        return self.encode(texts, "")


def test_an_index_follows_a_corpus_that_is_imported_again(tmp_path, monkeypatch):
    """The vectors of the earlier corpus would give the wrong passage, or none."""
    monkeypatch.setattr("rag_instruct.api.Encoder", OneHot)
    monkeypatch.setattr("rag_instruct.retrieval.passage_index.Encoder", OneHot)
    for titles in ("Abc", "Cb", "Cb"):
        lines = [json.dumps({"id": n, "title": title, "text": f"{title} text"}) for n, title in enumerate(titles)]
        (tmp_path / "p.jsonl").write_text("\n".join(lines))
        api.import_corpus(tmp_path / "p.jsonl", tmp_path / "corpus")
        index = api.open_index(tmp_path / "corpus", api.EncoderSettings("m"))
        assert index.best("C", 1)[0].passage.title.lower() == "c"
    other = api.open_index(tmp_path / "corpus", api.EncoderSettings("m", query_prefix="c"))
    assert other.best("C", 1)
    made = json.loads((tmp_path / "corpus/index/made_of.json").read_text())
    api.open_index(tmp_path / "corpus", api.EncoderSettings("other"))
    assert json.loads((tmp_path / "corpus/index/made_of.json").read_text()) != made


def test_an_index_leaves_vectors_alone_that_the_workflow_has_not_finished(tmp_path, monkeypatch):
    """A shard takes hours. The folder has no shards.json until all shards are made."""
    monkeypatch.setattr("rag_instruct.api.Encoder", OneHot)
    monkeypatch.setattr("rag_instruct.retrieval.passage_index.Encoder", OneHot)
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "1", "title": "A", "text": "a"}))
    api.import_corpus(tmp_path / "p.jsonl", tmp_path / "corpus")
    (tmp_path / "corpus/index").mkdir()
    unfinished = tmp_path / "corpus/index/shard_00_0123456789ab.part"
    unfinished.write_bytes(b"vectors")
    with pytest.raises(api.UserError, match="give another `name`"):
        api.open_index(tmp_path / "corpus", api.EncoderSettings("m"))
    assert [file.name for file in unfinished.parent.iterdir()] == [unfinished.name]


def test_an_index_whose_making_was_killed_is_made_by_the_next_call(tmp_path, monkeypatch):
    def killed(encoder, *files):
        (files[-1].parent / "shard_00_0123456789ab.part").write_bytes(b"vectors")
        raise KeyboardInterrupt

    monkeypatch.setattr("rag_instruct.api.Encoder", OneHot)
    monkeypatch.setattr("rag_instruct.retrieval.passage_index.Encoder", OneHot)
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "1", "title": "A", "text": "a"}))
    api.import_corpus(tmp_path / "p.jsonl", tmp_path / "corpus")
    with monkeypatch.context() as patch:
        patch.setattr("rag_instruct.api.embed_shard", killed)
        with pytest.raises(KeyboardInterrupt):
            api.open_index(tmp_path / "corpus", api.EncoderSettings("m"))
    assert api.open_index(tmp_path / "corpus", api.EncoderSettings("m")).best("a", 1)


def test_an_import_that_is_killed_before_its_end_leaves_no_digest_of_the_earlier_corpus(tmp_path, monkeypatch):
    """With it, the vectors of the earlier corpus would be taken for those of the new one."""

    def killed(path, value):
        raise KeyboardInterrupt

    for text in ("one", "two"):
        (tmp_path / "p.jsonl").write_text(json.dumps({"id": "1", "text": text}))
        if text == "two":
            monkeypatch.setattr("rag_instruct.corpus.importing.write_json", killed)
            with pytest.raises(KeyboardInterrupt):
                api.import_corpus(tmp_path / "p.jsonl", tmp_path / "corpus")
        else:
            api.import_corpus(tmp_path / "p.jsonl", tmp_path / "corpus")
    with pytest.raises(api.UserError, match=r"passages\.json: no such file"):
        api.open_index(tmp_path / "corpus", api.EncoderSettings("m"))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: api.synthesise("Who?", [], "single_doc", teacher={}, store=None, budget=None), "single_doc_answer"),
        (lambda: written_by(model="m"), "give either base_url or server"),
        (lambda: written_by(model="m", base_ulr="x"), "did you mean 'base_url'"),
        (lambda: written_by(base_url="http://127.0.0.1:9/v1"), "'model' is missing"),
        (lambda: written_by(language="xx"), "language: 'xx' is unknown"),
        (lambda: api.import_corpus("p.tsv", None, words=100, split="sentences"), "'sentences' is not one of"),
        (lambda: api.import_corpus("p.tsv", None, split="structure"), "which needs `words`"),
        (lambda: api.import_corpus("p.tsv", None, split="sentences"), "'sentences' is not one of"),
        (lambda: api.exact_search(np.eye(2), pathlib.Path("nowhere.npy"), 0), "k: 0 is too small"),
        (lambda: api.open_index(pathlib.Path("nowhere"), api.EncoderSettings("m")), "nowhere"),
        (lambda: api.exact_search(np.eye(2), pathlib.Path("nowhere.npy"), 2), "no such file"),
    ],
)
def test_a_wrong_argument_is_a_user_error(call, said):
    with pytest.raises(api.UserError, match=said):
        call()


def written_by(language="en", **teacher):
    return api.synthesise(
        "Who?", [], "single_doc_answer", teacher=teacher, store=None, budget=api.Budget(), language=language
    )


def test_queries_of_another_shape_are_refused(tmp_path):
    save_array(tmp_path / "vectors.npy", np.eye(4, dtype=np.float32))
    for queries in (np.ones(4), np.ones((2, 3))):
        with pytest.raises(api.UserError, match=r"give \(queries, 4\)"):
            api.exact_search(queries, tmp_path / "vectors.npy", 2)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e39])
def test_queries_that_are_not_finite_are_refused(tmp_path, wrong):
    """Any row would be the best."""
    save_array(tmp_path / "vectors.npy", np.eye(4, dtype=np.float32))
    with pytest.raises(api.UserError, match=r"query 1 \(from 0\) has a number that is not finite"):
        api.exact_search(np.array([[1, 0, 0, 0], [0, wrong, 0, 0]]), tmp_path / "vectors.npy", 2)
