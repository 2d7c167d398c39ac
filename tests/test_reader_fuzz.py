"""The reader of others' files, tried on files that hypothesis makes: no traceback, and rows in = rows out + rows refused.

RAG_INSTRUCT_FUZZ_MINUTES=60 tries new files for that long, each test for its share.
"""

import csv
import gzip
import io
import json
import os
import re
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_instruct.corpus.blocks import Block, Document
from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.markup import PARAGRAPHS, SKIPPED, html_blocks, markdown_blocks
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.corpus.plain import plain_blocks
from rag_instruct.corpus.splitter import Limit, along_structure, windows, word_spans
from rag_instruct.errors import UserError
from rag_instruct.records import Form, located_records

MINUTES = float(os.environ.get("RAG_INSTRUCT_FUZZ_MINUTES", 0))
EXAMPLES = 60
TESTS = 7
NOISE = [
    '"',
    '""',
    "\t",
    "\n",
    "\r",
    "\r\n",
    ",",
    ";",
    "\\",
    "\u2028",
    "\x85",
    "\0",
    "\ufeff",
    "é",
    "北",
    "😀",
    "[",
    "]",
    "{",
    "}",
    "'",
]
WORD = st.one_of(st.sampled_from(NOISE), st.text(st.characters(codec="utf-8"), max_size=8))
TEXT = st.lists(WORD, max_size=6).map("".join)
ROW = st.fixed_dictionaries({"id": TEXT, "text": TEXT, "title": TEXT})
ROWS = st.lists(ROW, min_size=1, max_size=6)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])
PACKINGS = st.sampled_from(["", ".gz", ".zst", ".zip"])
FIELDS = ["id", "text", "title"]


def tried(test):
    """The test on a few files that are always the same, or on new ones for its share of the minutes."""
    often = settings(
        max_examples=500 if MINUTES else EXAMPLES,
        derandomize=not MINUTES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )(test)

    def run(tmp_path):
        end = time.monotonic() + MINUTES * 60 / TESTS
        often(tmp_path)
        rounds = 1
        while time.monotonic() < end:
            often(tmp_path)
            rounds += 1
        if MINUTES:
            print(f"{test.__name__}: {500 * rounds:,} files")  # pytest -rP shows it

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return pytest.mark.timeout(MINUTES * 60 + 300)(run)


def table(rows, delimiter):
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


WRITERS = {
    ".tsv": lambda rows: table(rows, "\t"),
    ".csv": lambda rows: table(rows, ","),
    ".json": json.dumps,
    ".jsonl": lambda rows: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
}


def packed(folder, kind, data, packing):
    """A file of these bytes, as it is or packed."""
    path = folder / f"f{kind}{'' if packing == '.zip' else packing}"
    if packing == ".gz":
        data = gzip.compress(data, mtime=0)
    if packing == ".zst":
        data = pa.compress(data, codec="zstd", asbytes=True) if data else data
    if packing == ".zip":
        with zipfile.ZipFile(folder / "f.zip", "w") as archive:
            archive.writestr(path.name, data)
        return folder / "f.zip"
    path.write_bytes(data)
    return path


def read(path, form=Form()):  # noqa: B008
    """The records with their places, and the refusal or None. Any other exception is a fault."""
    found, said = [], None
    try:
        for place, record in located_records(path, form=form):
            found.append((place, record))
    except UserError as error:
        said = str(error)
    assert said is None or (str(path) in said and len(said) < 2000)
    return found, said


@tried
@given(rows=ROWS, kind=st.sampled_from(list(WRITERS)), encoding=ENCODINGS, packing=PACKINGS)
def test_what_is_written_is_read(tmp_path, rows, kind, encoding, packing):
    path = packed(tmp_path, kind, WRITERS[kind](rows).encode(encoding), packing)
    found, refused = read(path)
    if refused and "a quote joins these lines" in refused:  # each of them may be a row, until somebody says
        assert kind == ".tsv"
        found, refused = read(path, Form(quoted=True))
    if refused:  # only a zero byte in a text without a byte-order mark is taken for another encoding
        assert "zero bytes" in refused
        assert encoding == "utf-8"
    else:
        assert [record for _, record in found] == [marked_nowhere(row, kind) for row in rows]


def marked_nowhere(row, kind):
    """A row without byte-order marks at the beginning of a line, as joined files have them: they are no text."""
    tables = (".tsv", ".csv")
    return row if kind not in tables else {key: re.sub("(?<=\n)\ufeff", "", value) for key, value in row.items()}


@tried
@given(lines=st.lists(TEXT, max_size=8), kind=st.sampled_from([".jsonl", ".tsv"]), data=st.data())
def test_lines_in_are_lines_out_or_refused(tmp_path, lines, kind, data):
    """JSON lines and joined tables: whatever the lines are, none gets lost before the refused one."""
    if kind == ".jsonl":
        good = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.none(), st.floats()), max_size=3)
        parts = [json.dumps(data.draw(good)) if data.draw(st.booleans()) else line for line in lines]
        content = "".join(f"{part}\n" for part in parts)
        if content.removeprefix("\ufeff").lstrip()[:1] == "[":
            return  # an array
        # A byte-order mark is no text: at the beginning of the file, and of each line, as joined files have them.
        marked = [line.removeprefix("\ufeff") for line in content.removeprefix("\ufeff").split("\n")]
        kept = [number for number, line in enumerate(marked, start=1) if line.strip()]
        found, refused = read(packed(tmp_path, kind, content.encode(), ""))
    else:
        content = "id\ttext\n" + "".join(f"{line}\n" for line in lines)
        marked = [line.removeprefix("\ufeff").removesuffix("\r") for line in content.split("\n")]
        kept = [number for number, line in enumerate(marked[1:], start=2) if line]
        found, refused = read(packed(tmp_path, kind, content.encode(), ""), Form(quoted=False))
    if refused and ("zero bytes" in refused or "not a text" in refused):
        return
    before = int(re.search(r", line (\d+)", refused)[1]) if refused else float("inf")
    assert len(found) == sum(number < before for number in kept)


@tried
@given(
    rows=ROWS,
    kind=st.sampled_from([".tsv", ".csv"]),
    changes=st.lists(st.tuples(st.integers(0, 400), WORD), max_size=4),
)
def test_a_broken_table_gives_each_line_once_or_is_refused(tmp_path, rows, kind, changes):
    text = WRITERS[kind](rows)
    for place, noise in changes:
        place %= len(text) + 1
        text = text[:place] + noise + text[place + len(noise) // 2 :]
    found, _ = read(packed(tmp_path, kind, text.encode(), ""))
    lines = text.split("\n")
    follows = 1
    for place, record in found:
        line = int(place.removeprefix("line "))
        assert line > follows or line == 2
        # A mark of UTF-8 alone on a line, as where files were joined, is no text.
        assert all(not skipped.strip("\r\ufeff") for skipped in lines[follows : line - 1]) or follows == 1
        follows = line + sum(value.count("\n") for value in record.values())


@tried
@given(
    rows=ROWS,
    kind=st.sampled_from([*WRITERS, ".parquet"]),
    packing=PACKINGS,
    changes=st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=6)), max_size=4),
    cut=st.integers(0, 10),
)
def test_damaged_bytes_are_read_or_refused_with_the_name_of_the_file(tmp_path, rows, kind, packing, changes, cut):
    """Also through the import of a corpus, whose passages are as many as the records."""
    if kind == ".parquet":
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), file)
        path = packed(tmp_path, kind, file.getvalue(), packing if packing == ".zip" else "")
    else:
        path = packed(tmp_path, kind, WRITERS[kind](rows).encode(), packing)
    content = bytearray(path.read_bytes())
    for place, noise in changes:
        place %= len(content) + 1
        content[place : place + len(noise)] = noise
    path.write_bytes(bytes(content[: len(content) - cut]))
    found, refused = read(path)
    said = ""
    try:
        made = import_passages(path, {}, 0, tmp_path / "p.arrow", tmp_path / "p.json")
    except UserError as error:
        said = str(error)
    if said:
        assert str(tmp_path) in said
    else:
        assert refused is None
        assert made == len(found) == len(PassageStore(tmp_path / "p.arrow"))


SENTENCE = st.lists(
    st.sampled_from(["word", "it.", "Dr.", "so!", "北京", "ที่นี่", "है।", "a-b", "3.5", "end:"]), min_size=1, max_size=30
)
PART = st.tuples(SENTENCE, st.sampled_from([0, 0, 0, 1, 2, 3]), st.sampled_from([" ", "\n", "  "]))


@tried
@given(parts=st.lists(PART, min_size=1, max_size=12), words=st.integers(10, 60))
def test_passages_hold_every_word_once_and_in_order(tmp_path, parts, words):
    """Headings may stand in several passages. No passage is longer than it may be."""
    blocks, texts = [], []
    for number, (tokens, level, blank) in enumerate(parts):
        marks = [f"m{number}n{place}" for place in range(len(tokens))]
        blocks.append(Block(blank.join(f"{mark} {token}" for mark, token in zip(marks, tokens, strict=True)), level))
        texts += marks if not level else []
    document = Document("d", "d", "T", blocks)
    for cut in (windows, along_structure):
        found = list(cut(document, Limit(words)))
        assert all(0 < len(word_spans(one.text)) <= words for one in found)
        seen = re.findall(r"m\d+n\d+", " ".join(one.text for one in found))
        assert [mark for mark in seen if not blocks[int(mark[1:].split("n")[0])].level] == texts
        assert set(re.findall(r"m\d+n\d+", document.text)) <= set(seen)


WORDS = st.sampled_from(
    ["the", "Alpha", "beta,", "end.", "x=1", "- item", "1. two", "北京", "ที่นี่", "  ", "\t", "wide-", "A", "。"]
)
LINES = st.lists(st.lists(WORDS, max_size=16).map(" ".join), max_size=12).map("\n".join)


@tried
@given(pages=st.lists(LINES, min_size=1, max_size=5))
def test_a_plain_text_keeps_every_letter_whatever_lines_are_joined(tmp_path, pages):
    blocks, running = plain_blocks("\f".join(pages))
    if not running:
        assert "".join("".join(block.text.split()) for block in blocks) == "".join("".join(pages).split())


TAGS = sorted({*PARAGRAPHS, "a", "b", "br", "sub", "sup", "h1", "h2", "img", "span", "td", "th"} - {"html", "body"})
TAG = st.sampled_from([*(f"<{tag}>" for tag in TAGS), *(f"</{tag}>" for tag in TAGS)])


@tried
@given(
    parts=st.lists(st.one_of(TAG, TAG, st.just("text")), max_size=40),
    skipped=st.sampled_from(sorted(SKIPPED - {"head"})),
)
def test_a_web_page_keeps_every_word_that_it_shows_once_and_in_order(tmp_path, parts, skipped):
    """Whatever its tags are, and however few of them are closed."""
    shown = [f"w{number}w" if part == "text" else part for number, part in enumerate(parts)]
    half = len(shown) // 2
    hidden = (
        f"<{skipped}>no<{skipped}>no</{skipped}>no</{skipped}>"
        if skipped not in ("script", "style")
        else f"<{skipped}>no</{skipped}>"
    )
    page = " ".join([*shown[:half], hidden, *shown[half:]])
    found = " ".join(block.text for block in html_blocks(page).blocks)
    assert re.findall(r"w\d+w", found) == [part for part in shown if part[0] == "w"]
    assert "no" not in found
    markdown_blocks("".join(parts))
