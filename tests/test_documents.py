"""Documents as people have them: what becomes of PDF, Word, HTML, Markdown and text files, and of what is left out."""

import importlib.util
import json
import os
import textwrap
import unicodedata
import zipfile
from pathlib import Path

import office
import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from rag_instruct.corpus.blocks import Block, Document
from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.layout import Line, blocks_of
from rag_instruct.corpus.markup import html_blocks, markdown_blocks
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.corpus.pdf import SYMBOL, _in_order, _plain, _with_ligatures
from rag_instruct.corpus.plain import plain_blocks
from rag_instruct.corpus.splitter import Limit, along_structure, windows, word_spans
from rag_instruct.corpus.tokens import InTokens
from rag_instruct.errors import UserError
from rag_instruct.records import Form

GLOVES = "Wear gloves when you handle solvents. They protect your skin from acetone, which dries it out quickly."
BOOTS = "Wear boots in the yard. They keep your feet dry, and the steel cap protects your toes from falling pipes."


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "docs"
    made.mkdir()
    return made


def passages(folder, words=100, split="structure"):
    """The passages of a folder of documents by id, and what was left out."""
    output = folder.parent / "p.arrow"
    import_passages(folder, {}, words, output, folder.parent / "p.json", split)
    store = PassageStore(output)
    left_out = json.loads((folder.parent / "p.json").read_text())["left_out"]
    return {one.id: (one.title, one.text) for one in store.slice(0, len(store))}, left_out


def test_a_pdf_keeps_its_headings_and_pages_and_loses_running_lines(folder):
    pages = [
        [
            (72, 760, 9, False, "ACME handbook"),
            (72, 700, 18, True, f"{number}. {name}"),
            *office.column(text, top=660),
            (300, 30, 9, False, f"Page {number} of 4"),
        ]
        for number, (name, text) in enumerate([("Gloves", GLOVES), ("Boots", BOOTS), ("Hats", BOOTS), ("Masks", GLOVES)], 1)
    ]  # fmt: skip
    office.pdf(folder / "handbook.pdf", pages, "ACME safety")
    found, left_out = passages(folder, 40)
    assert found["handbook.pdf#page=1-1"] == ("ACME safety", f"1. Gloves\n{GLOVES}")
    assert found["handbook.pdf#page=2-2"] == ("ACME safety", f"2. Boots\n{BOOTS}")
    assert len(found) == 4
    assert left_out == {"lines of running headers, footers and page numbers": ["handbook.pdf: 8"]}
    in_windows, _ = passages(folder, 15, "windows")
    assert [name for name in in_windows if "#page=2" in name], "also windows say on which page they begin"


def test_a_stamp_in_the_margin_is_no_title_and_letters_may_be_scaled(folder):
    """As arXiv stamps papers. Some writers set all fonts to size 1 and scale them."""
    text = [(*line, "scaled") for line in office.column(f"{GLOVES} {BOOTS} {GLOVES} {BOOTS}")]
    title = [(72, 760, 18, False, "Dense Gloves for Open", "scaled"), (72, 740, 18, False, "Hands", "scaled")]
    office.pdf(folder / "a.pdf", [[(30, 200, 20, False, "arXiv:2004.1v3 [cs.CL]", "upright"), *title, *text]])
    upright = [(200 + 14 * n, 100, 10, False, one[4], "upright") for n, one in enumerate(office.column(GLOVES))]
    office.pdf(folder / "turned.pdf", [upright])
    found, left_out = passages(folder)
    assert {title for title, _ in found.values()} == {"Dense Gloves for Open Hands", "turned"}
    assert "arXiv" not in str(found)
    assert GLOVES in found["turned.pdf#page=1-1"][1].replace("\n", " "), "a page whose whole text is turned is kept"
    assert left_out == {"lines that are turned against the page": ["a.pdf: 1"]}


def test_a_list_of_contents_gives_no_document_its_name(folder):
    (folder / "manual.md").write_text(f"# Table of contents\n\n- Gloves\n\n# Gloves\n\n{GLOVES}\n")
    (folder / "\u624b\u518c.html").write_text(f"<h1>\u76ee\u5f55</h1><p>{GLOVES}</p>")
    found, _ = passages(folder)
    assert {title for title, _ in found.values()} == {"Gloves", "\u624b\u518c"}


def test_two_columns_are_read_one_after_the_other_and_hyphens_at_line_ends_are_joined(folder):
    left = office.column(f"{GLOVES} A good supplier and a long ware-", left=50, width=45)
    right = [(320, 720, 10, False, "house of gloves help.")]
    office.pdf(folder / "two.pdf", [left + right])
    found, _ = passages(folder)
    assert list(found.values()) == [("two", f"{GLOVES} A good supplier and a long warehouse of gloves help.")]


def test_a_scan_is_an_error_that_names_every_scan_and_a_page_without_text_is_counted(folder):
    office.pdf(folder / "a.pdf", [None])
    office.pdf(folder / "b.pdf", [None, None])
    office.pdf(folder / "c.pdf", [office.column(GLOVES), None])
    (folder / "d.pdf").write_bytes(b"%PDF-1.4 cut off")
    with pytest.raises(UserError) as refusal:
        passages(folder)
    said = str(refusal.value)
    assert "3 of 4 documents cannot be read" in said
    for name in ("a.pdf", "b.pdf"):
        assert f"{name}: its pages are pictures without text, as scans are: add the text with" in said
    assert "d.pdf: it is damaged" in said
    for name in ("a.pdf", "b.pdf", "d.pdf"):
        (folder / name).unlink()
    found, left_out = passages(folder)
    assert list(found) == ["c.pdf#page=1-1"]
    assert left_out == {"PDF pages that are pictures without text": ["c.pdf#page=2"]}


def test_a_pdf_with_a_password_is_refused_with_the_remedy(folder):
    file = office.pdf(folder / "a.pdf", [office.column(GLOVES)])
    lock = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O ({'o' * 32}) /U ({'u' * 32}) /P -4 >> /ID [(a) (a)] /Info"
    file.write_bytes(file.read_bytes().replace(b"/Info", lock.encode()))
    with pytest.raises(UserError, match=r"a\.pdf: it needs a password: save it without one"):
        passages(folder)


def test_a_pdf_page_whose_letters_have_no_known_characters_is_left_out(folder):
    """A font without a map of its letters gives signs without a meaning, and a few wrong letters among them."""
    unknown = [(72, 720 - 12 * n, 10, False, "\x0e\x0f\x10 & \x11\x12\x13\x14 (-.45)\x15 %") for n in range(9)]
    office.pdf(folder / "a.pdf", [office.column(GLOVES), unknown])
    found, left_out = passages(folder)
    assert list(found.values()) == [("a", GLOVES)]
    assert left_out == {"PDF pages whose letters have no known characters": ["a.pdf#page=2"]}
    office.pdf(folder / "a.pdf", [unknown])
    with pytest.raises(UserError, match=r"a\.pdf: its letters have no known characters: export it again, or use"):
        passages(folder)


def test_a_word_file_keeps_headings_and_tables(folder):
    table = [["Size", "Width"], ["7", "18 cm"], ["9", ""]]
    parts = [("Heading 1", "Protection"), ("Heading 2", "Gloves"), GLOVES, table, ("Heading 2", "Boots"), BOOTS]
    office.docx(folder / "safety.docx", parts)
    found, left_out = passages(folder, 45)
    assert list(found.values()) == [
        ("Protection", f"Gloves\n{GLOVES}\n\nSize | Width\n7 | 18 cm\n9 | "),
        ("Protection", f"Boots\n{BOOTS}"),
    ]
    assert left_out == {}
    office.docx(folder / "titled.docx", [("Title", "Handbook"), ("Heading 1", "Gloves"), GLOVES])
    assert passages(folder)[0]["titled.docx-1"] == ("Handbook", f"Gloves\n{GLOVES}")
    (folder / "titled.docx").unlink()
    parts = [f"{GLOVES} {BOOTS}", ("Title", "Guide"), ("Heading 1", "Gloves"), GLOVES]
    office.docx(folder / "a.docx", parts)
    assert passages(folder)[0]["a.docx-1"] == ("Guide", f"{GLOVES} {BOOTS}\n\nGloves\n\n{GLOVES}")
    (folder / "old.docx").write_bytes(b"\xd0\xcf\x11\xe0 an old .doc")
    with pytest.raises(UserError, match=r"old\.docx: it is no Word document, or damaged"):
        passages(folder)


PAGE = f"""<!doctype html><html><head><title>Gloves - ACME</title><script>var x = "no";</script></head><body>
<nav><ul><li><a href="/">Home<li><a href="/shop">Shop</ul></nav>
<main><h1>Gloves</h1><p>{GLOVES}</p><h2>Sizes</h2><p>Gloves come in <b>two</b> sizes, and each has a colour of its own.</p>
<table><tr><th>Size</th><th>Width</th></tr><tr><td>7</td><td>18 cm</td></tr></table>
<ol><li>Wash them after each use, with soap.</li><li>Dry them in the air, not in the sun.</li></ol></main>
<footer><p>Copyright ACME. All rights reserved.</p></footer></body></html>"""


def test_what_stands_in_place_of_a_document_is_no_text(folder):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    files = {
        "a.txt": pointer,
        "b.md": pointer,
        "c.pdf": "<!DOCTYPE html><p>Log in",
        "d.txt": "<html><p>x",
        "e.docx": "",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    (folder / "f.docx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 locked")
    with pytest.raises(UserError) as refusal:
        passages(folder)
    said = str(refusal.value).split("\n")[1:]
    assert [line.partition(": ")[0] for line in said] == ["a.txt", "b.md", "c.pdf", "d.txt", "e.docx", "f.docx"]
    for line, part in zip(said, ["git lfs pull", "git lfs pull", "was the download refused", "name it .html", "is empty", "needs a password"], strict=True):  # fmt: skip
        assert part in line
    assert [line.endswith("name it .html") for line in said] == [False, False, False, True, False, False]


def test_a_web_page_is_its_main_content(folder):
    (folder / "gloves.html").write_text(PAGE)
    found, left_out = passages(folder)
    ((title, text),) = found.values()
    assert title == "Gloves"
    assert text == (
        f"{GLOVES}\n\nSizes\n\nGloves come in two sizes, and each has a colour of its own.\n\nSize | Width\n7 | 18 cm\n\n"
        "1. Wash them after each use, with soap.\n2. Dry them in the air, not in the sun."
    )
    assert list(left_out) == ["blocks of web pages outside the main content"]


def test_a_web_page_says_its_encoding(folder):
    text = f'<html><head><meta charset="iso-8859-1"></head><body><p>{GLOVES} Caf\xe9.</p></body></html>'
    (folder / "a.html").write_bytes(text.encode("latin-1"))
    assert list(passages(folder)[0].values()) == [("a", f"{GLOVES} Café.")]


@pytest.mark.parametrize(
    "page",
    [
        "<html><head><title>Safety</title></strong><body><p>{}</p></body></html>",  # a head without an end
        "<head><title>Safety</title><p>{}</p>",  # neither its end nor a body
        "<title>Safety</title><body><nav><ul><li>Home</li></ul><p>{}</p>",  # navigation without an end
        "<title>Safety</title><body><button>More<p>{}</p></body>",
    ],
)
def test_a_web_page_keeps_its_text_whatever_does_not_end(folder, page):
    (folder / "a.html").write_text(page.format(GLOVES))
    ((title, text),) = passages(folder)[0].values()
    assert title == "Safety"
    assert GLOVES in text


def test_a_folder_may_have_files_of_two_encodings(folder):
    (folder / "a.txt").write_text("Caf\u00e9 au lait \u2014 \u5317\u4eac")
    (folder / "b.md").write_bytes("Na\u00efve \u201cquotes\u201d".encode("cp1252"))
    (folder / "c.txt").write_bytes("Zo\u00eb".encode("utf-16"))
    with pytest.raises(UserError, match=r"1 of 3 documents cannot be read.*\n.*b\.md, line 1: not UTF-8"):
        passages(folder)
    output = folder.parent / "p.arrow"
    import_passages(folder, {}, 50, output, folder.parent / "p.json", "structure", Form(encoding="cp1252"))
    texts = [one.text for one in PassageStore(output).slice(0, 3)]
    assert texts == ["Caf\u00e9 au lait \u2014 \u5317\u4eac", "Na\u00efve \u201cquotes\u201d", "Zo\u00eb"]
    (folder / "b.md").write_bytes("\u6771\u4eac".encode("iso2022_jp"))
    (folder / "a.txt").unlink()
    import_passages(folder, {}, 50, output, folder.parent / "p.json", "structure", Form(encoding="iso2022_jp"))
    assert PassageStore(output)[[0]][0].text == "\u6771\u4eac", "a text of seven bits is valid UTF-8"


def test_markdown_has_one_title_and_code_is_no_heading(folder):
    (folder / "a.MD").write_text(f"```\n# a comment\n```\n\n# Gloves\n\n{GLOVES}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    (folder / "b.md").write_text(f'---\ntitle: "Boots: all"\nid: 7\n---\n{BOOTS}\n')
    (folder / "c.md").write_text("Underlined\n==========\n\nSome *text*.\n")
    found, _ = passages(folder)
    assert found == {
        "a.MD-1": ("Gloves", f"# a comment\n\n{GLOVES}\n\na | b\n1 | 2"),
        "b.md-1": ("Boots: all", BOOTS),
        "c.md-1": ("Underlined", "Some text."),
    }


def test_what_is_left_out_is_counted_by_reason_and_links_are_followed_once(folder, tmp_path, caplog):
    for name in ("a.TXT", ".hidden.txt", "picture.png", "data.csv", "~$a.docx"):
        (folder / name).write_text("Some text.")
    (folder / "empty.txt").write_text(" \n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "far.txt").write_text("Text behind a link.")
    (folder / "linked").symlink_to(other)
    (folder / "loop").symlink_to(folder)
    (folder / "broken.txt").symlink_to(tmp_path / "nowhere.txt")
    (folder / "again.txt").symlink_to(folder / "a.TXT")
    found, left_out = passages(folder)
    assert list(found) == ["a.TXT-1", "linked/far.txt-1"]
    assert left_out == {
        "broken links and special files": ["broken.txt"],
        "empty documents": ["empty.txt"],
        "files of kind .csv": ["data.csv"],
        "files of kind .png": ["picture.png"],
        "hidden files and folders": [".hidden.txt", "~$a.docx"],
        "links to files that are read as a.TXT": ["again.txt"],
        "links to folders that are read already": ["loop"],
    }
    assert "left out, files of kind .png: 1 (picture.png)" in caplog.text


def test_a_folder_is_read_by_its_own_path_though_a_link_to_it_sorts_first(folder):
    (folder / "real").mkdir()
    (folder / "real/a.txt").write_text("Some text.")
    (folder / "also").symlink_to(folder / "real")
    (folder / ".cache").mkdir()
    (folder / ".cache/link").symlink_to(folder / "real")
    found, left_out = passages(folder)
    assert list(found) == ["real/a.txt-1"]
    assert left_out == {"hidden files and folders": [".cache"], "links to folders that are read already": ["also"]}


def test_a_link_to_a_hidden_folder_is_read_and_no_other_hidden_folder_is_entered(folder, monkeypatch):
    (folder / ".store/deep").mkdir(parents=True)
    (folder / ".store/deep/a.txt").write_text("Some text.")
    (folder / "shown").symlink_to(folder / ".store")
    (folder / "sub/.locked").mkdir(parents=True)
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith(".locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found, left_out = passages(folder)
    assert list(found) == ["shown/deep/a.txt-1"]
    assert left_out == {"hidden files and folders": [".store", "sub/.locked"]}


def test_a_missing_package_is_said_with_its_command_before_anything_is_read(folder, monkeypatch):
    office.pdf(folder / "a.pdf", [office.column(GLOVES)])
    (folder / "b.txt").write_bytes(b"\xff not read")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "rag_instruct.corpus.readers.find_spec", lambda name: None if name == "pypdfium2" else found(name)
    )
    with pytest.raises(
        UserError, match=r"a\.pdf needs the package pypdfium2.*pip install -r requirements-documents\.txt"
    ):
        passages(folder)
    (folder / "a.pdf").unlink()
    with pytest.raises(UserError, match=r"b\.txt, line 1: not UTF-8"):
        passages(folder)


def test_a_single_document_is_a_corpus_and_needs_words(folder):
    (folder / "a.txt").write_text("Some text.")
    output = folder.parent / "p.arrow"
    assert import_passages(folder / "a.txt", {}, 100, output, folder.parent / "p.json") == 1
    with pytest.raises(UserError, match=r"a\.txt: documents are cut into passages: set `words`"):
        import_passages(folder / "a.txt", {}, 0, output, folder.parent / "p.json")


def structured(blocks, words):
    return [one.text for one in along_structure(Document("d", "d", "T", blocks), Limit(words))]


def test_passages_follow_the_structure():
    sentence = "This sentence has exactly seven words here. "
    blocks = [
        Block("Part", 1), Block("Long", 2), Block((sentence * 8).strip()),
        Block("Short", 2), Block("Few words."), Block("Shorter", 2), Block("Fewer."), Block("Next", 1), Block(sentence.strip()),
    ]  # fmt: skip
    found = structured(blocks, 40)
    assert found == [
        "Part > Long\n" + (sentence * 4).strip(),
        "Part > Long\n" + (sentence * 4).strip(),
        "Part > Short\nFew words.\n\nShorter\n\nFewer.",
        "Next\n" + sentence.strip(),
    ], "long sections are cut between sentences into equal parts, short neighbours share a passage"


def test_a_heading_without_a_text_is_not_lost():
    assert structured([Block("A", 1), Block("B", 1), Block("Text."), Block("End", 2)], 40) == ["A\n\nB\n\nText.\n\nEnd"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Chinese", "北京是中国的首都。它有很多人口\uff01是吗\uff1f是的。"),
        ("Japanese", "東京は日本の首都です。人口は多い。交通も便利です。"),
        ("Thai", "กรุงเทพฯ เป็นเมืองหลวงของประเทศไทย มีประชากรมากและอากาศร้อน การเดินทางสะดวก"),
        ("Hindi", "दिल्ली भारत की राजधानी है। यहाँ बहुत लोग रहते हैं। मौसम गरम है।"),
        ("Arabic", "القاهرة عاصمة مصر. هل هذا صحيح؟ نعم هذا صحيح."),
        ("Burmese", "ရန်ကုန်သည်မြန်မာနိုင်ငံ၏မြို့တော်ဟောင်းဖြစ်သည်။ လူဦးရေများသည်။"),
    ],
)
def test_every_script_is_cut_between_sentences_or_words(language, text):
    blocks = [Block(text * 5)]
    for cut in (windows, along_structure):
        found = [one.text for one in cut(Document("d", "d", "T", blocks), Limit(12))]
        assert len(found) > 3, language
        assert "".join("".join(found).split()) == "".join((text * 5).split())
        assert all(len(word_spans(piece)) <= 12 for piece in found)
        assert all(unicodedata.category(piece[0])[0] != "M" for piece in found), "no piece begins with a combining sign"


def test_thai_words_stay_whole():
    text = "กรุงเทพฯเป็นเมืองหลวงของประเทศไทย"
    assert [text[start:end] for start, end in Limit(3).windows(text)] == ["กรุงเทพฯเป็นเมือง", "หลวงของประเทศไทย"]


def test_what_opens_the_next_part_stands_with_it():
    blocks = [
        Block("One two three four five six seven eight."),
        Block("For example:"),
        Block("Nine ten eleven twelve."),
    ]
    assert structured(blocks, 12) == [
        "One two three four five six seven eight.",
        "For example:\n\nNine ten eleven twelve.",
    ]


def test_a_row_that_opens_what_follows_leaves_room_for_the_names_of_its_columns():
    rows = [Block(f"{'x ' * 6}y", header="Fruit | Price"), Block("Apples:", header="Fruit | Price", joined=True)]
    blocks = [*rows, Block("red 1 green 2 old 3 new 4")]
    found = [one.text for one in along_structure(Document("d", "d", "T", blocks), Limit(10))]
    assert all(len(text.split()) <= 10 for text in found), found


def test_a_term_stands_with_its_definition(folder):
    text = f"<h1>Words</h1><p>{GLOVES}</p><dl><dt>glove</dt><dd>What you wear on a hand at work.</dd><dt>boot</dt></dl>"
    (folder / "a.html").write_text(f"<html><body>{text}<p>{BOOTS}</p></body></html>")
    ((_, found),) = passages(folder)[0].values()
    assert "glove\nWhat you wear on a hand at work.\n\nboot\n" in found


def test_a_term_without_a_definition_does_not_begin_what_follows_its_list():
    blocks = html_blocks(f"<dl><dt>glove</dt></dl><p>{GLOVES}</p><dl><dt>boot</dt></dl><ul><li>one</li></ul>").blocks
    assert [block.text for block in blocks] == ["glove", GLOVES, "boot", "- one"]


@pytest.mark.parametrize(
    ("page", "items"),
    [
        ("<ol start=0><li>a</li><li>b</li></ol>", ["0. a", "1. b"]),
        ("<ol><li value=0>a</li><li>b</li></ol>", ["0. a", "1. b"]),
        ("<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>", ["1. a", "  - b", "2. c"]),
    ],
)
def test_lists_count_from_their_own_number(page, items):
    assert [block.text for block in html_blocks(page).blocks] == items


def test_lengths_can_be_counted_in_tokens(tmp_path):
    """Each letter is a token here; words stay whole."""
    letters = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    letters.pre_tokenizer = Split("", "isolated")
    letters.save(str(tmp_path / "tokenizer.json"))
    measure = InTokens(str(tmp_path))
    assert measure("ab cde") == [(0, 2, 2), (3, 6, 3)]
    limit = Limit(20, measure)
    found = [one.text for one in windows(Document("d", "d", "T", [Block(GLOVES)]), limit)]
    assert " ".join(found) == GLOVES
    assert all(10 < limit.count(text) <= 20 for text in found[:-1])
    assert all(limit.count(one.text) <= 20 for one in along_structure(Document("d", "d", "T", [Block(GLOVES)]), limit))
    pieces = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    pieces.pre_tokenizer = Split(Regex(r" ?\w+|\s"), "isolated")  # " cde" is a token, as in GPT-2's and Qwen's
    pieces.save(str(tmp_path / "tokenizer.json"))
    assert InTokens(str(tmp_path))("ab cde fg\nh") == [(0, 2, 1), (3, 6, 1), (7, 9, 1), (10, 11, 1)]
    pieces.pre_tokenizer = Split(Regex(r"\w+|[.]\s*|\s"), "isolated")  # ".\n\n" is a token, as in Llama's and Qwen's
    pieces.save(str(tmp_path / "tokenizer.json"))
    assert InTokens(str(tmp_path))("ab.\n\ncd .\n") == [(0, 3, 2), (5, 7, 1), (8, 9, 1)]
    with pytest.raises(UserError, match=r"tokens_of: the tokenizer of .* cannot be loaded"):
        InTokens(str(tmp_path.parent))


def test_a_table_that_is_cut_repeats_the_names_of_its_columns(folder):
    rows = "".join(f"| {n} | the width is {n} cm |\n" for n in range(12))
    (folder / "a.md").write_text(f"# Sizes\n\nAll sizes.\n\n| Size | Width |\n|---|---|\n{rows}\n- not | a row\n")
    texts = [text for _, text in passages(folder, 40)[0].values()]
    assert texts[0].startswith("All sizes.\n\nSize | Width\n0 | the width is 0 cm\n1 |")
    assert len(texts) > 2
    assert texts.pop() == "- not | a row"
    assert all(text.startswith("Size | Width\n") for text in texts[1:])
    assert all(text.count("Size | Width") == 1 for text in texts)
    assert all(len(word_spans(text)) <= 40 for text in texts)


PAPER = " ".join([GLOVES, BOOTS] * 3)


def pdf_texts(folder, pages, words=200, title=""):
    """The passages of a PDF file with these pages, as (context and text)."""
    office.pdf(folder / "a.pdf", pages, title)
    found, left_out = passages(folder, words)
    return list(found.values()), left_out


def row(height, cells, bold=False):
    return [(left, height, 10, bold, text) for left, text in zip((72, 200, 300, 400), cells, strict=False)]


@pytest.mark.parametrize("split", ["windows", "structure"])
def test_a_passage_that_begins_in_a_paragraph_has_the_page_on_which_it_begins(folder, split):
    """The paragraph has 15 words on each of three pages."""
    pages = [
        [
            (72, 700 - 12 * line, 10, False, " ".join(f"w{15 * page + 5 * line + n}" for n in range(5)))
            for line in range(3)
        ]
        for page in range(3)
    ]
    office.pdf(folder / "a.pdf", pages)
    found, _ = passages(folder, 10, split)
    assert " ".join(text for _, text in found.values()).split() == [f"w{n}" for n in range(45)]
    for name, (_, text) in found.items():
        assert f"#page={int(text.split()[0][1:]) // 15 + 1}-" in name


def test_rows_of_a_pdf_are_lines_with_their_cells(folder):
    """Cells are told by the blank space between them, rows by cells that stand below each other."""
    rows = [row(680 - 16 * n, cells, bold=not n) for n, cells in enumerate([
        ("Site", "Accidents", "Days"), ("Aachen", "3", "17"), ("Brno", "0", "0"), ("Celle", "11", "240 since May")
    ])]  # fmt: skip
    page = [
        (72, 720, 14, True, "2 Accidents"),
        *(line for one in rows for line in one),
        *office.column(GLOVES, top=600),
    ]
    ((_, text),), _ = pdf_texts(folder, [page])
    assert text.endswith(
        f"Site | Accidents | Days\nAachen | 3 | 17\nBrno | 0 | 0\nCelle | 11 | 240 since May\n\n{GLOVES}"
    )


def test_wide_words_of_a_justified_line_and_a_page_number_are_no_table(folder):
    line = [(72 + 130 * n, 640, 10, False, word) for n, word in enumerate(["only", "three", "words"])]
    page = [*office.column(GLOVES, top=700), *line, *office.column(BOOTS, top=628), *row(560, ("1 Item", "12"))]
    ((_, text),), _ = pdf_texts(folder, [page])
    assert "|" not in text


def test_lines_with_double_spacing_are_one_paragraph(folder):
    lines = [
        (left, 720 - 24 * n, size, bold, text) for n, (left, _, size, bold, text) in enumerate(office.column(PAPER))
    ]
    ((_, text),), _ = pdf_texts(folder, [lines])
    assert " ".join(text.split()) == PAPER
    assert "\n\n" not in text


def test_headings_that_count_with_the_pages_are_kept(folder):
    """As in slides and manuals with a chapter a page: "1 Gloves" on page 2, or "Step 1"."""
    names = ["1 Gloves", "2 Boots", "3 Hats", "4 Masks"]
    pages = [
        [
            (72, 700, 18, True, name),
            *office.column(f"{name[2:]}? {GLOVES}", top=660 - 14 * n),
            (300, 30, 10, False, f"{n}"),
        ]
        for n, name in enumerate(names, 1)
    ]
    found, left_out = pdf_texts(folder, [office.column(BOOTS), *pages], 40, "Handbook")
    lines = [line for _, text in found for line in text.split("\n")]
    assert [line for line in dict.fromkeys(lines) if line in names] == names
    assert left_out == {"lines of running headers, footers and page numbers": ["a.pdf: 4"]}


def test_small_lines_at_the_top_of_most_pages_are_running_headers(folder):
    """Left and right pages differ, and so do chapters."""
    heads = ["The Harbour", "A. Muster", "The Storm", "A. Muster"]
    pages = [
        [(200, 760, 8, False, head), *office.column(f"Page of {n}. {GLOVES}", top=700 - 14 * n)]
        for n, head in enumerate(heads)
    ]
    found, left_out = pdf_texts(folder, pages, 25)
    assert [text for _, text in found] == [f"Page of {n}. {GLOVES}" for n in range(4)]
    assert left_out == {"lines of running headers, footers and page numbers": ["a.pdf: 4"]}


def test_references_are_entries_and_an_article_is_no_number(folder):
    entries = [f"[{n}] A. Author and B. Writer. A study of gloves, part {n}." for n in (1, 2, 3)]
    page = [(72, 740, 16, True, "On the Effects of Gloves:"), (72, 720, 16, True, "A First Reflection"),
            *office.column(PAPER, top=680), *((72, 500 - 12 * n, 10, False, text) for n, text in enumerate(entries))]  # fmt: skip
    ((title, text),), _ = pdf_texts(folder, [page])
    assert title == "On the Effects of Gloves: A First Reflection"
    assert text.split("\n\n")[1:] == entries


def test_an_author_above_a_numbered_heading_is_not_part_of_it(folder):
    page = [
        (72, 740, 18, True, "Handbook"),
        (72, 700, 11.5, True, "J. Doe"),
        (72, 670, 14, True, "1. Gloves"),
        *office.column(PAPER, top=640),
    ]
    ((_, text),), _ = pdf_texts(folder, [page])
    assert text.split("\n")[0] == "J. Doe"
    assert "1. Gloves" in text.split("\n")


def test_cells_that_span_rows_and_columns_keep_their_place(folder):
    (folder / "a.html").write_text(
        "<table><tr><th rowspan=2>Size</th><th colspan=2>Seconds</th></tr><tr><th>slow</th><th>fast</th></tr>"
        "<tr><td rowspan=2>10</td><td>9</td><td>0.1</td></tr><tr><td>8</td><td>0.2</td></tr>"
        "<tr><td colspan=3>All of them on one core.</td></tr><tr><td>20</td><td></td><td>1</td></tr></table>"
        f"<p>{GLOVES}</p><ol start=3><li>Third<li value=7>Seventh<li>Eighth</ol><p>10 m<sup>2</sup>, H<sub>2</sub>O, the 1<sup>st</sup></p>"
    )
    ((_, text),) = passages(folder)[0].values()
    assert text.split("\n\n") == [
        "Size | Seconds\nSize | slow | fast\n10 | 9 | 0.1\n10 | 8 | 0.2\nAll of them on one core.\n20 |  | 1",
        GLOVES, "3. Third\n7. Seventh\n8. Eighth", "10 m\u00b2, H\u2082O, the 1st",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "written"),
    [
        ("<td rowspan=2 colspan=2>A<td>B</tr><tr><td>C", "A |  | B\nA |  | C"),
        ("<td>B<td rowspan=2 colspan=3>A</tr><tr><td>C</tr><tr><td>D<td>E", "B | A\nC | A\nD | E"),
        ("<td rowspan=2 colspan=2>A<td rowspan=2>B<td>C</tr><tr><td>D", "A |  | B | C\nA |  | B | D"),
    ],
)
def test_a_cell_may_span_rows_and_columns_at_once(rows, written):
    assert "\n".join(block.text for block in html_blocks(f"<table><tr>{rows}</tr></table>").blocks) == written


def test_a_list_below_a_table_does_not_have_the_names_of_its_columns():
    """Not even its items after the first one, which follow each other as rows do."""
    blocks = html_blocks("<table><tr><th>Size<th>Width<tr><td>7<td>8</table><p>So:<ul><li>a<li>b<li>c</ul>").blocks
    assert [(block.text, block.header) for block in blocks] == [
        ("Size | Width", ""), ("7 | 8", "Size | Width"), ("So:", ""), ("- a", ""), ("- b", ""), ("- c", ""),
    ]  # fmt: skip


def test_what_is_no_text_of_a_web_page_is_left_out(folder):
    page = (
        "<html><head><title>Gloves &amp; more - ACME</title></head><body><h1>Contents<a class=headerlink>\u00b6</a></h1>"
        "<ul><li><a href='#a'>1 Sizes</a><li>2 <a href='#b'>Care</a></ul>"
        f"<h2>Sizes<span class=mw-editsection>[<a>edit</a>]</span></h2><p>{GLOVES}<sup class='reference noprint'>[1]</sup></p>"
        f"<div class=newsletter><p>Subscribe now to our weekly letter.</p></div><div role=dialog>Accept all cookies?</div><p>{BOOTS}</p>"
        "<ul><li><a href='#c'>Wash</a> them in cold water.</li></ul><p>A note. <a href='#n1'>\u21a9</a></p></body></html>"
    )
    (folder / "a.html").write_text(page)
    found, left_out = passages(folder)
    assert list(found.values()) == [
        ("Gloves & more - ACME", f"Sizes\n{GLOVES}\n\n{BOOTS}\n\n- Wash them in cold water.\n\nA note.")
    ]
    assert left_out["lines of tables of contents"] == ["a.html: 2"]


def test_an_element_of_no_text_without_an_end_does_not_swallow_the_page(folder):
    (folder / "a.html").write_text(f"<body><div class=toc><p>Gloves</p><p>{GLOVES}</p><p>{BOOTS}</p></body>")
    ((_, text),) = passages(folder)[0].values()
    assert GLOVES in text
    assert BOOTS in text


def test_bold_lines_are_headings_of_a_word_file_without_styles(folder):
    bold = [("bold", "MINUTES OF MAY"), GLOVES, ("bold", "1. Boots"), BOOTS, ("bold", "Do not run, ever.")]
    office.docx(folder / "a.docx", bold)
    assert [*passages(folder, 30)[0].values()] == [
        ("MINUTES OF MAY", GLOVES), ("MINUTES OF MAY", f"1. Boots\n{BOOTS}\n\nDo not run, ever.")
    ]  # fmt: skip


def test_a_section_with_the_name_of_the_title_keeps_its_heading(folder):
    (folder / "a.md").write_text(f"---\ntitle: Gloves\n---\n# Manual\n\n{BOOTS}\n\n## Gloves\n\n{GLOVES}\n")
    assert [text for _, text in passages(folder, 30)[0].values()] == [f"Manual\n{BOOTS}", f"Manual > Gloves\n{GLOVES}"]
    (folder / "a.md").write_text(f"---\ntitle: Gloves\n---\nBy Ida.\n\n# Manual\n\n## Gloves\n\n{GLOVES}\n")
    assert [text for _, text in passages(folder, 30)[0].values()] == [f"By Ida.\n\nManual\n\n{GLOVES}"]


def test_front_matter_may_be_toml(folder):
    (folder / "a.md").write_text(f'+++\ntitle = "Release 2"\ndate = 2024-01-01\n+++\n\n{GLOVES}\n')
    assert list(passages(folder)[0].values()) == [("Release 2", GLOVES)]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ('title: ""', "Gloves"),
        ("title: >-\n  Release\n  notes", "Release notes"),
        ("title: Release 2  # the second", "Release 2"),
        ('title: "The \\"B\\""', 'The "B"'),
        ("title: 2024", "2024"),
        ("title: Boots: all", "Boots: all"),
        ("title: [a, b]", "Gloves"),
        ("- title", "Gloves"),
    ],
)
def test_a_title_in_front_matter_is_read_as_yaml(folder, line, title):
    (folder / "a.md").write_text(f"---\n{line}\nid: 7\n---\n# Gloves\n\n{GLOVES}\n")
    assert [found for found, _ in passages(folder)[0].values()] == [title]


@pytest.mark.parametrize(
    ("declared", "written", "text"),
    [
        ("<meta http-equiv=Content-Type content='text/html; charset=Shift_JIS'>", "cp932", "\u6771\u4eac\u2460"),
        ("<meta charset=iso-8859-1>", "cp1252", "\u201cCaf\u00e9\u201d \u2013 5 \u20ac"),
        ("<?xml version='1.0' encoding='gb2312'?>", "gb18030", "\u5317\u4eac"),
        ("<meta charset=x-unknown>", "cp1252", "Caf\u00e9"),
        ("<meta charset=utf-8>", "cp1252", "Caf\u00e9"),
        ("<meta charset=utf-16>", "utf-8", "Caf\u00e9"),
    ],
)
def test_a_web_page_has_the_encoding_that_it_declares_or_that_of_the_folder(folder, declared, written, text):
    (folder / "a.html").write_bytes(f"{declared}<p>{GLOVES} {text}</p>".encode(written))
    (folder / "b.txt").write_bytes("Na\u00efve".encode("cp1252"))
    output = folder.parent / "p.arrow"
    import_passages(folder, {}, 50, output, folder.parent / "p.json", "structure", Form(encoding="cp1252"))
    assert [one.text for one in PassageStore(output).slice(0, 2)] == [f"{GLOVES} {text}", "Na\u00efve"]


def test_lines_may_end_as_on_old_macs_and_a_mark_that_no_standard_has_is_passed_over(folder):
    (folder / "a.md").write_bytes(f"---\rtitle: T\r---\r{GLOVES}\r\r{BOOTS}\r".encode())
    (folder / "b.html").write_text(f"<p>{GLOVES}</p><![foo]><p>{BOOTS}</p>")
    assert passages(folder)[0] == {"a.md-1": ("T", f"{GLOVES}\n\n{BOOTS}"), "b.html-1": ("b", f"{GLOVES}\n\n{BOOTS}")}


def test_a_name_that_is_not_utf_8_is_refused_if_the_file_is_read(folder):
    (folder / "a.txt").write_text(GLOVES)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")).touch()
    assert passages(folder)[1] == {"files of kind .png": ["caf\\xe9.png"]}
    Path(os.fsdecode(os.fsencode(folder) + b"/caf.\xe9")).touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xe9")).symlink_to(folder, target_is_directory=True)
    assert passages(folder)[1] == {
        "files of kind .png": ["caf\\xe9.png"],
        "files of kind .\\xe9": ["caf.\\xe9"],
        "links to folders that are read already": ["\\xe9"],
    }
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text(BOOTS)
    with pytest.raises(UserError, match=r"the name of the file caf\\xe9\.txt is not UTF-8: rename the file"):
        passages(folder)


def test_an_encoding_that_does_not_exist_is_refused(folder):
    (folder / "a.txt").write_text(GLOVES)
    with pytest.raises(UserError, match=r"no text encoding 'cp99'"):
        import_passages(folder, {}, 50, folder.parent / "p.arrow", folder.parent / "p.json", form=Form(encoding="cp99"))


def test_lines_that_were_broken_at_a_width_are_joined_and_others_are_not(folder):
    prose = "\n\n".join("\n".join(textwrap.wrap(f"    {PAPER}", 72)) for _ in range(3))
    kept = [
        "Anna Muster\n12 Harbour Road\nNowhere", "> quoted words\n> of a mail",
        "if (x) {\n    y = 1;\n}", "Size    Width\n7       18 cm\n9       20 cm",
        "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:",
    ]  # fmt: skip
    (folder / "a.txt").write_text("\n\n".join([prose, *kept]))
    texts = "\n\n".join(text for _, text in passages(folder, 400)[0].values()).split("\n\n")
    assert texts == [PAPER] * 3 + kept
    (folder / "a.txt").write_text(
        "\n".join(textwrap.wrap("\u5317\u4eac\u662f\u4e2d\u56fd\u7684\u9996\u90fd\u3002" * 40, 35))
    )
    assert [text.count("\n") for _, text in passages(folder, 400)[0].values()] == [0]


def test_pages_of_a_text_lose_their_running_lines_and_sentences_go_on(folder):
    half = GLOVES.partition("They")
    parts = [half[0] + "They", "protect" + half[2].removeprefix(" protect"), BOOTS]
    pages = [
        f"RFC 9999      Gloves      May 2024\n\n{text}\n\n\nMuster      [Page {n}]\n" for n, text in enumerate(parts, 1)
    ]
    (folder / "rfc.txt").write_text("\f\n".join(pages))
    found, left_out = passages(folder)
    assert [text for _, text in found.values()] == [
        f"{half[0]}They\nprotect{GLOVES.partition('protect')[2]}\n\n{BOOTS}"
    ]
    assert left_out == {"lines of running headers, footers and page numbers": ["rfc.txt: 6"]}


def test_deep_lists_and_quotes_are_kept_or_refused(folder):
    (folder / "a.md").write_text(
        "\n".join("  " * level + f"- item {level}" for level in range(30)) + "\n\n" + "> " * 50 + "Deep."
    )
    text = "\n".join(text for _, text in passages(folder, 500)[0].values())
    assert text.count("item ") == 30
    assert "Deep." in text
    (folder / "b.md").write_text("> " * 900 + "Deeper.")
    with pytest.raises(UserError, match=r"b\.md: its lists or quotes are nested too deeply"):
        passages(folder)


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.docx", "a.txt"])
def test_a_document_without_a_text_is_counted(folder, name):
    empty = {
        "a.md": "---\ntitle: x\n---\n",
        "a.html": "<html><body><div id=root></div></body></html>",
        "a.txt": " \f\n",
    }
    if name in empty:
        (folder / name).write_text(empty[name])
    else:
        office.docx(folder / name, [])
    (folder / "b.txt").write_text(GLOVES)
    found, left_out = passages(folder)
    assert list(found) == ["b.txt-1"]
    assert left_out == {"empty documents": [name]}


def test_a_text_that_explains_tags_is_no_refused_page(folder):
    for name, begin in [("a.txt", "<html> is the root."), ("b.txt", "<?xml version='1.0'?> begins a file.")]:
        (folder / name).write_text(f"{begin} {GLOVES}")
    assert list(passages(folder)[0]) == ["a.txt-1", "b.txt-1"]


def test_a_class_of_no_text_may_stand_at_the_text_itself(folder):
    (folder / "a.html").write_text(f"<body><div class='post share'><p>{GLOVES}</p><p>{BOOTS}</p></div></body>")
    ((_, text),) = passages(folder)[0].values()
    assert text == f"{GLOVES}\n\n{BOOTS}"


@pytest.mark.parametrize(
    "line",
    [
        "    result_{0} = compute_the_value_of_something(argument_{0}, other_argument)",
        "2024-01-{0:02} 10:00:00 INFO server started with option {0} and with some more words",
        "{0}. item number {0} has a rather long text that goes on until it nearly ends at w",
    ],
)
def test_lines_that_are_no_prose_stay_lines_however_long_they_are(folder, line):
    (folder / "a.txt").write_text("\n".join(line.format(number) for number in range(10, 30)))
    text = "\n".join(text for _, text in passages(folder, 1000)[0].values())
    assert text.count("\n") == 19


def test_a_section_gives_no_web_page_its_title(folder):
    body = f"<h2>Downloads</h2><p>{GLOVES}</p><h2>Boots</h2><p>{BOOTS}</p>"
    (folder / "a.html").write_text(f"<html><head><title>Gloves.js</title></head><body>{body}</body></html>")
    assert {title for title, _ in passages(folder, 30)[0].values()} == {"Gloves.js"}


def test_the_name_of_a_site_is_no_title_and_signs_that_link_headings_are_no_text(folder):
    for name in ("OS", "Paths"):
        (folder / f"{name}.html").write_text(
            f"<html><head><title>{name} | Node.js v20 Documentation</title></head><body><header><h1>Node.js v20 documentation</h1>"
            f"</header><main><h2>{name}<a href='#{name}'>#</a></h2><p>{GLOVES}</p><p>{BOOTS} <a href='#f1'>1</a></p></main></body></html>"
        )
    found = [*passages(folder)[0].values()]
    assert [title for title, _ in found] == ["OS", "Paths"]
    assert all(text.endswith(f"\n{GLOVES}\n\n{BOOTS} 1") and "#" not in text for _, text in found)


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<ul><li><a href='#'>Alpha</a></li><li><a href='#'>Beta</a></li></ul>", "- Alpha\n- Beta"),
        ("<ul><li>Potassium \u2191</li></ul>", "- Potassium \u2191"),
        ("<div style='display:none'>secret</div><p>a</p><div class='toc'><div>x</div><p>rest</p>", "a x rest"),
        ("<div><p hidden>secret</div>shown <b>too</b><p>a</p>", "shown too a"),
        ("<table><tr><td>a</td><td><p hidden>secret</td><td>b</td></tr></table>", "a | | b"),
    ],
)
def test_links_to_nowhere_and_arrows_are_text_and_what_is_hidden_stays_so(page, shown):
    assert " ".join(block.text for block in html_blocks(page).blocks).split() == shown.split()


@pytest.mark.parametrize("text", ["---\nImportant text.\n\n---", "---\n\nImportant text.\n\n---\n\nMore"])
def test_a_rule_at_the_top_of_markdown_begins_no_front_matter(text):
    assert "Important text." in [block.text for block in markdown_blocks(text)[1].blocks]


@pytest.mark.parametrize(("following", "joined"), [("ple", "example"), ("Ple", "exam-Ple"), ("iner", "exam-iner")])
def test_a_divided_word_becomes_whole_if_the_text_has_it(following, joined):
    """As in texts that a program took from a PDF file. Other hyphens, as in "well-known", may be part of a word."""
    text = "\n".join(
        ["The river runs through the whole of the wide and green exam-", f"{following} of an example."] * 6
    )
    assert f"green {joined} of an example." in plain_blocks(text)[0][0].text


def test_lines_that_begin_with_the_same_small_word_are_prose():
    text = "\n".join(["The river runs through the whole of the wide and green valley to", "the sea."] * 6)
    assert "valley to the sea." in " ".join(block.text for block in plain_blocks(text)[0])


@pytest.mark.parametrize(
    ("end", "joined"),
    [("valley to", "valley to the sea"), ("valley -", "valley - the sea"), ("valley to ", "valley to the sea"),
     ("valley--", "valley--the sea"), ("self-", "self-the sea"), ("self- ", "self-the sea")],
)  # fmt: skip
def test_lines_are_joined_with_one_blank_or_none_after_a_hyphen(end, joined):
    text = "\n".join([f"The river runs through the whole of the wide and green {end}", "the sea."] * 6)
    assert f"green {joined}." in plain_blocks(text)[0][0].text


def test_what_a_page_hides_or_shows_only_to_programs_is_no_text():
    page = (
        "<p>a</p><p hidden>X<p>b <span style='visibility: hidden'>X</span><span aria-hidden=true>X</span></p><video>X</video>"
        "<div hidden=until-found>c</div><template shadowrootmode=open><p>d Donau&shy;dampf</p></template>"
        "<p>e <math><semantics><mi>X</mi><annotation encoding='application/x-tex'>m^2</annotation></semantics></math> f</p>"
    )
    assert [block.text for block in html_blocks(page).blocks] == ["a", "b", "c", "d Donaudampf", "e m^2 f"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See [[Boots#Cap|the cap]], [[Boots#Cap]] and `[[code]]`.", ["See the cap, Boots > Cap and [[code]]."]),
        ("# [[Gloves]] {#gloves}\n\n| a |\n|--|\n| [[B\\|shoe]] |", ["Gloves", "a", "shoe"]),
        ("The element x[[i]] and\u89c1[[Boots]]", ["The element x[[i]] and\u89c1Boots"]),
        ("A matrix [[0, 1]], a source [[1]](http://x).\n\n![[a.png]]", ["A matrix [[0, 1]], a source [1]."]),
        ("> [!note]- Title\n> Text.\n\n> [!TIP]\n> More.", ["Title", "Text.", "More."]),
    ],
)
def test_links_callouts_and_attributes_of_notes_are_plain_text(text, shown):
    assert [block.text for block in markdown_blocks(text)[1].blocks] == shown


def test_a_key_of_front_matter_may_have_a_capital():
    assert markdown_blocks("---\nTitle: Gloves\n---\nText.\n")[0] == "Gloves"


def edit(path, name, old, new):
    """Replace a text in a part of a Word file. A part that it lacks gets the new text."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    files[name] = files[name].replace(old, new) if name in files else new
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in files.items():
            archive.writestr(part, content)


def math(kind, **parts):
    """A formula of a Word file. A part is a text, or markup."""
    inside = (text if text.startswith("<") else f"<m:r><m:t>{text}</m:t></m:r>" for text in parts.values())
    return f"<m:{kind}>{''.join(f'<m:{name}>{one}</m:{name}>' for name, one in zip(parts, inside, strict=True))}</m:{kind}>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<m:r><m:t>A=</m:t></m:r>" + math("sSup", e="r", sup="2"), "A=r^2"),
        (math("f", num="-b", den="2a") + "<m:r><m:t>c</m:t></m:r>", "(-b)/(2a) c"),
        (math("sSup", e=math("f", num="x", den="v"), sup="-1"), "(x/v)^(-1)"),
        ('<m:f><m:fPr><m:type m:val="noBar"/></m:fPr><m:num/><m:den/></m:f>', "()\u00a6()"),
        ('<m:nary><m:naryPr><m:chr m:val="\u2211"/></m:naryPr>' + math("nary", sub="k=0", sup="n", e="k").removeprefix("<m:nary>"), "\u2211_(k=0)^n k"),
        (math("func", fName="sin", e="x") + math("rad", deg="3", e="y"), "sin x\u221by"),
        ("<m:r><m:t>2</m:t></m:r>" + math("f", num="1", den="3"), "2 1/3"),
        ("<m:r><m:t>3</m:t></m:r>" + math("sSup", e="2", sup="x") + math("sSup", e="2", sup="y"), "3 2^x 2^y"),
        ("<m:r><m:t>2</m:t></m:r>" + math("sSup", e="x", sup="2") + math("rad", e="5"), "2x^2\u221a5"),
        ("<m:r><m:t>=</m:t></m:r>" + math("f", num=math("sSup", e="2", sup="x"), den="3"), "=(2^x)/3"),
        (math("rad", deg="n", e="x+1"), "\u221a(n&x+1)"),
        ('<m:d><m:dPr><m:begChr m:val="["/></m:dPr><m:e><m:m>' + 2 * math("mr", e="1") + "</m:m></m:e></m:d>", "[1; 1)"),
        (math("limUpp", e="x", lim="n") + math("bar", e="z"), "x^n z\u0332"),
        (math("bar", e="z").replace("<m:e>", '<m:barPr><m:pos m:val="top"/></m:barPr><m:e>'), "z\u0305"),
    ],
)  # fmt: skip
def test_formulas_of_a_word_file_are_text(folder, formula, text):
    """One stands in the sentence, and one in a paragraph of its own."""
    xmlns = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    one = f"<m:oMath {xmlns}>{formula}</m:oMath>"
    inside = f"The area </w:t></w:r>{one}<w:r><w:t>."
    apart = f"</w:t></w:r><m:oMathPara {xmlns}>{one}{one}</m:oMathPara><w:r><w:t>"
    office.docx(folder / "a.docx", [inside, apart])
    ((_, found),) = passages(folder)[0].values()
    assert found == f"The area {text}.\n\n{text}\n{text}"


def test_lists_of_a_word_file_keep_their_numbers_after_an_interruption(folder):
    """List 2 goes on with the numbers of list 1, and list 3 begins anew."""
    item = (
        '</w:t></w:r></w:p><w:p><w:pPr><w:numPr><w:ilvl w:val="{}"/><w:numId w:val="{}"/></w:numPr></w:pPr><w:r><w:t>{}'
    )
    items = [item.format(*one) for one in ((0, 1, "Open."), (1, 1, "Turn."), (1, 1, "Lift."))]
    more = [item.format(*one) for one in ((1, 1, "Wait."), (0, 2, "Shut."), (1, 1, "Lock."), (0, 3, "Again."))]
    office.docx(folder / "a.docx", [*items, "Mind the step.", *more])
    levels = "".join(
        f'<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="{form}"/></w:lvl>'
        for n, form in enumerate(("decimal", "lowerLetter"))
    )
    lists = '<w:num w:numId="{}"><w:abstractNumId w:val="0"/>{}</w:num>'
    anew = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    numbering = f'<w:numbering xmlns:w="{office.WORD}"><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>{"".join(lists.format(n, anew if n == 3 else "") for n in (1, 2, 3))}</w:numbering>'
    edit(folder / "a.docx", "word/numbering.xml", "", numbering)
    ((_, text),) = passages(folder)[0].values()
    lines = [line.strip() for line in text.split("\n") if line]
    assert lines == [
        "1. Open.", "a. Turn.", "b. Lift.", "Mind the step.", "c. Wait.", "2. Shut.", "a. Lock.", "5. Again.",
    ]  # fmt: skip


def test_boxes_of_a_word_file_are_ticked_or_not(folder):
    xmlns = 'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
    box = '</w:t></w:r><w:sdt {}><w:sdtPr><w14:checkbox><w14:checked w14:val="{}"/></w14:checkbox></w:sdtPr><w:sdtContent><w:r><w:t>x</w:t></w:r></w:sdtContent></w:sdt><w:r><w:t xml:space="preserve"> {}'
    office.docx(folder / "a.docx", [box.format(xmlns, 1, "Gloves"), box.format(xmlns, 0, "Boots")])
    ((_, text),) = passages(folder)[0].values()
    assert text == "\u2612 Gloves\n\n\u2610 Boots"


def test_a_word_file_loses_neither_fields_nor_words_with_a_reading(folder):
    table = '</w:t></w:r><w:fldSimple w:instr=" SEQ Table "><w:r><w:t>7</w:t></w:r></w:fldSimple><w:r><w:t>'
    ruby = (
        "</w:t></w:r><w:r><w:ruby><w:rt><w:r><w:t>\u3068\u3046</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>\u6771</w:t></w:r>"
        "</w:rubyBase></w:ruby></w:r><w:r><w:t>"
    )
    office.docx(folder / "a.docx", [f"Table {table}: Gloves", f"{ruby}\u4eac\u306f\u9996\u90fd\u3067\u3059\u3002"])
    ((_, text),) = passages(folder)[0].values()
    assert text == "Table 7: Gloves\n\n\u6771\u4eac\u306f\u9996\u90fd\u3067\u3059\u3002"


def test_styles_that_are_based_on_headings_are_headings_and_a_list_of_contents_is_left_out(folder):
    made = [("TOC1", "1 Gloves 3"), ("Acme", "Gloves"), GLOVES, ("Acme2", "Boots"), BOOTS]
    office.docx(folder / "a.docx", made)
    styles = [("TOC1", "toc 1", ""), ("Acme", "ACME Head", '<w:basedOn w:val="Heading1"/>'), ("Acme2", "ACME Sub", '<w:basedOn w:val="Acme"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr>')]  # fmt: skip
    more = "".join(f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>{rest}</w:style>' for key, name, rest in styles)  # fmt: skip
    edit(folder / "a.docx", "word/styles.xml", "</w:styles>", f"{more}</w:styles>")
    found, left_out = passages(folder, 30)
    assert list(found.values()) == [("Gloves", GLOVES), ("Gloves", f"Boots\n{BOOTS}")]
    assert left_out == {"lines of tables of contents": ["a.docx: 1"]}


def test_the_fields_of_a_pdf_form_have_their_texts(folder):
    office.pdf(folder / "a.pdf", [office.column(GLOVES)], field="Ida Holm")
    ((_, text),) = passages(folder)[0].values()
    assert text.startswith(GLOVES)
    assert text.endswith("Ida Holm")


@pytest.mark.parametrize("title", ["PowerPoint Presentation", "Folie 1", "layout.pmd", "Microsoft PowerPoint - a.ppt"])
def test_a_name_that_a_program_gave_a_pdf_is_no_title(folder, title):
    ((found, _),), _ = pdf_texts(folder, [[(72, 740, 18, True, "Gloves"), *office.column(GLOVES)]], title=title)
    assert found == "Gloves"


@pytest.mark.parametrize(
    ("title", "named"), [("(anonymous)", "Gloves"), ("untitled", "Gloves"), ("Anonymous Gloves", "Anonymous Gloves")]
)
def test_what_a_library_writes_for_no_title_is_no_title(folder, title, named):
    page = [(72, 740, 18, True, "Gloves"), *office.column(GLOVES)]
    office.pdf(folder / "a.pdf", [page], title.replace("(", r"\(").replace(")", r"\)"))
    ((found, _),) = passages(folder)[0].values()
    assert found == named


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# 1 Introduction\n\nText.\n\n## Gloves\n\nMore.", "a"),
        ("# 1 Gloves\n\nText.\n\n# 2 Boots\n\nMore.", "a"),
        ("# 2024 in gloves\n\nText.\n\n## Boots\n\nMore.", "2024 in gloves"),
        ("### Safety\n\nText.\n\n# Gloves\n\nMore.\n\n# Boots\n\nMore.", "Safety"),
        ("### Safety\n\nText.\n\n# Gloves\n\nMore.", "Gloves"),
        ("# Gloves\n\nText.\n\n# Boots\n\nMore.", "Gloves"),
        ("June 2024\n\n# Gloves\n\nText.\n\n# Boots\n\nMore.", "Gloves"),
        (f"{GLOVES} {BOOTS}\n\n# Gloves\n\nText.\n\n# Boots\n\nMore.", "a"),
        (f"{GLOVES} {BOOTS}\n\n# Gloves\n\nText.\n\n## Boots\n\nMore.", "Gloves"),
        (f"# Highlights\n\n{GLOVES} {BOOTS}\n\n# Boots\n\nMore.", "a"),
        ("# CHAPTER 1 \u2013 GLOVES\n\nText.\n\n# CHAPTER 2\n\nMore.", "a"),
        ("# Teil I\n\nText.\n\n# Teil II: Schuhe\n\nMore.", "a"),
        ("# \u7b2c\u4e00\u7ae0 Gloves\n\nText.\n\n# \u7b2c2\u7ae0 Boots\n\nMore.", "a"),
        ("# Chapter 11 and its gloves\n\nText.\n\n# Boots\n\nMore.", "Chapter 11 and its gloves"),
    ],
)
def test_a_chapter_gives_no_document_its_name(folder, text, title):
    (folder / "a.md").write_text(text)
    assert {found for found, _ in passages(folder)[0].values()} == {title}


def test_cells_of_a_pdf_are_told_by_space_alone_and_keep_their_columns(folder):
    """The first row is bold, the third lacks its last cell but one. Another text crosses the second row."""
    rows = [("Site", "Accidents", "Days", "Notes"), ("Aachen", "3", "17", "none"), ("Brno", "0", "", "Closed")]
    lines = [line for n, cells in enumerate(rows) for line in row(680 - 16 * n, cells, bold=not n) if line[4]]
    crossing = (90, 671, 10, False, "These words cross the second row of the table above the others.")
    ((_, text),), _ = pdf_texts(folder, [[*lines, *office.column(GLOVES, top=600), crossing]])
    assert text.startswith("Site | Accidents | Days | Notes\nAachen | 3 | 17 | none\nBrno | 0 |  | Closed\n")
    rows = [(72, 700 - 14 * n, 10, False, text, "spread") for n, text in enumerate(["Site\t3", "City\t4", "Pier\t12"])]
    ((_, text),), _ = pdf_texts(folder, [[*rows, *office.column(GLOVES, top=600)]])
    assert text.startswith("Site | 3\nCity | 4\nPier | 12\n")


def test_a_number_before_a_few_words_is_a_cell_and_one_before_a_line_or_heading_is_none(folder):
    ranking = [row(650 - 16 * n, cells) for n, cells in enumerate([("1", "Oslo"), ("2", "New Haven"), ("3", "Molde")])]
    ((_, text),), _ = pdf_texts(folder, [[*office.column(GLOVES), *(line for one in ranking for line in one)]])
    assert text == f"{GLOVES}\n\n1 | Oslo\n2 | New Haven\n3 | Molde"
    lines = [part for n, one in enumerate(office.column(PAPER), 1) for part in ((40, *one[1:4], str(n)), one)]
    headings = [*row(500, ("1", "Gloves"), bold=True), *row(484, ("2", "Boots"), bold=True)]
    ((_, text),), _ = pdf_texts(folder, [[*lines, *headings]])
    assert "|" not in text


def test_a_bold_phrase_before_a_text_and_a_large_part_of_a_sentence_are_no_headings(folder):
    """As in papers and manuals: "**Wide gloves.** They ...", and a formula whose letters are larger."""
    words = GLOVES.split()
    page = [
        (72, 740, 18, True, "Protection"),
        (72, 700, 10, True, "Wide gloves, and those for longer wear."),
        (264, 700, 10, False, " ".join(words[:2])),
        *office.column(" ".join(words[2:]), top=688),
        (72, 600, 14, False, "where x = [y"),
        *office.column(BOOTS, top=570),
        (72, 500, 14, False, "git commit"),
    ]
    ((title, text),), _ = pdf_texts(folder, [page])
    assert title == "Protection"
    assert text == f"Wide gloves, and those for longer wear. {GLOVES}\n\nwhere x = [y\n\n{BOOTS}\n\ngit commit"
    line = Line("where x = [y", 1, 72, 700, 150, 714, 14, False, False)
    small = Line("a" * 99, 1, 72, 600, 500, 610, 10, False, False)
    assert [block.level for block in blocks_of([line, small], {})] == [0, 0]
    assert [block.level for block in blocks_of([line._replace(text="git commit"), small], {})] == [1, 0]


@pytest.mark.parametrize("written", ["\n", " "], ids=["code", "all"])
def test_code_in_a_pdf_keeps_its_lines_but_a_typewritten_text_does_not(folder, written):
    """The bold font becomes one of letters of one width, and in the second case, the other font as well."""
    code = [
        "apt-cache show vim with all of its options and manuals",
        "aptitude show vim, and the manuals of its options",
    ]
    page = [*office.column(PAPER), *((72, 400 - 12 * n, 10, True, line) for n, line in enumerate(code))]
    file = office.pdf(folder / "a.pdf", [page])
    content = file.read_bytes().replace(b"/Helvetica-Bold", b"/Courier".ljust(15))
    file.write_bytes(content if written == "\n" else content.replace(b"/Helvetica ", b"/Courier".ljust(11)))
    ((_, text),) = passages(folder, 200)[0].values()
    assert text.endswith(f"\n\n{code[0]}{written}{code[1]}")


def test_a_row_of_bold_cells_is_no_heading(folder):
    page = [*row(700, ("Name", "Width"), bold=True), *office.column(PAPER, top=600)]
    ((title, text),), _ = pdf_texts(folder, [page])
    assert title == "a"
    assert text.split() == f"Name Width {PAPER}".split()


def test_a_number_below_the_text_is_that_of_the_page_also_in_short_documents(folder):
    pages = [[*office.column(f"{text} No. {n}"), (300, 40, 10, False, number)] for n, (text, number) in enumerate([(GLOVES, "- 1 -"), (BOOTS, "2-17")])]  # fmt: skip
    found, left_out = pdf_texts(folder, pages)
    assert " ".join(text for _, text in found).split() == f"{GLOVES} No. 0 {BOOTS} No. 1".split()
    assert left_out == {"lines of running headers, footers and page numbers": ["a.pdf: 2"]}
    office.pdf(folder / "a.pdf", [[*office.column(GLOVES), (72, 696, 10, False, "17")]])
    assert passages(folder)[0]["a.pdf#page=1-1"][1].endswith("17"), "the number goes on with the text"


def test_entries_of_contents_need_no_dots_but_pages_of_the_document(folder):
    contents = [
        (72, 720, 14, True, "Contents"),
        *((72, 690 - 14 * n, 10, True, text) for n, text in enumerate(["1 Gloves 2", "2 Boots 2"])),
    ]
    chapters = [
        (72, 720, 14, True, "1 Gloves"),
        *office.column(GLOVES, top=690),
        (72, 500, 14, True, "2 Boots"),
        *office.column(BOOTS, top=470),
    ]
    found, left_out = pdf_texts(folder, [contents, chapters], 30)
    assert [text for _, text in found] == [f"1 Gloves\n{GLOVES}", f"2 Boots\n{BOOTS}"]
    assert left_out == {"lines of tables of contents": ["a.pdf: 3"]}
    entry = [(72, 662, 10, False, "2.1 Boots for those who walk and who"), (72, 650, 10, False, "stand . . . . . . 2")]
    found, left_out = pdf_texts(folder, [[*contents[:2], *entry, (72, 630, 10, True, "3 Hats 2")], chapters], 30)
    assert [text for _, text in found] == [f"1 Gloves\n{GLOVES}", f"2 Boots\n{BOOTS}"], "an entry of two lines"
    assert left_out == {"lines of tables of contents": ["a.pdf: 5"]}
    box = [(72, 720, 14, True, "Contents"), (72, 690, 10, False, "Screws 12"), (72, 670, 10, False, "Nuts 24")]
    assert "Screws 12" in str(pdf_texts(folder, [box])[0]), "no page of a document of one page"


def test_lines_with_dots_and_amounts_are_no_contents(folder):
    """Nor are they with amounts that happen to be pages, as one of these is."""
    prices = [f"{name} ........ {price}" for name, price in (("Espresso", 3), ("Latte", 4), ("Tea", 1))]
    menu = [(72, 700 - 14 * n, 10, False, price) for n, price in enumerate(prices)]
    found, left_out = pdf_texts(folder, [[*menu, *office.column(GLOVES, top=600)]])
    assert [price in str(found) for price in prices] == [True] * 3
    assert left_out == {}
    contents = [(72, 700 - 14 * n, 10, False, f"Chapter {n} ........ {1 + n // 2}") for n in range(4)]
    found, left_out = pdf_texts(folder, [[*contents, *office.column(GLOVES, top=600)], office.column(BOOTS)])
    assert "...." not in str(found), "also without a heading"
    headed = [(72, 720, 14, True, "Contents"), *menu]
    assert "...." not in str(pdf_texts(folder, [[*headed, *office.column(GLOVES, top=600)]])[0])


def test_a_line_inside_the_text_of_some_pages_is_no_watermark(folder):
    """A line that all pages have is one. In longer documents, half of the pages are enough."""
    pages = [
        [
            *office.column(f"{text} No. {n}"),
            (72, 400, 10, False, "Answer:" if n else "Read this:"),
            *office.column(f"{n} {PAPER}", top=388),
            (200, 560, 10, False, "Draft"),
            *office.column(f"{n} {BOOTS}", top=548),
        ]
        for n, text in enumerate([GLOVES, BOOTS, "Hats.", "Masks."])
    ]
    found, _ = pdf_texts(folder, pages, 400)
    assert str(found).count("Answer:") == 3
    assert "Draft" not in str(found)
    sides = [[*office.column(f"{n} {PAPER}"), (20 + 500 * (n % 2), 400, 10, False, "Gloves")] for n in range(12)]
    assert "Gloves" not in str(pdf_texts(folder, sides, 400)[0])


def test_large_headings_that_count_in_roman_digits_are_kept(folder):
    pages = [
        [(72, 720, 18, True, f"Part {number}"), *office.column(f"{number}: {text}", top=650)]
        for number, text in (("I", GLOVES), ("II", BOOTS), ("III", "Hats keep off the rain."))
    ]
    found, left_out = pdf_texts(folder, pages, 30, "Handbook")
    lines = [line for _, text in found for line in text.split("\n")]
    assert [line for line in lines if "Part" in line] == ["Part I", "Part II", "Part III"]
    assert left_out == {}


def test_signs_of_a_font_without_letters_are_marks_of_list_items(folder):
    items = [
        (72, 700 - 14 * n, size, False, f"\x81 {text}")
        for n, (text, size) in enumerate([("No", 13), (GLOVES, 10), ("Yes", 10)])
    ]
    ((title, text),), _ = pdf_texts(folder, [items])
    assert (title, text.split("\n\n")) == ("a", ["\u2022 No", f"\u2022 {GLOVES}", "\u2022 Yes"])
    ((_, text),), _ = pdf_texts(folder, [[(72, 700, 10, False, "\x02\x03"), (72, 680, 10, False, "Gloves")]])
    assert text == "Gloves", "a line of signs only"
    assert [SYMBOL.sub("*", text) for text in ("\uf0b7 a", "\x84 a", "\u2022 a")] == ["* a", "* a", "\u2022 a"]


def test_words_keep_the_ligatures_that_a_pdf_file_of_macos_lacks():
    text = "e\u21b5orts are di\0cult, o\0ine and e\0cient, o\u21b5"
    assert _plain(_with_ligatures(text)) == "efforts are difficult, offline and efficient, off"
    assert len(_with_ligatures(text)) == len(text), "each character has its place on the page"
    assert _with_ligatures("press x\u21b5 or a\0b") == "press x\u21b5 or a\0b"


class OneSign:
    """A page on which the characters from 1 to 2 are one sign."""

    def get_charbox(self, at):
        return (0, 0, min(at, 1) if at < 3 else at, 1)


def test_the_two_letters_of_an_arabic_sign_are_in_their_order():
    """pdfium swaps the letters of a lam-alef. In the article, alef and lam are two signs."""
    assert _in_order(OneSign(), "x\u0625\u0644\u0627\u0644") == "x\u0644\u0625\u0627\u0644"


@pytest.mark.parametrize(
    ("head", "heading", "title"),
    [
        ("Gloves - ACME", "Gloves", "Gloves"),
        ("Gloves - Sizes | ACME", "Gloves - Sizes", "Gloves - Sizes"),
    ],
)
def test_a_title_of_a_page_loses_the_site_if_the_rest_is_the_main_heading(folder, head, heading, title):
    """Other pages link to an article by its own name. The heading may stand above the main content."""
    (folder / "a.html").write_text(
        f"<html><head><title>{head}</title></head><body><header><h1>{heading}</h1></header><main><p>{GLOVES}</p>"
        f"<h2>Boots</h2><p>{BOOTS}</p></main></body></html>"
    )
    assert {found for found, _ in passages(folder)[0].values()} == {title}


@pytest.mark.parametrize(
    ("title", "named"),
    [("gl_2021.htm", "a"), ("Untitled Document", "a"), ("How to open gl.html", "How to open gl.html")],
)
def test_the_name_of_a_file_is_no_title_of_a_page(folder, title, named):
    (folder / "a.html").write_text(f"<title>{title}</title><p>{GLOVES}</p><p>{BOOTS}</p>")
    assert {found for found, _ in passages(folder)[0].values()} == {named}


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            "<p>Gloves<sup class=reference>[2]</sup> dry.<sup id=a class='reference nowrap'>: 7</sup></p>",
            ["Gloves dry."],
        ),
        ("<p>See <a class='reference internal'>Boots</a> m<sup>2</sup></p>", ["See Boots m\u00b2"]),
        ("<div class='navbar hlist'>v t e</div><table class='sidebar nomobile'><tr><td>x</table><p>a</p>", ["a"]),
        (
            "<a class=mw-jump-link href='#t'>Jump</a><p>a</p><ol><li><span class=mw-cite-backlink>^ <sup><a href='#r'>a</a>"
            "</sup></span> Oslo</ol><div class=printfooter>Retrieved</div><div class=catlinks>Gloves</div>",
            ["a", "1. Oslo"],
        ),
        ("<ul><li>\u2022 a</li><li>b \u2022 c</li></ul>", ["- a", "- b \u2022 c"]),
        ("<ul><li></li></ul><p>a</p><ol><li></ol><p>b</p>", ["a", "b"]),
        (
            "<ol type=a start=26><li>x<li>y</ol><ol type=I><li value=1949>x<li type=1>y</ol>",
            ["z. x", "aa. y", "MCMXLIX. x", "1950. y"],
        ),
        (
            "<ul><li><input type=checkbox checked> a<li><input type=checkbox disabled> b<li><input name=x> c</ul>",
            ["- \u2612 a", "- \u2610 b", "- c"],
        ),
    ],
)
def test_marks_of_notes_and_of_list_items_are_no_text(page, shown):
    assert [block.text for block in html_blocks(page).blocks] == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('!!! note "Mind **this**"\n\n    Text.\n\n    More.\n\nAfter.', ["Mind this", "Text.", "More.", "After."]),
        ("??? tip\n    Text.\nAfter.", ["Tip", "Text. After."]),
        ('=== "A"\n\n    ```sh\n    === "B"\n        x\n    ```\n\n    !!! warning inline end\n\n        Deep.', ["A", '=== "B"\n    x', "Warning", "Deep."]),
        ('- Item\n\n    ???+ note "N"\n\n        Text.', ["- Item", "N", "Text."]),
        ("Wow\n!!!\nText.\n\nTitle\n===\n\n    code", ["Wow !!! Text.", "Title", "code"]),
    ],
)  # fmt: skip
def test_notes_and_tabs_of_mkdocs_are_no_code(text, shown):
    assert [block.text for block in markdown_blocks(text)[1].blocks] == shown


def test_three_signs_underline_a_heading_of_markdown():
    heading, code = markdown_blocks("FAQ\n===\n\n    if x:\n        y\n")[1].blocks
    assert (heading.text, heading.level, code.text) == ("FAQ", 1, "if x:\n    y")


def test_xml_under_another_name_is_refused(folder):
    (folder / "a.txt").write_text('<!DOCTYPE article\nPUBLIC "-//X//DTD" "x.dtd">\n<article><p>Gloves</p></article>')
    with pytest.raises(UserError, match=r"a\.txt: it is XML"):
        passages(folder)


def test_cells_of_a_pdf_go_on_in_the_lines_below(folder):
    """Rows are told though such lines stand between all of them. A word that a hyphen divides becomes whole."""
    rows = [("Aachen", "lost a", "Nobody was in the ware-"), ("Brno", "none", "All gloves were"), ("Celle", "two", "x")]
    lines = [line for n, cells in enumerate(rows) for line in row(700 - 40 * n, cells)]
    below = [
        (200, 689, 10, False, "glove"),
        (300, 689.5, 10, False, "house"),
        (300, 649, 10, False, "counted."),
        (300, 638, 10, False, "Twice."),
    ]
    page = [*lines[:3], below[1], *lines[3:6], *below[2:], *lines[6:], *office.column(GLOVES, top=500)]
    ((_, text),), _ = pdf_texts(folder, [page])
    assert text == (
        f"Aachen | lost a | Nobody was in the warehouse\nBrno | none | All gloves were counted. Twice.\nCelle | two | x\n\n{GLOVES}"
    )
    ((_, text),), _ = pdf_texts(folder, [[*lines[:3], below[0], *lines[3:6], *lines[6:]]])
    assert text.startswith("Aachen | lost a glove | Nobody was in the ware")
    middle = [(200, 649, 10, False, "in one exam-"), (200, 638, 10, False, "ple")]
    ((_, text),), _ = pdf_texts(folder, [[*lines[:6], *middle, *lines[6:]]])
    assert "Brno | none in one example | All gloves were\n" in text, "also in a cell that is not the last"


@pytest.mark.parametrize(
    ("parts", "text"),
    [([("size 1", 5.8), ("\u20444 inch", 10)], "size 1\u20444 inch"), ([("10", 10), ("2 m", 6)], "10 2 m")],
)
def test_parts_of_a_line_that_touch_are_one_word_but_numbers_stay_apart(parts, text):
    """pdfium writes a raised sign and what follows as lines of their own."""
    lines, left = [], 72.0
    for part, size in parts:
        lines.append(Line(part, 1, left, 700, left + 30, 710, size, False, False))
        left += 29.5
    assert [block.text for block in blocks_of(lines, {})] == [text]


def test_signs_without_a_meaning_do_not_shift_the_places_of_others(folder):
    """pdfium's text of a page lacks them, but it counts them where it says where characters stand."""
    signs = [(72, 740 - 14 * n, 10, False, f"\x02 item {n}") for n in range(8)]
    rows = [
        line
        for n, cells in enumerate([("Site", "Days"), ("Aachen", "17"), ("Brno", "0")])
        for line in row(600 - 16 * n, cells, bold=not n)
    ]
    heading = (72, 500, 16, True, "Boots")
    ((title, text),), _ = pdf_texts(folder, [[*signs, *rows, heading, *office.column(BOOTS, top=470)]])
    assert title == "Boots"
    assert text.endswith(f"\u2022 item 7\n\nSite | Days\nAachen | 17\nBrno | 0\n\n{BOOTS}")


def test_lines_of_the_text_that_are_alike_on_some_pages_are_no_running_lines(folder):
    """Such as "Definition 3" above a definition: blank space separates running lines from the text."""
    pages = [
        [(72, 760, 10, False, "Handbook"), (72, 720, 10, True, f"Definition {n}"), *office.column(text, top=708)]
        for n, text in enumerate([GLOVES, BOOTS, GLOVES, BOOTS], 1)
    ]
    found, left_out = pdf_texts(folder, pages)
    assert [f"Definition {n}" in str(found) for n in range(1, 5)] == [True] * 4
    assert left_out == {"lines of running headers, footers and page numbers": ["a.pdf: 4"]}
