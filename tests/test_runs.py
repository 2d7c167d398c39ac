import gzip
import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import recording
from test_search import made, passages, searched

from rag_instruct.corpus.importing import import_passages
from rag_instruct.errors import UserError
from rag_instruct.retrieval.foreign_runs import import_run
from rag_instruct.retrieval.runs import Run, merge

ROWS, K = 300, 12
IDS = ["plain", "with blank", "100%"]


@pytest.fixture
def run(tmp_path):
    """A merged run of three queries over 300 passages in two shards."""
    queries, vectors = made(3, ROWS, 16, "duplicates")
    files = searched(tmp_path, queries, vectors, K, 2, IDS)
    merge(files, K, IDS, passages(tmp_path, ROWS), tmp_path / "run.parquet", tmp_path / "run.trec")
    return tmp_path


def test_a_run_in_trecs_format_is_the_same_run(run):
    lines = (run / "run.trec").read_text().splitlines()
    assert len(lines) == 3 * K
    assert [len(line.split()) for line in lines] == [6] * len(lines), "blanks in ids are quoted"
    assert lines[K].startswith("with%20blank Q0 id")
    import_run(run / "run.trec", K, IDS, run / "p.arrow", run / "again.parquet", run / "again.trec")
    assert (run / "again.parquet").read_bytes() == (run / "run.parquet").read_bytes()
    assert (run / "again.trec").read_bytes() == (run / "run.trec").read_bytes()


def test_another_retrievers_run_is_cut_and_put_in_our_order(run):
    lines = [*[f"plain Q0 id{n} {n + 1} {100 - n // 2} bm25" for n in range(20)][::-1], "other Q0 id1 1 5.0 bm25"]
    (run / "bm25.trec").write_text("\n".join(lines))
    import_run(run / "bm25.trec", 5, ["plain"], run / "p.arrow", run / "o.parquet", run / "o.trec")
    hits = Run(run / "o.parquet", run / "p.arrow").hits("plain")
    assert [(hit.passage.id, hit.row, hit.rank, hit.score) for hit in hits] == [
        (f"id{n}", n, n + 1, 100.0 - n // 2) for n in range(5)
    ], "equal scores in the corpus's order"


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("r\u00e9.trec", "q1 Q0 a 1 2 x\n")
    path.write_bytes(path.read_bytes().replace("r\u00e9".encode(), b"r\x82\x82"))
    with pytest.raises(UserError, match=r"r\.zip: unreadable \(.*is the file complete"):
        import_run(path, 1, ["q1"], tmp_path / "p.arrow", tmp_path / "o.parquet", tmp_path / "o.trec")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain Q0 id1 1\n", "line 1: 'plain Q0 id1 1' is not `query Q0 passage rank score name`"),
        ("plain Q0 id1 1 high bm25\n", "line 1: "),
        ("plain Q0 id1 1 nan bm25\n", "line 1: "),
        ("plain Q0 id1 1 5 x\nplain Q0 id1 2 4 x\n", "line 2: "),
        ("plain Q0 id1 1 5.0 bm25\n", "1 of 1 queries have fewer than 2 hits. The first is 'plain' with 1"),
        (
            "plain Q0 id1 1 5 x\nplain Q0 nowhere 2 4 x\n",
            "1 of its passage ids are not in the corpus, such as 'nowhere'",
        ),
    ],
)
def test_a_run_that_cannot_be_used_is_refused(run, text, said):
    (run / "bad.trec").write_text(text)
    with pytest.raises(UserError) as refusal:
        import_run(run / "bad.trec", 2, ["plain"], run / "p.arrow", run / "o.parquet", run / "o.trec")
    assert said in str(refusal.value)
    assert str(run / "bad.trec") in str(refusal.value)
    assert not (run / "o.parquet").exists()


def test_shards_of_another_search_are_refused(run):
    files = [run / "hits_0.npy", run / "hits_1.npy"]
    with pytest.raises(UserError, match=r"hits_0\.npy was made for 3 queries, but there are 2"):
        merge(files, K, IDS[:2], run / "p.arrow", run / "o.parquet", run / "o.trec")
    with pytest.raises(UserError, match=r"hits_0\.npy was made for other queries: their ids or their order differ"):
        merge(files, K, IDS[::-1], run / "p.arrow", run / "o.parquet", run / "o.trec")
    with pytest.raises(UserError, match="1 query ids occur more than once, such as 'plain'"):
        merge(files, K, ["plain", "plain", "100%"], run / "p.arrow", run / "o.parquet", run / "o.trec")
    with pytest.raises(UserError, match="the shards have 24 hits per query, but 25 are needed"):
        merge(files, 25, IDS, run / "p.arrow", run / "o.parquet", run / "o.trec")


def test_hits_are_found_by_the_querys_id(run):
    found = Run(run / "run.parquet", run / "p.arrow")
    ranked = {query: [hit.row for hit in found.hits(query)] for query in IDS}
    assert len({tuple(rows) for rows in ranked.values()}) == 3
    assert [hit.rank for hit in found.hits("100%", beyond=10)] == [11, 12]
    assert found.hits("100%", beyond=K + 1) == []
    with pytest.raises(UserError, match=r"run\.parquet: the run has 3 queries, but not 'other'.* delete the file"):
        found.hits("other")
    table = pq.read_table(run / "run.parquet")
    assert table["query_id"].to_pylist() == [query for query in IDS for _ in range(K)]
    pq.write_table(table.drop(["query_id"]), run / "old.parquet")
    with pytest.raises(
        UserError, match=r"old\.parquet: an older version wrote this run, without query ids: delete the file"
    ):
        Run(run / "old.parquet", run / "p.arrow")


def test_an_id_that_the_corpus_has_stays_as_it_is(tmp_path):
    """Only our own export quotes ids; in another's run `%41` is part of the id, where the corpus has it."""
    (tmp_path / "p.tsv").write_text("id\ttext\ttitle\nA\tx\tT\n%41\ty\tT\na b\tz\tT\n")
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")

    def imported(lines, queries):
        (tmp_path / "in.trec").write_text(lines)
        arguments = tmp_path / "p.arrow", tmp_path / "o.parquet", tmp_path / "o.trec"
        import_run(tmp_path / "in.trec", 2, queries, *arguments)
        found = Run(tmp_path / "o.parquet", tmp_path / "p.arrow")
        return [[hit.passage.id for hit in found.hits(query)] for query in queries]

    foreign = "q%20 Q0 %41 1 3 bm25\nq%20 Q0 a%20b 2 2 bm25\n"
    assert imported(foreign, ["q%20"]) == [["%41", "a b"]]
    exported = (tmp_path / "o.trec").read_text()
    assert exported.startswith("q%2520 Q0 %2541 1")
    assert imported(exported, ["q%20"]) == [["%41", "a b"]]


def test_a_foreign_run_with_a_byte_order_mark_packed_or_with_other_blanks_in_its_ids(tmp_path):
    (tmp_path / "p.tsv").write_text("id\ttext\ttitle\nA\u3000B\tx\tT\nb\ty\tT\nc d\tz\tT\n")
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    arguments = tmp_path / "p.arrow", tmp_path / "o.parquet", tmp_path / "o.trec"
    lines = "q Q0 A\u3000B 1 3 bm25\r\nq Q0 b 2 2 bm25\r\n"
    (tmp_path / "in.trec").write_bytes(lines.encode("utf-8-sig"))
    (tmp_path / "in.trec.gz").write_bytes(gzip.compress(lines.encode("utf-16")))
    for name in ("in.trec", "in.trec.gz"):
        import_run(tmp_path / name, 2, ["q"], *arguments)
        assert [hit.passage.id for hit in Run(tmp_path / "o.parquet", tmp_path / "p.arrow").hits("q")] == [
            "A\u3000B",
            "b",
        ]
    (tmp_path / "in.trec").write_text("q Q0 c%20d 1 3 bm25\nq Q0 c%20%64 2 2 bm25\n")
    with pytest.raises(UserError, match=r"the query 'q' has 'c%20d' and 'c%20%64', which mean the same passage"):
        import_run(tmp_path / "in.trec", 2, ["q"], *arguments)
    names = ["A\u3000B", "b", "c%20d", "c%20%64"]  # the two are not the first
    (tmp_path / "in.trec").write_text("".join(f"q Q0 {name} 1 1 bm25\n" for name in names))
    with pytest.raises(UserError, match=r"the query 'q' has 'c%20d' and 'c%20%64'"):
        import_run(tmp_path / "in.trec", 2, ["q"], *arguments)


def test_merging_piece_by_piece_changes_nothing(run, monkeypatch):
    monkeypatch.setattr("rag_instruct.retrieval.runs.STEP_HITS", 1)
    files = [run / "hits_0.npy", run / "hits_1.npy"]
    merge(files, K, IDS, run / "p.arrow", run / "o.parquet", run / "o.trec")
    assert (run / "o.trec").read_bytes() == (run / "run.trec").read_bytes()
    np.testing.assert_array_equal(*[
        [hit.row for query in IDS for hit in Run(run / name, run / "p.arrow").hits(query)]
        for name in ("o.parquet", "run.parquet")
    ])  # fmt: skip


def test_the_demos_recording_excuses_rounding_and_no_other_passages():
    """`recording.py` takes recorded rankings in place of a search that a processor rounds otherwise."""
    recorded = {"q": [("a", 0.9), ("b", 0.8), ("c", 0.7)]}
    assert recording.rounded_otherwise(recorded, {"q": [("a", 0.9001), ("b", 0.7999), ("c", 0.7)]})
    assert recording.rounded_otherwise(recorded, {"q": [("a", 0.9), ("b", 0.8), ("d", 0.7)]}), "as good at the end"
    assert not recording.rounded_otherwise(recorded, {"q": [("b", 0.9), ("a", 0.8), ("c", 0.7)]})
    assert not recording.rounded_otherwise(recorded, {"q": [("x", 0.9), ("b", 0.8), ("c", 0.7)]})
    assert not recording.rounded_otherwise(recorded, {"q": [("a", 0.95), ("b", 0.8), ("c", 0.7)]})
    assert not recording.rounded_otherwise(recorded, {"q": [("a", 0.9), ("b", 0.8)]})
    assert not recording.rounded_otherwise(recorded, {})


HITS = [("q1", "a", 9.0), ("q1", "b", 8.5), ("q2", "c", 3.0), ("q2", "a", -2.0)]


def flat(query, passage):
    return [{query: q, passage: p, "score": score} for q, p, score in HITS]


def nested(query, hits, passage):
    rows = {q: [{passage: p, "score": str(s), "text": "t"} for one, p, s in HITS if one == q] for q in ("q1", "q2")}
    return [{query: q, "question": "What?", hits: found} for q, found in rows.items()]


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


SCORES = {q: {p: score for one, p, score in HITS if one == q} for q in ("q1", "q2")}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("beir.json", json.dumps(SCORES)),
        ("ranx.json.gz", json.dumps(SCORES, indent=1)),
        ("pyterrier.csv", "qid,docno,score,rank\n" + "".join(f"{q},{p},{s},1\n" for q, p, s in HITS)),
        ("results.csv", "qid,docid,docno,score\n" + "".join(f"{q},{n},{p},{s}\n" for n, (q, p, s) in enumerate(HITS))),
        ("beir.tsv", "query-id\tcorpus-id\tscore\r\n" + "".join(f"{q}\t{p}\t{s}\r\n" for q, p, s in HITS)),
        ("quoted.tsv", '"qid"\t"docid"\t"score"\n' + "".join(f'"{q}"\t"{p}"\t{s}\n' for q, p, s in HITS)),
        ("blank.trec", "\n" + "".join(f"{q} Q0 {p} 1 {s} x\n\r\n" for q, p, s in HITS)),
        ("trec.zip", "".join(f"{q} Q0 {p} 1 {s} x\n" for q, p, s in HITS)),
        ("trec.tsv", "".join(f"{q}\tQ0\t{p}\t1\t{s}\tx\n" for q, p, s in HITS)),
        ("dpr.json", json.dumps(nested("id", "ctxs", "id"))),
        ("pyserini.jsonl", lines(nested("qid", "hits", "docid"))),
        ("flat.jsonl", lines(flat("query_id", "doc_id"))),
        ("flat.jsonl.zst", lines(flat("q_id", "pid"))),
        ("ranx.parquet", flat("q_id", "doc_id")),
        ("own.parquet", flat("query_id", "passage_id")),
    ],
)
def test_runs_in_the_forms_of_other_tools(tmp_path, name, content):
    (tmp_path / "p.tsv").write_text("id\ttext\na\tx\nb\ty\nc\tz\n")
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    path = tmp_path / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(content), path)
    else:
        packed = {".gz": gzip.compress, ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True)}
        path.write_bytes(packed.get(path.suffix, bytes)(content.encode()))
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("runs/", "")
            archive.writestr("runs/splade.trec", content)
    import_run(path, 2, ["q1", "q2"], tmp_path / "p.arrow", tmp_path / "o.parquet", tmp_path / "o.trec")
    run = Run(tmp_path / "o.parquet", tmp_path / "p.arrow")
    assert {q: {hit.passage.id: hit.score for hit in run.hits(q)} for q in ("q1", "q2")} == SCORES


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.json", '{"q1": ["a", "b"]}', "line 1, record 1: 'q1' must have an object of scores by passage, but has"),
        ("r.json", '{"q1": {"a": "high"}}', "line 1, record 1: the `score` of a hit must be a number, but is 'high'"),
        ("r.json", '{"q1": {"a": 1, "a": 2}}', "the key 'a' occurs twice in an object"),
        ("r.json", '{"q1": {"a": 1},\n"q1": {"b": 2}}', "line 2, after record 1: not JSON (the key 'q1' occurs twice"),
        ("r.json", '{"q1": {"a": 1}} x', "something follows the end"),
        ("r.json", '{"q1": {"a": NaN}}', "line 1, record 1: the score nan is not finite"),
        ("r.jsonl", '{"qid": "q1", "docid": "a"}\n', "line 1: the `score` of a hit must be a number, but is None"),
        ("r.jsonl", '{"qid": "q1", "docid": "a", "score": true}\n', "line 1: the `score` of a hit must be a number"),
        ("r.jsonl", '{"qid": 1.5, "docid": "a", "score": 1}\n', "line 1: the query's id must be a text or a whole"),
        ("r.jsonl", '{"qid": "q1", "text": "a", "score": 1}\n', "line 1: no passage's id in {'qid': 'q1', 'text'"),
        ("r.jsonl", '{"question": "Who?", "ctxs": []}\n', "line 1: no query's id in {'question': 'Who?', 'ctxs': []}"),
        ("r.jsonl", '{"qid": "q1", "ctxs": "a"}\n', "line 1: ctxs must be a list of hits, but is 'a'"),
        ("r.csv", "qid,ctxs\nq1,\"[{'id' 'a'}]\"\n", "line 2: the ctxs looks like a list, but is not JSON"),
        ("r.jsonl", '{"qid": "q1", "ctxs": ["a"]}\n', "line 1: no passage's id in 'a'"),
        ("r.jsonl", "5\n", "line 1: no query's id in 5"),
        ("r.csv", "qid,docno,score\nq1,a,1\nq1,a,2\n", "line 3: the query 'q1' has the passage 'a' twice"),
        ("r.csv", "qid,docno,score\nq1,,1\n", "line 2: the passage's id is empty"),
        (
            "r.txt",
            "q1\t0\ta\t1\n",
            "score name` with a finite score: give the run that belongs to these judgements (qrels)",
        ),
        ("r.tsv", "q1\ta\t1\n", "r.tsv, line 1: 'q1\\ta\\t1' is not `query Q0 passage rank score name`"),
        ("r.tsv", "q1\ta\t1\n", "these may be judgements (qrels), or a run without scores: give a run with scores"),
    ],
)
def test_a_run_of_another_form_is_refused_with_its_place(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as refusal:
        import_run(tmp_path / name, 1, ["q1"], tmp_path / "p.arrow", tmp_path / "o.parquet", tmp_path / "o.trec")
    assert said in str(refusal.value)
    assert str(tmp_path / name) in str(refusal.value)
