import gzip
import itertools

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SHARED, needs_shared

from rag_instruct import corpus
from rag_instruct.corpus import PassageStore, import_passages, shard_rows
from rag_instruct.errors import UserError

HEADER = "id\ttext\ttitle\n"


def imported(tmp_path, name, content, columns=None):
    source = tmp_path / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    import_passages(source, columns or {}, tmp_path / "p.arrow", tmp_path / "p.json")
    return PassageStore(tmp_path / "p.arrow")


def test_quotes_tabs_and_line_breaks_survive(tmp_path):
    store = imported(
        tmp_path, "p.tsv", HEADER + '1\t"He said ""no"".\tThen\nleft."\tA "quoted" title\n2\tbare text\tB\n'
    )
    first, second = store[[0, 1]]
    assert first.text == 'He said "no".\tThen\nleft.'
    assert (second.id, second.text, second.title) == ("2", "bare text", "B")


def test_gzip_jsonl_and_parquet_give_the_same_passages(tmp_path):
    tsv = HEADER + "7\tSome text.\tTitle\n"
    table = pa.table({"id": [7], "text": ["Some text."], "title": ["Title"]})
    pq.write_table(table, tmp_path / "q.parquet")
    stores = [
        imported(tmp_path, "p.tsv.gz", gzip.compress(tsv.encode())),
        imported(tmp_path, "p.jsonl", '{"id": 7, "text": "Some text.", "title": "Title"}\n'),
        imported(tmp_path, "p.parquet", (tmp_path / "q.parquet").read_bytes()),
        imported(tmp_path, "q.jsonl", '{"key": 7, "body": "Some text.", "name": "Title"}\n', {"id": "key", "text": "body", "title": "name"}),
    ]  # fmt: skip
    assert {store[[0]][0] for store in stores} == {corpus.Passage("7", "Title", "Some text.")}


def test_every_row_of_many_batches_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "BATCH_ROWS", 4)
    store = imported(tmp_path, "p.tsv", HEADER + "".join(f"{n}\ttext {n}\tT\n" for n in range(11)))
    assert len(store) == 11
    assert [passage.id for passage in store[[10, 0, 4, 7]]] == ["10", "0", "4", "7"]
    for start in range(12):
        for stop in range(start, 12):
            assert [p.id for p in store.slice(start, stop)] == [str(n) for n in range(start, stop)]


def test_shards_cover_every_row_once():
    for rows in (0, 1, 5, 16, 21_015_324):
        for shards in (1, 2, 7, 16):
            bounds = [shard_rows(rows, shard, shards) for shard in range(shards)]
            assert bounds[0][0] == 0
            assert bounds[-1][1] == rows
            assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.tsv", "id\ttext\n1\tfoo\n", "header: no column 'title', it has id, text"),
        ("p.tsv", HEADER + "1\tfoo\tA\n2\tbar\n", "line 3: 2 fields where the header has 3"),
        ("p.tsv", HEADER + "1\tfoo\tA\n2\tx\tA\n1\tbar\tB\n", "the id '1' occurs twice, as passages number 1 and 3"),
        ("p.tsv", HEADER, "the corpus is empty"),
        ("p.tsv", "", "no column 'id'"),
        ("p.tsv", HEADER + "1\t \tA\n", "line 2: passage '1' has an empty id or text"),
        ("p.tsv", HEADER.encode() + b"1\t\xff\tA\n", "unreadable"),
        ("p.tsv.gz", gzip.compress(HEADER.encode() * 500)[:-9], "is the file complete?"),
        ("p.jsonl", '{"id": 1, "text": "a", "title": "b"}\n{"id": 2,\n', "line 2: not JSON"),
        ("p.jsonl", "[1]\n", "record 1: [1] is not a JSON object"),
        ("p.parquet", b"nonsense", "not a readable Parquet file"),
        ("p.txt", "foo", "unknown kind of corpus file"),
    ],
)
def test_bad_files_are_refused_by_name_and_row(tmp_path, name, content, said):
    with pytest.raises(UserError) as refusal:
        imported(tmp_path, name, content)
    assert said in str(refusal.value)
    assert str(tmp_path / name) in str(refusal.value)
    assert not (tmp_path / "p.arrow").exists(), "a refused corpus leaves nothing behind"


@needs_shared
def test_the_real_first_row_of_wikipedia(tmp_path):
    store = imported(tmp_path, "p.tsv", (SHARED / "corpus/psgs_w100_first_row_verbatim.tsv").read_bytes())
    passage = store[[0]][0]
    assert (passage.id, passage.title) == ("1", "Aaron")
    assert passage.text.startswith('Aaron Aaron ( or ; "Ahärôn")')
