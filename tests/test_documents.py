"""Documents as people have them: what becomes of PDF, Word, HTML, Markdown and text files, and of what is left out."""

import importlib.util
import json
import unicodedata

import office
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from rag_instruct.corpus.blocks import Block, Document
from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.corpus.splitter import Limit, along_structure, split_text, windows, word_spans
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
    (folder / "old.docx").write_bytes(b"\xd0\xcf\x11\xe0 an old .doc")
    with pytest.raises(UserError, match=r"old\.docx: it is no Word document, or damaged"):
        passages(folder)


PAGE = f"""<!doctype html><html><head><title>Gloves - ACME</title><script>var x = "no";</script></head><body>
<nav><ul><li><a href="/">Home<li><a href="/shop">Shop</ul></nav>
<main><h1>Gloves</h1><p>{GLOVES}</p><h2>Sizes</h2><p>Gloves come in <b>two</b> sizes, and each has a colour of its own.</p>
<table><tr><th>Size</th><th>Width</th></tr><tr><td>7</td><td>18 cm</td></tr></table>
<ol><li>Wash them after each use, with soap.</li><li>Dry them in the air, not in the sun.</li></ol></main>
<footer><p>Copyright ACME. All rights reserved.</p></footer></body></html>"""


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
        "hidden files": [".hidden.txt", "~$a.docx"],
        "links to files that are read as a.TXT": ["again.txt"],
        "links to folders that are read already": ["loop"],
    }
    assert "left out, files of kind .png: 1 (picture.png)" in caplog.text


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
    assert split_text("กรุงเทพฯเป็นเมืองหลวงของประเทศไทย", 3) == ["กรุงเทพฯเป็นเมือง", "หลวงของประเทศไทย"]


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


def test_a_term_stands_with_its_definition(folder):
    text = f"<h1>Words</h1><p>{GLOVES}</p><dl><dt>glove</dt><dd>What you wear on a hand at work.</dd><dt>boot</dt></dl>"
    (folder / "a.html").write_text(f"<html><body>{text}<p>{BOOTS}</p></body></html>")
    ((_, found),) = passages(folder)[0].values()
    assert "glove\nWhat you wear on a hand at work.\n\nboot\n" in found


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
