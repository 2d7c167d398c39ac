"""Which words of a text name an article, and which passages can be source documents together."""

import pytest

from rag_instruct.corpus.linking import article, can_be_source, link, lists_subjects, name_of
from rag_instruct.corpus.mentions import article_name
from rag_instruct.corpus.passages import Passage


@pytest.mark.parametrize(
    ("title", "text", "words"),
    [
        ("Ingmar Bergman", "He played in Ingmar Bergman's film.", "Ingmar Bergman"),
        ("Ingmar Bergman", "He knew Ingmar and Bergman.", ""),
        ("Boston", "He was born in Boston, and died there.", "Boston"),
        ("The Beatles", "She heard the Beatles in Hamburg.", "the Beatles"),
        ("Prime number", "RSA is based on large prime numbers.", "prime numbers"),
        ("Vienna", "In the end, Vienna was saved.", "Vienna"),
        ("1973 oil crisis", "During the 1973 oil crisis prices rose.", "1973 oil crisis"),
        ("Victoria (Australia)", "The club moved to Victoria in Australia.", "Victoria"),
        ("Henry King (director)", "A 1948 film directed by Henry King.", "Henry King"),
        ("Kenya_1", "The highest mountain of Kenya is extinct.", "Kenya"),
        ("Carbon-14", "The age is measured by Carbon-14.", "Carbon-14"),
        ("SARS-CoV-2", "The virus is called SARS-CoV-2.", "SARS-CoV-2"),
        ("ingmar_bergman", "A film of Ingmar Bergman.", "Ingmar Bergman"),
        ("lisp-machine-history", "More on the Lisp machine history.", "Lisp machine history"),
        ("USB", "The cable has a USB plug.", "USB"),
        ("Москва", "Он жил в Москве и писал.", "Москве"),
        ("Нева", "Город стоит на Неве с тех пор.", "Неве"),
        ("Иван Тургенев", "Роман Ивана Тургенева вышел тогда.", "Ивана Тургенева"),
        ("トヨタ自動車", "彼はトヨタ自動車で働いた。", "トヨタ自動車"),
        ("인천국제공항", "그는 인천국제공항에서 일했다.", "인천국제공항"),
        ("القاهرة", "ولد في القاهرة عام 1911", "القاهرة"),
    ],
)
def test_a_name_is_found(title, text, words):
    mention = article_name(title).mention(text)
    assert (mention.words if mention else "") == words
    assert not mention or mention.sure


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Mooney", "Ed Mooney played football."),
        ("Han", "Zhang Han was an emperor's general."),
        ("Amsterdam", "The 1997 Treaty of Amsterdam changed it."),
        ("New York", "She wrote for the New York Times."),
        ("Boston", "The Boston Red Sox play at home."),
        ("Carbon-14", "Steel is iron with Carbon in it."),
        ("Nile", "Anile dyes come from indigo."),
        ("Panda (song)", "The panda eats bamboo. A song bird lives there."),
        ("Hell (2011 film)", "The poem describes Hell and its rivers."),
        ("John Mooney (activist)", "His grandsons John Mooney and Mike Mooney are jockeys."),
        ("1984", "He was born in 1984."),
        ("Hell (2011 film)", "The film of 1950 is called Hell."),
        ("Roman Empire", "A march of the Holy Roman Empire."),
        ("Santiago", "The road to Santiago de Compostela."),
        ("In Time", "A spring that came just in Time."),
        ("2000 in Turkey", "An earthquake in 2000 in Turkey."),
        ("List of rivers", "A list of rivers is missing."),
        ("It", "It rains."),
        ("トヨタ", "ネットトヨタの店。"),
        ("...", "..."),
    ],
)
def test_words_that_are_there_by_chance_name_nothing(title, text):
    name = article_name(title)
    assert name is None or name.mention(text) is None


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Library", "The dbm library was simple."),
        ("Glacier", "A valley that glaciers carved."),
        ("Panda", "Panda is what he called his dog."),
        ("京都", "東京都に住む。"),
        ("Glacier", "It is cold.\n\nGlaciers move."),
        ("Glacier", "Alps > Ice\nGlaciers move."),
        ("Glacier", "Ice:\n\n- Glaciers move.\n- Rivers flow."),
        ("Glacier", "It is cold (and wet.) Glaciers move."),
        ("Glacier", "“It is cold.” Glaciers move."),
        ("Glacier", "寒い。Glaciers move."),
    ],
)
def test_what_may_be_an_ordinary_word_is_not_sure(title, text):
    assert article_name(title).mention(text).sure is False


def test_the_surest_mention_counts():
    assert article_name("Panda").mention("Panda is a film. He hated Panda, too.").sure


DANUBE = Passage("1", "Danube", "The river flows through Vienna to the Black Sea.")
VIENNA = Passage("2", "Vienna", "The old city lies on the Danube.")
RHINE = Passage("3", "Rhine", "The river joins Basel to Rotterdam.")
LAND = Passage("4", "River", "Rivers such as the Rhine carry water.")


def test_a_link_says_which_names_which():
    found = link(DANUBE, VIENNA)
    assert (found.kind, found.naming, found.named, found.words) == ("name", "1", "2", "Vienna")
    found = link(RHINE, LAND)
    assert (found.kind, found.naming, found.named, found.words) == ("name", "4", "3", "Rhine"), "surer than `river`"
    found = link(DANUBE, LAND)
    assert (found.kind, found.naming, found.named, found.words) == ("term", "1", "4", "river")
    assert link(DANUBE, RHINE) is None


def test_passages_of_one_article_are_not_linked():
    assert link(Passage("1", "Vienna (city)", "Vienna here."), Passage("2", "Vienna", "Vienna there.")) is None
    assert link(Passage("1", "Kenya_1", "In Kenya."), Passage("2", "Kenya_2", "In Kenya.")) is None
    assert article(Passage("1", "Kenya_1", "In Kenya.")) == article(Passage("2", "Kenya", ""))
    assert link(Passage("1", "Kenya_1", "In Kenya."), Passage("2", "Kenya_2", "The lake is salt.")) is None
    assert link(Passage("1", "", "Vienna."), Passage("2", "", "Vienna.")) is None, "without titles nothing is named"
    parts = Passage("1", "東京_1", "東京は首都だ。"), Passage("2", "東京_2", "1964年に東京でオリンピックが開かれた。")
    assert article(parts[0]) == article(parts[1])


@pytest.mark.parametrize(
    "title", ["para_017", "doc-12", "Doc-12", "Kenya-07", "page_3", "wiki_0001", "chapter_4", "report_7"]
)
def test_a_file_with_a_number_is_an_article_of_its_own_if_its_name_says_nothing(title):
    other = title.rstrip("0123456789") + "99"
    assert article(Passage("1", title, "The page is blank.")) != article(Passage("2", other, "The page is torn."))
    assert name_of(title, "The page is blank.") is None


def test_a_number_behind_a_hyphen_may_be_a_part_of_a_name():
    uranium = Passage("1", "Uranium-235", "The isotope is rarer than Uranium-238.")
    found = link(uranium, Passage("2", "Uranium-238", "It is the usual isotope of uranium."))
    assert (found.naming, found.named, found.words) == ("1", "2", "Uranium-238")
    parts = Passage("1", "kenya-1", "In Kenya."), Passage("2", "kenya-2", "In Kenya.")
    assert article(parts[0]) == article(parts[1])


def test_an_article_does_not_name_what_is_a_part_of_its_own_title():
    wild = Passage("1", "Wild Women", "A band of four.")
    film = Passage("2", "Wild Women: Gentle Beasts", "Wild Women: Gentle Beasts is a film about women.")
    assert link(wild, film) is None
    prime = Passage("1", "prime_number", "It has two divisors.")
    for title in ("Prime number theorem", "prime_number_theorem"):
        assert link(prime, Passage("2", title, "He proved the prime number theorem.")) is None
    assert link(wild, Passage("3", film.title, f"{film.text} The music is by Wild Women.")) is not None


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Where Was I", '" Where Was I?" may refer to:'),
        ("Mercury", "Mercury most commonly refers to: a planet, an element, a god."),
        ("Motherland (disambiguation)", "Motherland is the place of one's birth."),
        ("Merkur", "Merkur steht für: einen Planeten"),
        ("Mercure", "Mercure peut désigner une planète ou un dieu."),
        ("水星", "水星可以指:"),
    ],
)
def test_pages_that_list_subjects_are_no_source_documents(title, text):
    assert lists_subjects(Passage("1", title, text))
    assert not can_be_source(Passage("1", title, text), 0)


def test_a_text_about_what_may_refer_a_case_or_stand_is_no_list():
    for text in ("National courts may refer a question to the Court of Justice.", "Passengers may stand in the aisle."):
        assert not lists_subjects(Passage("1", "Bus", text))


def test_short_passages_are_no_source_documents():
    assert not can_be_source(Passage("1", "T", "word " * 19), 20)
    assert can_be_source(Passage("1", "T", "word " * 20), 20)
    assert can_be_source(Passage("1", "T", "一二三四五六七八九十" * 2), 20), "characters count as words there"
    thai = "เมืองนี้มีประวัติศาสตร์ยาวนาน สะพานหินแห่งแรกสร้างโดยช่างเมื่อปี 1500 ตั้งแต่นั้นมาชาวเมืองดำรงชีพด้วยการค้าผ้าไหมและเกลือ"
    assert can_be_source(Passage("1", "T", thai), 20), "no blanks stand between its words"
    assert not can_be_source(Passage("1", "T", thai[:30]), 20)
    assert can_be_source(Passage("1", "T", "ភាសាខ្មែរជាភាសាផ្លូវការរបស់ប្រទេសកម្ពុជា " * 4), 20)
    assert not lists_subjects(Passage("1", "Writ", "The plaintiff refers to the contract. It may be void."))
