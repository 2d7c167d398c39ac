"""Records of all kinds of files, and what is said of broken ones."""

import gzip
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SHARED, needs_shared

from rag_instruct.errors import UserError
from rag_instruct.records import Form, located_records, member

ROWS = [{"a": f"Zeile {n}\u2028nächste", "b": {"c": n}} for n in range(3000)]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n"


def written(path, content):
    data = content if isinstance(content, bytes) else content.encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    if path.suffix == ".zst":
        with pa.output_stream(path, compression="zstd") as file:
            file.write(data)
        return path
    path.write_bytes(data)
    return path


def records(path, columns=(), form=Form()):  # noqa: B008
    return (record for _, record in located_records(path, columns, form))


@pytest.mark.parametrize("name", ["r.ndjson", "r.NDJSON.gz", "r.ndjson.zst"])
def test_lines_by_another_name(tmp_path, name):
    assert list(records(written(tmp_path / name, LINES))) == ROWS


@pytest.mark.parametrize("name", ["r.json", "r.json.gz", "r.json.zst"])
def test_arrays_packed_or_not(tmp_path, name):
    assert list(records(written(tmp_path / name, json.dumps(ROWS)))) == ROWS


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst", "r.json"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_lines_packed_or_not_and_whatever_they_are_called(tmp_path, name, begin):
    assert list(records(written(tmp_path / name, begin + LINES))) == ROWS


def test_tables(tmp_path):
    expected = [{"q": 'What\tis\n"it"?', "a": "1"}]
    assert list(records(written(tmp_path / "r.tsv", 'q\ta\n"What\tis\n""it""?"\t1\n'))) == expected
    assert list(records(written(tmp_path / "r.csv.gz", 'q,a\n"What\tis\n""it""?",1\n'))) == expected
    blank = "q\ta\r\nx\t1\r\n\r\ny\t\r\n\r\n"
    assert list(records(written(tmp_path / "s.tsv", blank))) == [{"q": "x", "a": "1"}, {"q": "y", "a": ""}]


def test_tables_without_a_line_of_names(tmp_path):
    form = Form(header=["q", "a"])
    assert list(records(written(tmp_path / "r.tsv", "x\t1\n\ny\t2\n"), form=form)) == [
        {"q": "x", "a": "1"},
        {"q": "y", "a": "2"},
    ]
    with pytest.raises(UserError, match="line 1: 3 fields where the header has 2"):
        list(records(written(tmp_path / "r.csv", "x,1,z\n"), form=form))
    with pytest.raises(UserError, match="line 1: the names of the columns stand here again"):
        list(records(written(tmp_path / "r.csv", "q,a\nx,1\n"), form=form))


def test_a_table_that_another_sign_quotes(tmp_path):
    table = written(tmp_path / "r.csv", "x;'a; ''b'' \"c\"'\r\n'y\nz';d\r\n")
    form = Form(delimiter=";", header=["q", "a"], quote="'")
    assert list(records(table, form=form)) == [{"q": "x", "a": "a; 'b' \"c\""}, {"q": "y\nz", "a": "d"}]
    with pytest.raises(UserError, match="write '' for a quote"):
        list(records(written(tmp_path / "r.csv", "x;'a'b'\n"), form=form))


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ("x;'a, b\ny;'c, d, e'\n", {}, "if ';' separates the fields, set `delimiter: ';'`"),
        ("q;a\nx;'b; c'\n", {"delimiter": ";"}, """if ' quotes the fields, set `quote: "'"`"""),
        ("q;a\nx;'b; c'\n", {"delimiter": ";", "quoted": False}, """if ' quotes the fields, set `quote: "'"`"""),
        ("q,a\nx,1,\n", {}, "if every row ends with a separator, add one at the end of the header; correct it"),
        ("x,1,\n", {"header": ["q", "a"]}, "if every row ends with a separator, add a name to `header`; correct it"),
        ("x," + "long " * 40 + "\ny,b,c\n", {}, "if line 1 is a record and not the names of the columns, give"),
    ],
)
def test_a_row_with_too_many_fields_comes_with_the_likely_remedy(tmp_path, content, form, said):
    with pytest.raises(UserError, match=r"fields where the header has 2") as refusal:
        list(records(written(tmp_path / "r.csv", content), form=Form(**form)))
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 1000, "a long record in place of the header is not quoted as a whole"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_an_encoding_without_its_byte_order_mark_is_no_traceback(tmp_path, encoding):
    with pytest.raises(UserError, match=rf"r\.csv, line 1: not {encoding.upper()} .*or give its `encoding`"):
        list(records(written(tmp_path / "r.csv", "question,answer\nWho?,Nobody.\n"), form=Form(encoding=encoding)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"a": 1}]', "r.json, line 1: no object of records by key begins here: remove `keyed` from config.yaml"),
        ('\n{"a": 1}', "r.json, line 2: the value of 'a' is no record: remove `keyed` from config.yaml"),
    ],
)
def test_records_that_have_no_keys_are_not_keyed(tmp_path, content, said):
    with pytest.raises(UserError) as refusal:
        list(records(written(tmp_path / "r.json", content), form=Form(keyed="id")))
    assert said in str(refusal.value)


def test_a_message_lists_all_columns_of_a_parquet_file(tmp_path):
    pq.write_table(pa.table({"key": ["1"], "text": ["x"]}), tmp_path / "r.parquet")
    (row,) = records(tmp_path / "r.parquet", ("id", "text"))
    with pytest.raises(KeyError, match="no 'id', it has key, text"):
        member(row, "id")


def test_an_empty_name_at_the_end_of_the_header_fits_rows_that_end_with_a_separator(tmp_path):
    assert list(records(written(tmp_path / "r.csv", "q,a,\nx,1,\n"))) == [{"q": "x", "a": "1", "": ""}]


def test_half_of_an_emoji_in_json_lines_becomes_a_question_mark(tmp_path):
    lines = r"""{"a": ["cut \ud83d", "\ud83d\ude00"], "\uDE00": 1.5}"""
    assert list(records(written(tmp_path / "r.jsonl", lines))) == [{"a": ["cut ?", "😀"], "?": 1.5}]


def test_of_parquet_only_the_wanted_columns_are_read(tmp_path):
    rows = [{"turns": [{"role": "user", "text": "x", "flags": {"a": True}}], "language": "de", "other": 1}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "r.parquet")
    read = list(records(tmp_path / "r.parquet", ("turns.role", "turns.flags", "language", "lang")))
    assert read == [{"turns": [{"role": "user", "flags": {"a": True}}], "language": "de"}]
    assert list(records(tmp_path / "r.parquet")) == rows
    assert list(records(tmp_path / "r.parquet", ("nothing",))) == rows, "so that an error can say what is there"


def test_inside_an_archive_and_under_a_key(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data/dev.json", json.dumps({"info": [1], "Data": [{"q": "x"}]}))
    assert list(records(tmp_path / "a.zip/data/dev.json", form=Form(under="Data"))) == [{"q": "x"}]
    with pytest.raises(UserError, match=r"a\.zip has no such file"):
        list(records(tmp_path / "a.zip/data/test.json"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.jsonl", '{"a": 1}\n{"a": \n', "r.jsonl, line 2: not JSON"),
        ("r.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', "r.jsonl, line 2: not UTF-8"),
        ("r.jsonl", '{"a": 1}\n{"a": ' + 5000 * "1" + "}\n", "r.jsonl, line 2: not JSON (Exceeds the limit"),
        ("r.jsonl", '{"a": ' + 100_000 * "[", "r.jsonl, line 1: not JSON (more than 100 levels of nesting"),
        ("r.json", '[{"a": 1}, {"a": 2}, {"a": }]', "r.json, line 1, after record 2: not JSON"),
        (
            "r.json",
            '[{"a": 1}, {"a": 2}',
            "r.json, line 1, after record 2: not JSON (, or ] was expected, but the end came)",
        ),
        ("r.json", b'[{"a": "\xff"}]', "r.json, line 1: not UTF-8"),
        ("r.json", "<!doctype html>", "r.json: not records, but a web page: was the download refused"),
        ("r.csv", " <HTML><body>404", "not records, but a web page"),
        (
            "r.jsonl",
            "version https://git-lfs.github.com/spec/v1\noid sha256:1",
            "a pointer of Git LFS: get the file itself",
        ),
        ("r.tsv", "<?xml version='1.0'?><a/>", "not records, but XML"),
        ("r.jsonl", '{"a": 1},\n{"a": 2}\n', "line 1: not JSON (Extra data): remove the comma at the end of the line"),
        ("r.jsonl", "{'a': 1}\n", "write JSON with double quotes"),
        ("r.jsonl", '{"a": 1, "a": 2}\n', "occurs twice in an object): correct or remove the line"),
        ("r.jsonl", '{"a": 1}\n\0\0\0', "r.jsonl, line 2: zero bytes, so this is no UTF-8 text"),
        ("r.csv", "q,a\nx,1\nq,a\ny,2\n", "r.csv, line 3: the names of the columns stand here again"),
        ("r.tsv", "q\ta\nx\t1\n\ufeffq\ta\n", "r.tsv, line 3: the names of the columns stand here again"),
        (
            "r.csv",
            "sep=;\nq;a\n",
            "r.csv, line 1: Excel's note of the delimiter: remove the line, and set `delimiter: ';'`",
        ),
        ("r.csv", '[{"q": 1}]', "r.csv, line 1: JSON, no table: name the file .json or .jsonl"),
        ("r.tsv", '{"q": 1}\n', "r.tsv, line 1: JSON, no table"),
        ("r.csv", "# made by hand\nq,a\nx,1\n", "if line 1 is no header, remove it"),
        (
            "r.jsonl",
            '{"a": 1}\n{"a": 1, "a": 2}\n',
            "r.jsonl, line 2: not JSON (the key 'a' occurs twice in an object)",
        ),
        ("r.json", '[{"b": {"a": 1, "a": 2}}]', "the key 'a' occurs twice in an object"),
        ("r.json", '[{"a": 1},\n{"a": 2},\n]', "line 3, after record 2: not JSON (a comma before the end of the array"),
        (
            "r.jsonl",
            '{"a": "x\ny"}\n',
            "line 1: not JSON (Invalid control character): write a line break or tab inside",
        ),
        ("r.csv.gz", b"", "r.csv.gz: not a gzip file, but something else: if it is unpacked already, remove .gz"),
        ("r.jsonl.zst", b"", "r.jsonl.zst: not a zstd file, but a pointer of Git LFS: get the file itself"),
        ("r.parquet", "version https://git-lfs.github.com/spec/v1\n", "not a Parquet file, but a pointer of Git LFS"),
        ("r.zip", "<!DOCTYPE html>", "r.zip: unreadable (File is not a zip file): it is a web page: was the download"),
        ("r.json", '[{"a": 1}] and more', "line 1, after record 1: not JSON (something follows the end)"),
        (
            "r.json",
            '[{"a": 1},\n {"a": ' + 5000 * "1" + "}]",
            "r.json, line 2, after record 1: not JSON (Exceeds the limit",
        ),
        ("r.json", "[" * 100_000, "r.json, line 1, after record 0: not JSON (more than 100 levels of nesting)"),
        ("r.json", '[{"a": ' + "[" * 200 + "]" * 200 + "}]", "not JSON (more than 100 levels of nesting)"),
        (
            "r.json",
            "{\n  'a': 1\n}",
            "line 1: not JSON (Expecting property name enclosed in double quotes): write one record per line, an array",
        ),
        ("r.json", '{\n"n": 1.5, "v": "[{", "rows": [\n{"a": 1}]}', "an array of records, or set `under: rows`"),
        (
            "r.json",
            '{\n"q1": {"rows": [\n{"a": 1}]}}',
            "to the key of the array, or `keyed: id` if each value is a record",
        ),
        ("r.tsv", "q\tq\nx\t1\n", "r.tsv, line 1: the header has 'q' twice"),
        ("r.csv", "q;a\nx;1\n", "set `delimiter: ';'` in config.yaml"),
        ("r.csv", "q,a\rx,1\r", "new-line character seen in unquoted field"),
        ("r.tsv", gzip.compress(b"q\ta\n", mtime=0), "r.tsv: not a text, but a gzip file: add .gz to its name"),
        ("r.csv", b"PK\x03\x04 xlsx", "a zip file or an office document"),
        ("r.tsv", "q\ta\nx\t1\ty\n", "r.tsv, line 2: 3 fields where the header has 2 (q, a)"),
        ("r.parquet", "PAR1", "r.parquet: not a readable Parquet file"),
        ("r.txt", "x", "unknown kind of file: give .json"),
        ("r.zip/x.json", None, "no such file"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path, name, content, said):
    path = tmp_path / name
    if name in ("r.csv.gz", "r.jsonl.zst"):  # not packed, whatever the name says
        path.write_text("a,b\n1,2\n" if "csv" in name else "version https://git-lfs.github.com/spec/v1\n")
    elif content is not None:
        written(path, content)
    with pytest.raises(UserError) as refusal:
        list(records(path))
    assert said in str(refusal.value)


def test_byte_order_marks_inside_a_joined_file_are_no_text(tmp_path):
    parts = [gzip.compress(b'\xef\xbb\xbf{"a": "x"}\n'), gzip.compress(b'\xef\xbb\xbf{"a": "y"}\n\xef\xbb\xbf')]
    (tmp_path / "r.jsonl.gz").write_bytes(b"".join(parts))
    assert list(records(tmp_path / "r.jsonl.gz")) == [{"a": "x"}, {"a": "y"}]
    assert list(records(written(tmp_path / "r.csv", "a,b\nx,1\n\ufeffy,2\n"))) == [
        {"a": "x", "b": "1"},
        {"a": "y", "b": "2"},
    ]
    for quoted in (None, True):
        with pytest.raises(UserError, match=r"line 3: the names of the columns stand here again"):
            list(
                records(
                    written(tmp_path / "q.csv", '\ufeff"a","b"\nx,1\n\ufeff"a","b"\ny,2\n'), form=Form(quoted=quoted)
                )
            )


def test_hidden_files_of_an_archive_do_not_count(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in {"d/a.jsonl": '{"a": 1}', "d/._a.jsonl": "x", "__MACOSX/d/a.jsonl": "x"}.items():
            archive.writestr(name, content)
    assert list(records(tmp_path / "a.zip")) == [{"a": 1}]


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "r.json").mkdir()
    with pytest.raises(UserError, match=r"r\.json: unreadable"):
        list(records(tmp_path / "r.json"))


def zstd_block(content, window):
    """A frame with one block that is not compressed, and with a window of 2 ** `window` bytes."""
    block = (1 | len(content) << 3).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3]) + block


@pytest.mark.parametrize("begin", [b"", zstd_block(b'{"a": 0}\n', 20)])
def test_a_zstd_file_with_too_large_a_window_is_to_be_packed_again(tmp_path, begin):
    (tmp_path / "r.jsonl.zst").write_bytes(begin + zstd_block(b'{"a": 1}\n', 30))
    with pytest.raises(UserError, match=r"too much memory.*: pack it again with `zstd --long=27`, or unpack it"):
        list(records(tmp_path / "r.jsonl.zst"))


def test_a_file_of_pzstd_begins_with_a_frame_to_skip(tmp_path):
    content = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size" + zstd_block(b'{"a": 1}\n', 20)
    (tmp_path / "r.jsonl.zst").write_bytes(content)
    assert list(records(tmp_path / "r.jsonl.zst")) == [{"a": 1}]
    with pytest.raises(UserError, match=r"a zstd file: add \.zst to its name"):
        list(records(written(tmp_path / "r.jsonl", content)))


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_was_cut_off_is_not_taken_for_whole(tmp_path, ending):
    path = written(tmp_path / f"r.jsonl.{ending}", LINES)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(UserError, match=r"unreadable \(.*\): is the file complete\?"):
        list(records(path))


def test_members_of_members():
    record = {"a": {"b": [{"c": 1}, {"c": 2}]}}
    assert member(record, "a.b.c") == [1, 2]
    with pytest.raises(KeyError, match="no 'x', it has b"):
        member(record, "a.x")


@needs_shared
@pytest.mark.parametrize(
    ("name", "under", "count", "field"),
    [
        ("popQA_500.tsv", "", 500, "question"),
        ("triviaqa_unfiltered_1500.json", "Data", 1500, "Question"),
        ("arc_challenge_400.jsonl", "", 400, "question.stem"),
        ("hotpotqa_train_60.json", "", 60, "question"),
        ("webquestions_val.json", "", 755, "qText"),
    ],
)
def test_real_benchmarks_are_read(name, under, count, field):
    texts = [member(record, field) for record in records(SHARED / "benchmarks" / name, form=Form(under=under))]
    assert len(texts) == count
    assert all(isinstance(text, str) and text for text in texts)


def test_a_semicolon_table_and_an_object_of_records(tmp_path):
    assert list(records(written(tmp_path / "r.csv", "q;a\nx;1,5\n"), form=Form(delimiter=";"))) == [
        {"q": "x", "a": "1,5"}
    ]
    nested = {"info": [{"a": [1] * 5}], "data": {"rows": ROWS}, "end": 1}
    assert list(records(written(tmp_path / "r.json", json.dumps(nested)), form=Form(under="data.rows"))) == ROWS
    keyed = written(tmp_path / "k.json", json.dumps({"p1": {"a": 1}, "p2": {"a": 2}}, indent=1))
    assert list(records(keyed, form=Form(keyed="id"))) == [{"id": "p1", "a": 1}, {"id": "p2", "a": 2}]


def test_memory_is_bounded_whatever_is_nested(tmp_path, monkeypatch):
    """An open quote, an open bracket and a line without end are refused after a record's limit."""
    for module in ("opening", "json_values", "tables"):
        monkeypatch.setattr(f"rag_instruct.records.{module}.LONGEST_RECORD", 1 << 17)
    long = "x" * (1 << 18)
    for name, content, said in [
        ("r.tsv", f'q\ta\n1\t"{long}\n2\ty\n' + "z\ty\n" * 100_000, "r.tsv, line 2: "),
        ("r.jsonl", f'{{"a": "{long}"}}\n', "r.jsonl, line 1: longer than 131,072 characters"),
        ("r.json", '[{"a": "' + "y" * (1 << 20), "r.json, line 1, after record 0: not JSON (Unterminated string"),
    ]:
        with pytest.raises(UserError) as refusal:
            list(records(written(tmp_path / name, content)))
        assert said in str(refusal.value)


def test_records_across_pieces_are_whole(tmp_path, monkeypatch):
    """Numbers, words and records that end where a piece of the text ends."""
    values = [{"n": 10**k, "b": [True, None, "é" * k]} for k in range(12)] + [123, 4567, 0.25, -1e-07, "x"]
    path = written(tmp_path / "r.json", json.dumps(values, ensure_ascii=False, indent=1))
    lines = [2 + 8 * k for k in range(13)] + [99, 100, 101, 102]
    for size in range(1, 40):
        monkeypatch.setattr("rag_instruct.records.json_values.PIECE", size)
        places = [f"line {line}, record {number}" for number, line in enumerate(lines, start=1)]
        assert list(located_records(path)) == list(zip(places, values, strict=True))


def test_a_record_is_named_by_its_line(tmp_path):
    lines = written(tmp_path / "r.jsonl", '{"a": 1}\n\n{"a": 2}\n')
    assert list(located_records(lines)) == [("line 1", {"a": 1}), ("line 3", {"a": 2})]
    under = written(tmp_path / "u.json", '{"x": [1,\n2], "rows": [\n{"a": 1}, {"a": 2},\n{"a":\n3}]}')
    assert [place for place, _ in located_records(under, form=Form(under="rows"))] == [
        "line 3, record 1", "line 3, record 2", "line 4, record 3",
    ]  # fmt: skip
    keyed = written(tmp_path / "k.json", '{"p": {"a": 1},\n"q":\n{"a": 2}}')
    assert [place for place, _ in located_records(keyed, form=Form(keyed="id"))] == [
        "line 1, record 1", "line 3, record 2",
    ]  # fmt: skip


def test_half_an_emoji_is_counted(tmp_path, caplog):
    path = written(tmp_path / "r.json", r"""[{"a": "cut \ud83d"}, {"a": "\ud83d\ude00"}, {"a": "\ude00"}]""")
    assert list(records(path)) == [{"a": "cut ?"}, {"a": "😀"}, {"a": "?"}]
    assert "r.json: 2 records have half of a surrogate pair, the first is line 1, record 1" in caplog.text


def test_half_an_emoji_outside_of_the_records_is_not_counted(tmp_path, caplog):
    text = r"""{"cut \ud83d": 1, "info": ["\ud83d"], "about": {"a": "\ud83d"}, "rows": [{"a": "x"}, {"a": "\ud83d"}]}"""
    assert list(records(written(tmp_path / "r.json", text), form=Form(under="rows"))) == [{"a": "x"}, {"a": "?"}]
    assert "r.json: 1 records have half of a surrogate pair, the first is line 1, record 2" in caplog.text


@pytest.mark.parametrize("begin", ["[", '{"version": "1.1", "data": ['])
def test_records_inside_of_others_get_the_plain_fields_around_them(tmp_path, begin):
    content = (
        begin
        + """
        {"title": "T", "paragraphs": [{"context": "C", "id": 1, "qas": [{"q": "x", "id": 2}, {"q": "y"}], "tags": []}]},
        {"title": "U", "paragraphs": [{"context": "D", "qas": []}, {"context": "E", "qas": [{"q": "z"}]}]}]"""
        + ("}" if begin[0] == "{" else "")
    )
    under = ("data." if begin[0] == "{" else "") + "paragraphs.qas"
    path = written(tmp_path / "r.json", content)
    assert list(located_records(path, form=Form(under=under))) == [
        ("line 2, record 1", {"title": "T", "context": "C", "id": 2, "q": "x"}),
        ("line 2, record 2", {"title": "T", "context": "C", "id": 1, "q": "y"}),
        ("line 3, record 3", {"title": "U", "context": "E", "q": "z"}),
    ]
    with pytest.raises(UserError, match="line 2: no object with the key 'answers' begins here: correct `under`"):
        list(records(path, form=Form(under=under.replace("qas", "answers"))))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"rows": {"a": 1}}', "r.json, line 1: the value of 'rows' is no array of records: correct `under`"),
        ("[{}]", "r.json, line 1: no object with the key 'rows' begins here: correct `under`"),
        (
            '{"n": 1,\n"Rows": [{"a": 1}]}',
            "r.json, line 2: the object that ends here has no key 'rows': correct `under`",
        ),
        ("{}", "r.json, line 1: the object that ends here has no key 'rows': correct `under`"),
    ],
)
def test_json_of_another_layout_than_under_says_is_not_called_broken(tmp_path, content, said):
    with pytest.raises(UserError) as refusal:
        list(records(written(tmp_path / "r.json", content), form=Form(under="rows")))
    with pytest.raises(UserError, match="correct `under`"):
        list(records(written(tmp_path / "r.json", f'{{"data": {content}}}'), form=Form(under="data.rows")))
    assert said in str(refusal.value)


def test_a_folder_in_an_archive_is_no_file_whatever_its_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("set.json/", "")
        archive.writestr("set.json/rows.jsonl", '{"a": 1}')
    assert list(records(tmp_path / "a.zip")) == [{"a": 1}]


@pytest.mark.parametrize("copy", [0, 1])
def test_an_archive_with_a_damaged_name_is_refused(tmp_path, copy):
    """The name stands before the file, and in the list at the archive's end."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("r\u00e9.jsonl", '{"a": 1}')
    name = "r\u00e9".encode()
    parts = (tmp_path / "a.zip").read_bytes().split(name)
    names = [name, name]
    names[copy] = b"r\x82\x82"
    (tmp_path / "a.zip").write_bytes(parts[0] + names[0] + parts[1] + names[1] + parts[2])
    with pytest.raises(UserError, match=r"a\.zip.*: unreadable \(.*is the file complete"):
        list(records(tmp_path / "a.zip"))


def test_endings_in_capitals_and_tables_in_archives(tmp_path):
    assert list(records(written(tmp_path / "R.TSV", "q\n1\n"))) == [{"q": "1"}]
    pq.write_table(pa.table({"q": ["x"]}), tmp_path / "q.parquet")
    with zipfile.ZipFile(tmp_path / "a.ZIP", "w") as archive:
        archive.write(tmp_path / "q.parquet", "q.parquet")
        archive.writestr("r.jsonl.gz", gzip.compress(b'{"q": 1}', mtime=0))
    assert list(records(tmp_path / "a.ZIP/q.parquet")) == [{"q": "x"}]
    assert list(records(tmp_path / "a.ZIP", form=Form(member="r.jsonl.gz"))) == [{"q": 1}]


def test_an_archive_that_cannot_be_read_has_a_remedy_of_its_own(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("r.jsonl", '{"a": 1}')
    locked = bytearray((tmp_path / "a.zip").read_bytes())
    locked[6] |= 1  # the flag of a password
    locked[locked.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(locked)
    with pytest.raises(UserError, match=r"encrypted.*: unpack the archive, with its password if it has one"):
        list(records(tmp_path / "a.zip"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("texts/a.txt", "A text.")
    with pytest.raises(UserError, match=r"it holds: texts/a\.txt: unpack it, and give the folder"):
        list(records(tmp_path / "b.zip"))


def test_a_damaged_archive_whose_file_has_no_name_is_refused(tmp_path):
    """The name ends at a zero byte, so it is empty."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("f.tsv", "id\ttext\n")
    path.write_bytes(path.read_bytes().replace(b"f.tsv", b"\0.tsv"))
    with pytest.raises(UserError, match="the archive must hold one file of a known kind"):
        list(located_records(path))
