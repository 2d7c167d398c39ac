import gzip
import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SHARED, needs_shared

from rag_instruct.corpus import importing as corpus
from rag_instruct.corpus import passages as passage
from rag_instruct.corpus.importing import import_passages, shard_rows
from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.corpus.splitter import split_text
from rag_instruct.errors import UserError

HEADER = "id\ttext\ttitle\n"


def imported(tmp_path, name, content, columns=None, words=0):
    source = tmp_path / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    import_passages(source, columns or {}, words, tmp_path / "p.arrow", tmp_path / "p.json")
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
    assert {store[[0]][0] for store in stores} == {Passage("7", "Title", "Some text.")}


def test_every_row_of_many_batches_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "BATCH_ROWS", 4)
    monkeypatch.setattr(corpus, "ID_BATCH_ROWS", 8)
    monkeypatch.setattr(passage, "PIECE_ROWS", 3)
    store = imported(tmp_path, "p.tsv", HEADER + "".join(f"{n}\ttext {n}\tT\n" for n in range(11)))
    assert len(store) == 11
    assert [found.id for found in store[[10, 0, 4, 7, 0, 5]]] == ["10", "0", "4", "7", "0", "5"]
    assert [found.text for found in store[[10, 0]]] == ["text 10", "text 0"]
    assert store.ids([10, 0, 4, 7, 0]) == ["10", "0", "4", "7", "0"]
    assert store[[]] == []
    for row in (-1, 11):
        with pytest.raises(IndexError):
            store[[row]]
    for start in range(12):
        for stop in range(start, 12):
            assert [p.id for p in store.slice(start, stop)] == [str(n) for n in range(start, stop)]
            assert list(store.id_slice(start, stop)) == [str(n) for n in range(start, stop)]


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
        ("p.tsv", "id\ttext\n1\tfoo\n", "line 2: no column 'title', it has id, text"),
        ("p.tsv", HEADER + "1\tfoo\tA\n2\tbar\n", "line 3: 2 fields where the header has 3"),
        ("p.tsv", HEADER + "1\tfoo\tA\n2\tx\tA\n1\tbar\tB\n", "the id '1' occurs twice, as passages number 1 and 3"),
        ("p.tsv", HEADER, "the corpus is empty"),
        ("p.tsv", "", "the corpus is empty"),
        ("p.tsv", HEADER + "1\t \tA\n", "line 2: passage '1' has an empty id or text"),
        ("p.tsv", HEADER.encode() + b"1\t\xff\tA\n", "after record 0: not UTF-8"),
        ("p.tsv.gz", gzip.compress(HEADER.encode() * 500, mtime=0)[:-9], "is the file complete?"),
        ("p.jsonl", '{"id": 1, "text": "a", "title": "b"}\n{"id": 2,\n', "line 2: not JSON"),
        ("p.jsonl", "[1]\n", "record 1: 1 is not a JSON object"),
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


def test_corpora_are_read_as_all_files_of_others_are(tmp_path):
    """Half a surrogate pair, compressed lines, and a page of Parquet that is damaged."""
    line = '{"id": "a", "text": "cut \\ud83d", "title": "T"}\n'
    for name, content in (("p.jsonl", line), ("p.jsonl.gz", gzip.compress(line.encode(), mtime=0))):
        assert imported(tmp_path, name, content)[[0]] == [Passage("a", "T", "cut ?")]
    columns = {name: [f"{name}{number}" for number in range(5000)] for name in ("id", "text", "title")}
    pq.write_table(pa.table(columns), tmp_path / "q.parquet", compression="none")
    damaged = bytearray((tmp_path / "q.parquet").read_bytes())
    damaged[4:40] = b"\xff" * 36
    with pytest.raises(UserError, match="not a readable Parquet file"):
        imported(tmp_path, "d.parquet", bytes(damaged))


@needs_shared
def test_the_real_first_row_of_wikipedia(tmp_path):
    store = imported(tmp_path, "p.tsv", (SHARED / "corpus/psgs_w100_first_row_verbatim.tsv").read_bytes())
    first = store[[0]][0]
    assert (first.id, first.title) == ("1", "Aaron")
    assert first.text.startswith('Aaron Aaron ( or ; "Ahärôn")')


def test_the_sum_tells_corpora_apart_and_files_not(tmp_path):
    def total(name, content):
        imported(tmp_path, name, content)
        return json.loads((tmp_path / "p.json").read_text())

    tsv = total("p.tsv", HEADER + "7\ta\tb\n")
    assert tsv["passages"] == 1
    assert total("p.jsonl", '{"id": 7, "text": "a", "title": "b"}\n') == tsv
    assert total("p.tsv", HEADER + "7\tab\t\n")["sha256"] != tsv["sha256"]


WORDS = [f"w{n}" for n in range(250)]


def test_documents_are_cut_every_so_many_words(tmp_path):
    document = json.dumps({"id": "d", "title": "T", "text": " ".join(WORDS)})
    store = imported(tmp_path, "d.jsonl", document + "\n", words=100)
    found = list(store.slice(0, len(store)))
    assert [(part.id, part.title) for part in found] == [("d-1", "T"), ("d-2", "T"), ("d-3", "T")]
    assert [part.text.split() for part in found] == [WORDS[:100], WORDS[100:200], WORDS[200:]]


def test_documents_need_neither_title_nor_id_and_empty_ones_are_counted(tmp_path, caplog):
    lines = [{"body": "one two"}, {"body": " "}, {"body": "three", "name": "T"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    store = imported(tmp_path, "d.jsonl", text, {"text": "body", "title": "name"}, words=100)
    assert store[[0, 1]] == [Passage("record_1-1", "", "one two"), Passage("record_3-1", "T", "three")]
    assert "left out 1 empty documents, the first of them record 2" in caplog.text


def test_a_tsv_of_documents(tmp_path):
    store = imported(tmp_path, "d.tsv", "text\ttitle\n" + " ".join(WORDS[:15]) + "\tT\n", words=10)
    assert [part.text for part in store.slice(0, 2)] == [" ".join(WORDS[:10]), " ".join(WORDS[10:15])]


def test_a_folder_of_text_files(tmp_path):
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.md").write_text("Preface.\n\n# The title\n\nSome *text*.\n")
    (folder / "deep" / "a.txt").write_text("Plain text.")
    (folder / "ignored.pdf").write_bytes(b"%PDF")
    import_passages(folder, {}, 100, tmp_path / "p.arrow", tmp_path / "p.json")
    assert PassageStore(tmp_path / "p.arrow")[[0, 1]] == [
        Passage("b.md-1", "The title", "Preface.\n\n# The title\n\nSome *text*."),
        Passage("deep/a.txt-1", "a", "Plain text."),
    ]
    (folder / "b.md").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"b\.md: not UTF-8 at byte 0"):
        import_passages(folder, {}, 100, tmp_path / "q.arrow", tmp_path / "q.json")


def test_words_of_languages_without_blanks():
    assert split_text("東京は日本の首都です。 Tokyo is big", 5) == ["東京は日本", "の首都です", "。 Tokyo is big"]
    assert split_text(" \n ", 5) == []


def test_a_full_disk_is_said_and_nothing_is_left(small_disk, tmp_path):
    source = tmp_path / "p.tsv"
    source.write_text(HEADER + "".join(f"{n}\t{'long text ' * 50}\tT\n" for n in range(10_000)))
    with pytest.raises(UserError, match=r"p\.arrow: the disk is full: make room"):
        import_passages(source, {}, 0, small_disk / "p.arrow", small_disk / "p.json")
    assert list(small_disk.iterdir()) == []
