import gzip
import itertools
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SHARED, needs_shared

from rag_instruct.corpus import importing as corpus
from rag_instruct.corpus import passages as passage
from rag_instruct.corpus.blocks import Block, Document
from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import Passage, PassageStore, shard_rows
from rag_instruct.corpus.splitter import Limit, windows
from rag_instruct.errors import UserError
from rag_instruct.records import Form

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
        ("p.tsv", "id\tbody\n1\tfoo\n", "line 2: no column 'text', it has id, body"),
        (
            "p.tsv",
            "7\tA passage\n8\tAnother\n",
            "if line 1 is a record and not the names of the columns, give the names under `header`",
        ),
        ("p.tsv", "id\ttext\r1\tx\r2\ty\r", "line 1: the row that begins here cannot be read (new-line character"),
        ("p.csv", "id,text\n1,a\rb\n", "line 2: the row that begins here cannot be read (new-line character"),
        ("p.csv", "id,text\r1,x\r", "as on old Macs, convert them"),
        ("p.csv", "id;text\n1;a, b\n", "set `delimiter: ';'` in config.yaml"),
        ("p.csv", "id,text,text\n1,a,b\n", "line 1: the header has 'text' twice"),
        ("p.csv", "ID,Text\n1,a\n", "line 2: no column 'text', it has ID, Text"),
        ("p.jsonl", '{"id": 1, "text": "a"},\n{"id": 2, "text": "b"},\n', "line 1: not JSON (Extra data)"),
        ("p.json", '[{"id": 1, "text": "a"},]', "line 1, after record 1: not JSON"),
        ("p.jsonl", "{'id': 'a', 'text': 'x'}", "line 1: not JSON"),
        ("p.jsonl", b'{"id": "1", "text": "ok"}\n{"id": "2", "text": "Caf\xe9"}\n', "line 2: not UTF-8"),
        ("p.csv", "id,text\n1,Caf\xe9\n".encode("utf-16-le"), "set `encoding: utf-16-le`"),
        ("p.jsonl", "[" * 100_000 + "]" * 100_000, "more than 100 levels of nesting"),
        ("p.jsonl.gz", gzip.compress(b'{"id": "a", "text": "x"}\n', mtime=0) + b"more", "is the file complete?"),
        (
            "p.jsonl.zst",
            pa.compress(b'{"id": "a", "text": "x"}\n', codec="zstd", asbytes=True)[:-3],
            "is the file complete?",
        ),
        ("p.parquet", b"", "not a readable Parquet file"),
        ("p.zip", b"nonsense", "is the file complete?"),
        ("p.tsv", HEADER + "1\tfoo\tA\n2\tbar\n", "line 3: 2 fields where the header has 3"),
        (
            "p.tsv",
            HEADER + "1\tfoo\tA\n2\tx\tA\n1\tbar\tB\n",
            "the id '1' occurs twice, as passages number 1 and 3 (p.tsv, line 2; p.tsv, line 4)",
        ),
        (
            "p.json",
            '{"version": 1, "rows": [{"id": "1", "text": "a"}]}',
            "if the records are in the list 'rows', set `under: rows`",
        ),
        ("p.tsv", HEADER, "the corpus is empty"),
        ("p.tsv", "", "the corpus is empty"),
        ("p.tsv", HEADER + "1\t \tA\n", "line 2: passage '1' has an empty id or text"),
        ("p.tsv", HEADER.encode() + b"1\t\xff\tA\n", "line 2: not UTF-8"),
        ("p.tsv.gz", gzip.compress(HEADER.encode() * 500, mtime=0)[:-9], "is the file complete?"),
        ("p.jsonl", '{"id": 1, "text": "a", "title": "b"}\n{"id": 2,\n', "line 2: not JSON"),
        ("p.jsonl", "[1]\n", "line 1, record 1: 1 is not a JSON object"),
        ("p.parquet", b"nonsense", "not a readable Parquet file"),
        ("p.rtf", "foo", "unknown kind of corpus file"),
    ],
)
def test_bad_files_are_refused_by_name_and_row(tmp_path, name, content, said):
    with pytest.raises(UserError) as refusal:
        imported(tmp_path, name, content)
    assert said in str(refusal.value)
    assert str(tmp_path / name) in str(refusal.value)
    assert not (tmp_path / "p.arrow").exists(), "a refused corpus leaves nothing behind"


def test_ids_are_texts_as_they_are_written(tmp_path):
    names = ["007", "7", "1e5", "100000", "1.0", "+1", "NaN", "null", "0x1F", " 7"]
    store = imported(tmp_path, "p.tsv", "id\ttext\n" + "".join(f"{name}\tx\n" for name in names))
    assert [one.id for one in store.slice(0, len(store))] == names
    store = imported(tmp_path, "p.jsonl", '{"id": 100000000000000000001, "text": "x"}\n{"id": "1e5", "text": "y"}')
    assert [one.id for one in store.slice(0, 2)] == ["100000000000000000001", "1e5"]


def test_columns_may_be_members_of_others(tmp_path):
    columns = {"id": "meta.key", "text": "body.content", "title": "a.b"}
    record = {"meta": {"key": 7, "x": [1]}, "body": {"content": "tea"}, "a.b": "T"}
    line = json.dumps(record)
    assert imported(tmp_path, "p.jsonl", line, columns)[[0]] == [Passage("7", "T", "tea")]
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "q.parquet")
    data = (tmp_path / "q.parquet").read_bytes()
    assert imported(tmp_path, "p.parquet", data, columns)[[0]] == [Passage("7", "T", "tea")]
    with pytest.raises(UserError, match=r"line 1: no column 'body\.text', it has meta, body, a\.b"):
        imported(tmp_path, "p.jsonl", line, {"text": "body.text"})


def test_names_of_files_may_have_any_letters(tmp_path):
    for name in ("-dash.jsonl", 'sp ace\'s "q".jsonl', "\u00fcn\u00ef \u5317.JSONL", "50%.jsonl", "a;b$(c).jsonl"):
        assert imported(tmp_path, name, '{"id": "a", "text": "x"}')[[0]] == [Passage("a", "", "x")]


def test_two_members_of_a_packed_file_and_thousands_of_columns(tmp_path):
    lines = [b'{"id": "a", "text": "x"}\n', b'{"id": "b", "text": "y"}']
    both = [Passage("a", "", "x"), Passage("b", "", "y")]
    packed = (
        [gzip.compress(line, mtime=0) for line in lines],
        [pa.compress(line, codec="zstd", asbytes=True) for line in lines],
    )
    for name, parts in zip(("p.jsonl.gz", "p.jsonl.zst"), packed, strict=True):
        assert imported(tmp_path, name, b"".join(parts))[[0, 1]] == both
    more = range(5000)
    wide = f"id,text,{','.join(f'c{n}' for n in more)}\na,x,{','.join('1' for _ in more)}\n"
    assert imported(tmp_path, "p.csv", wide)[[0]] == both[:1]
    assert imported(tmp_path, "p.csv", 'id,text\na,"' + "x" * 300_000 + '"')[[0]] == [Passage("a", "", "x" * 300_000)]


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


@pytest.mark.parametrize(
    "content",
    [
        '1\t"Open quote\tA\n2\tb\tB\n3\tsaid "yes"\tC\n4\td\t"Never closed\n5\te\tE\n',
        '1\tone\tA\n2\t"" and more\tB\n',
        '1\tone\tA\n2\t"two" three\tB\n',
        '1\tone\tA\n2\t"two\tB\n',
    ],
)
def test_quotes_that_do_not_fit_are_refused_and_joined_files_have_a_setting(tmp_path, content):
    with pytest.raises(
        UserError, match=r"p\.tsv, line [23]: the row that begins here cannot be read .*`quoted: false`"
    ):
        imported(tmp_path, "p.tsv", HEADER + content)
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json", form=Form(quoted=False))
    store = PassageStore(tmp_path / "p.arrow")
    expected = [Passage(name, title, text) for name, text, title in (line.split("\t") for line in content.splitlines())]
    assert store[range(len(store))] == expected


def test_a_quote_that_joins_what_may_be_rows_is_refused_until_somebody_says_what_it_is(tmp_path):
    """Two rows of a file without quoting can look like one row with a quoted field."""
    content = HEADER + '1\t"a\tA\n2\tb"\tB\n'
    with pytest.raises(UserError, match=r"p\.tsv, lines 2 to 3: a quote joins these lines into one row"):
        imported(tmp_path, "p.tsv", content)
    for quoted, count in ((True, 1), (False, 2)):
        form = Form(quoted=quoted)
        import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json", form=form)
        assert len(PassageStore(tmp_path / "p.arrow")) == count


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("name", "begin"), [("p.tsv", HEADER), ("p.csv", "id,text,title\n"), ("p.jsonl", ""), ("p.json", "[")]
)
def test_byte_order_marks_are_no_text(tmp_path, encoding, name, begin):
    rows = {
        "p.tsv": "1\tCaf\xe9 \u2028 x\tT\n", "p.csv": "1,Caf\xe9 \u2028 x,T\n",
        "p.jsonl": '{"id": 1, "text": "Caf\xe9 \u2028 x", "title": "T"}\n', "p.json": '{"id": 1, "text": "Caf\xe9 \u2028 x", "title": "T"}]',
    }  # fmt: skip
    assert imported(tmp_path, name, (begin + rows[name]).encode(encoding))[[0]] == [
        Passage("1", "T", "Caf\xe9 \u2028 x")
    ]


def test_other_encodings_are_refused_and_have_a_setting(tmp_path):
    content = (HEADER + "1\tone\tT\n2\tCaf\xe9\tT\n").encode("cp1252")
    with pytest.raises(
        UserError, match=r"p\.tsv, line 3: not UTF-8 .* give its `encoding` in config\.yaml, such as cp1252"
    ):
        imported(tmp_path, "p.tsv", content)
    import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json", form=Form("cp1252"))
    assert PassageStore(tmp_path / "p.arrow")[[1]] == [Passage("2", "T", "Caf\xe9")]
    with pytest.raises(UserError, match="set `encoding: utf-16-le`"):
        imported(tmp_path, "p.tsv", (HEADER + "1\tone\tT\n").encode("utf-16-le"))
    with pytest.raises(UserError, match="no text encoding 'klingon'"):
        import_passages(tmp_path / "p.tsv", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json", form=Form("klingon"))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"id": "1", "text": ["a", "b"]},
            "the text must be a text, but is ['a', 'b']: correct or remove the record, or name another column under",
        ),
        ({"id": 1.5, "text": "a"}, "the id must be a text or a whole number, but is 1.5"),
        ({"id": True, "text": "a"}, "the id must be a text or a whole number, but is True"),
        ({"id": "1", "text": 7}, "the text must be a text, but is 7"),
        ({"id": "1", "text": "a", "title": {"en": "T"}}, "the title must be a text or a whole number"),
        ({"id": "1", "text": float("nan")}, "passage '1' has an empty id or text"),
        ({"id": "1", "text": None}, "passage '1' has an empty id or text"),
        ({"text": "a"}, "no column 'id', it has text"),
    ],
)
def test_values_of_other_types_are_refused_by_record(tmp_path, record, said):
    lines = [{"id": "0", "text": "fine", "title": "T"}, record]
    with pytest.raises(UserError) as refusal:
        imported(tmp_path, "p.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    assert f"p.jsonl, line 2: {said}" in str(refusal.value)


def test_parquet_gives_texts_whatever_their_type(tmp_path):
    """Texts as binary, ids as whole numbers, titles that pandas made NaN, a dictionary, large strings."""
    table = pa.table({
        "id": pa.array([7, 8], pa.int64()),
        "text": pa.array(["Caf\xe9".encode(), b"tea"], pa.binary()),
        "title": pa.array([float("nan"), float("nan")]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "q.parquet")
    assert imported(tmp_path, "p.parquet", (tmp_path / "q.parquet").read_bytes())[[0, 1]] == [
        Passage("7", "", "Caf\xe9"), Passage("8", "", "tea"),
    ]  # fmt: skip
    table = pa.table({
        "id": pa.array(["a", "b"], pa.large_string()),
        "text": pa.array(["x", "x"]).dictionary_encode(),
        "title": pa.array([None, "T"]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "q.parquet")
    assert imported(tmp_path, "p.parquet", (tmp_path / "q.parquet").read_bytes())[[0, 1]] == [
        Passage("a", "", "x"), Passage("b", "T", "x"),
    ]  # fmt: skip
    pq.write_table(pa.table({"id": ["a"], "text": pa.array([b"\xff\xfe"])}), tmp_path / "q.parquet")
    with pytest.raises(UserError, match=r"row 1: the text must be a text, but is b'\\xff"):
        imported(tmp_path, "p.parquet", (tmp_path / "q.parquet").read_bytes())


def test_a_title_is_optional_from_the_first_record_on(tmp_path, caplog):
    lines = ['{"id": 1, "text": "a"}', '{"id": 2, "text": "b", "title": "T"}']
    assert imported(tmp_path, "p.jsonl", "\n".join(lines))[[0, 1]] == [Passage("1", "", "a"), Passage("2", "T", "b")]
    assert "no passage has a title" not in caplog.text
    assert imported(tmp_path, "p.tsv", "id\ttext\n1\ta\n")[[0]] == [Passage("1", "", "a")]
    assert "p.tsv: no passage has a title: name its column under `columns`" in caplog.text
    with pytest.raises(UserError, match="no record has the column heading: correct `columns`"):
        imported(tmp_path, "p.tsv", "id\ttext\n1\ta\n", {"title": "heading"})


def test_a_zip_with_one_file_is_that_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("data/p.tsv", HEADER + "1\ta\tT\n")
        archive.writestr("__MACOSX/data/._p.tsv", b"\x00\x05")
        archive.writestr("README", "no data")
    import_passages(tmp_path / "p.zip", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    assert PassageStore(tmp_path / "p.arrow")[[0]] == [Passage("1", "T", "a")]
    with zipfile.ZipFile(tmp_path / "p.zip", "a") as archive:
        archive.writestr("other.csv", "id,text\n2,b\n")
    with pytest.raises(UserError, match=r"`member` must name it; it holds: data/p\.tsv, other\.csv"):
        import_passages(tmp_path / "p.zip", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    form = Form(member="other.csv")
    assert import_passages(tmp_path / "p.zip", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json", form=form) == 1


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
    assert "left out, empty documents: 1 (d.jsonl, line 2)" in caplog.text


def test_a_tsv_of_documents(tmp_path):
    store = imported(tmp_path, "d.tsv", "text\ttitle\n" + " ".join(WORDS[:15]) + "\tT\n", words=10)
    assert [part.text for part in store.slice(0, 2)] == [" ".join(WORDS[:10]), " ".join(WORDS[10:15])]


def test_a_folder_of_text_files(tmp_path):
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.md").write_text("Preface.\n\n# The title\n\nSome *text*.\n")
    (folder / "deep" / "a.txt").write_text("Plain text.")
    import_passages(folder, {}, 100, tmp_path / "p.arrow", tmp_path / "p.json")
    assert PassageStore(tmp_path / "p.arrow")[[0, 1]] == [
        Passage("b.md-1", "The title", "Preface.\n\nSome text."),
        Passage("deep/a.txt-1", "a", "Plain text."),
    ]
    (folder / "b.md").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"b\.md, line 1: not UTF-8"):
        import_passages(folder, {}, 100, tmp_path / "q.arrow", tmp_path / "q.json")


def test_words_of_languages_without_blanks():
    text = "東京は日本の首都です。 Tokyo is big"
    found = windows(Document("d", "d", "T", [Block(text)]), Limit(5))
    assert [one.text for one in found] == ["東京は日本", "の首都です", "。 Tokyo is big"]
    assert Limit(5).windows(" \n ") == []


def test_a_full_disk_is_said_and_nothing_is_left(small_disk, tmp_path):
    source = tmp_path / "p.tsv"
    source.write_text(HEADER + "".join(f"{n}\t{'long text ' * 50}\tT\n" for n in range(10_000)))
    with pytest.raises(UserError, match=r"p\.arrow: the disk is full: make room"):
        import_passages(source, {}, 0, small_disk / "p.arrow", small_disk / "p.json")
    assert list(small_disk.iterdir()) == []


def test_a_folder_of_files_of_records_is_one_corpus(tmp_path):
    """As data sets on a hub are: numbered files, a README, and notes in JSON."""
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    for number in (0, 1):
        rows = {"id": [f"{number}a", f"{number}b"], "text": ["One text.", "Another text."]}
        pq.write_table(pa.table(rows), folder / f"data/train-0000{number}-of-00002.parquet")
    (folder / "README.md").write_text("# A set")
    (folder / "dataset_infos.json").write_text("{}")
    output, info = tmp_path / "p.arrow", tmp_path / "p.json"
    assert import_passages(folder, {}, 0, output, info) == 4
    assert [one.id for one in PassageStore(output).slice(0, 4)] == ["0a", "0b", "1a", "1b"]
    assert json.loads(info.read_text())["left_out"] == {
        "files of kind .json": ["dataset_infos.json"], "files of kind .md": ["README.md"]
    }  # fmt: skip
    assert import_passages(folder, {}, 1, output, info) == 8, "as documents, each word a passage"
    (folder / "data/qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t0\t1\n")
    for words in (0, 100):
        with pytest.raises(
            UserError, match=r"qrels\.tsv, line 2: no column .*; if the file has no passages, move it out"
        ):
            import_passages(folder, {}, words, output, info)
    (folder / "data/qrels.tsv").unlink()
    (folder / "data/empty.jsonl").touch()
    assert import_passages(folder, {"text": "text"}, 0, output, info) == 4, "a file without a record lacks no column"
    (folder / "chapter.md").write_text("A document.")
    assert import_passages(folder, {}, 5, output, info) == 1, "with documents in it, it is a folder of documents"
    assert "files of kind .parquet" in json.loads(info.read_text())["left_out"]


def test_names_of_documents_and_records_may_begin_as_those_of_notes_about_a_set(tmp_path):
    speeches = tmp_path / "speeches"
    speeches.mkdir()
    for year in (2020, 2021):
        (speeches / f"State of the Union {year}.txt").write_text("My fellow citizens.")
    (speeches / "metadata.json").write_text("{}")
    output, info = tmp_path / "p.arrow", tmp_path / "p.json"
    assert import_passages(speeches, {}, 100, output, info) == 2
    records = tmp_path / "records"
    records.mkdir()
    for name in ("state-laws", "cities"):
        (records / f"{name}.jsonl").write_text(json.dumps({"id": name, "text": "A text."}))
    (records / "README_zh.md").write_text("# About")
    assert import_passages(records, {}, 0, output, info) == 2


def test_a_missing_id_is_told_from_an_empty_one(tmp_path):
    for record, said in [
        ({"_id": "1", "text": "x"}, "no column 'id', it has _id, text"),
        ({"id": "", "text": "x"}, "an empty id or text"),
    ]:
        (tmp_path / "a.jsonl").write_text(json.dumps(record))
        with pytest.raises(UserError, match=said):
            import_passages(tmp_path / "a.jsonl", {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")


def test_a_folder_in_which_nothing_is_read_says_what_it_has(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("data-00000-of-00001.arrow", "book.epub"):
        (folder / name).touch()
    for words in (0, 100):
        with pytest.raises(
            UserError, match=r"only files of kinds that are not read \(\.arrow, \.epub\): save texts as"
        ):
            import_passages(folder, {}, words, tmp_path / "p.arrow", tmp_path / "p.json")
    (folder / "empty.txt").touch()
    with pytest.raises(UserError, match=r"only empty documents and files of kinds that are not read"):
        import_passages(folder, {}, 100, tmp_path / "p.arrow", tmp_path / "p.json")
    (folder / "empty.txt").unlink()
    for name in ("LICENSE.txt", "requirements.txt", "a.jsonl"):
        (folder / name).write_text("x")
    with pytest.raises(UserError, match=r"move requirements\.txt and other documents out of it"):
        import_passages(folder, {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
