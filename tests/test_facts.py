"""What a parse of real and invented text gives: questions that stand alone, with the answer that the sentence states."""

from types import SimpleNamespace

import pytest

from rag_instruct.corpus.passages import Passage
from rag_instruct.synthesis import reading, subjects
from rag_instruct.synthesis.facts import Fact
from rag_instruct.synthesis.reading import find_facts, parser, plain
from rag_instruct.synthesis.subjects import Topic, in_full, is_human, topic_of

pytestmark = pytest.mark.slow  # the parser loads for seconds


def facts(title: str, *texts: str) -> list[Fact]:
    passages = [Passage(str(number), title, text) for number, text in enumerate(texts)]
    return [fact for one in find_facts(passages) for fact in one.facts]


def asked(title: str, *texts: str) -> dict[str, str]:
    """The answers by question."""
    return {fact.question: fact.target for fact in facts(title, *texts) if fact.asks != "link"}


@pytest.mark.parametrize(
    ("title", "text", "question", "target"),
    [
        ("Ida Holm", "Ida Holm (3 May 1871 - 1940) was a painter. ", "When was Ida Holm born?", "3 May 1871"),
        ("Ida Holm", "Ida Holm (3 May 1871 - 1940) was a painter. ", "When did Ida Holm die?", "1940"),
        ("Ida Holm", "Ida Holm was a Danish painter. She was born in Aarhus.", "Where was Ida Holm born?", "Aarhus"),
        ("Ida Holm", "Ida Holm was a Danish painter. She moved to Paris in 1901.", "When did Ida Holm move to Paris?", "1901"),
        ("Ida Holm", "Ida Holm was a Danish painter.", "Who was Ida Holm?", "a Danish painter"),
        (
            "Two Rivers (film)",
            "Two Rivers is a 1949 drama film directed by Anna Lind. The film was released in Norway in 1950.",
            "Who directed the film Two Rivers?",
            "Anna Lind",
        ),
        (
            "Two Rivers (film)",
            "Two Rivers is a drama film directed by Anna Lind. The film was released in 1950.",
            "When was the film Two Rivers released?",
            "1950",
        ),
        ("north_pier", "The North Pier is 190 metres long.", "How long is the North Pier?", "190 metres"),
        ("School", "The school has eighteen pupils.", "How many pupils does the school have?", "eighteen pupils"),
        ("Harbour crane", "The harbour crane is made of oak.", "What is the harbour crane made of?", "oak"),
        ("Vik", "Vik is a village. Its population was 320.", "What was Vik's population?", "320"),
        ("Vik", "In 1998, the Vik Police Authority filed an objection to the plan; but in 2002, the Patent Office ruled in favour of the BBC.", "When did the Patent Office rule in favour of the BBC?", "2002"),
        ("ABC", "On April 1, 1963, ABC debuted the soap opera General Hospital.", "What did ABC debut on April 1, 1963?", "the soap opera General Hospital"),
        ("Ida Holm", "In 1912 Ida Holm contacted Anna Lind about a painting.", "Who contacted Anna Lind about a painting in 1912?", "Ida Holm"),
    ],
)  # fmt: skip
def test_a_part_of_a_sentence_is_asked_for(title, text, question, target):
    assert asked(title, text).get(question) == target


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Ardholm", "A second village was left empty in 1938."),  # which one?
        ("Ida Holm", "Ida Holm was a painter. The award was given to her in 1920."),  # which award?
        ("Notes", "I water my tomatoes every day in July 2020."),
        ("Ida Holm", "Ida Holm never won the Prix de Rome in 1920."),  # denied
        ("Ida Holm", "Bo Lind met Ida Holm. He died in 1930."),  # he is another one
        ("Ida Holm", "Three years later she moved there."),
        ("List", "Apples; pears; plums: see p. 3 ..."),
    ],
)
def test_what_does_not_stand_alone_is_not_asked(title, text):
    found = asked(title, text)
    assert not [question for question in found if "When" in question or "Where" in question], found


def test_every_text_stands_alone_and_fits():
    text = "Ida Holm was a painter. She was born in Aarhus in 1871 and moved to Paris in 1901. There she met Degas."
    for fact in facts("Ida Holm", text):
        if fact.asks != "link":
            assert fact.subject == "Ida Holm"
            assert fact.question.endswith("?")
            assert fact.target in fact.statement
            assert fact.statement.startswith(fact.open) or fact.target in fact.statement
            assert fact.sentence in text


def test_a_clause_describes_the_names_in_it():
    found = {fact.target: fact.relative for fact in facts("Vienna", "Vienna is the capital of Austria. Vienna lies on the Danube.")}  # fmt: skip
    assert found.get("Danube") == "on which Vienna lies"


def test_its_is_the_topics_where_the_sentence_before_is_about_the_topic():
    its = "Its board has nine members. Its population was 320."
    assert "How many members does Vik's board have?" in asked("Vik", f"Vik is a village. {its}")
    assert "What was Vik's population?" in asked("Vik", f"Vik is a village. {its}")
    assert not any(
        "board" in question for question in asked("Vik", f"Vik is a village. The trust owns the land. {its}")
    )


@pytest.mark.parametrize(
    "text", ["", "...", "( )", "-", "Ünïcödé — “quoted” … text.", "One\n\nTwo\n- three\n| a | b |", "A" * 500, "," * 50 + "."]
)  # fmt: skip
def test_odd_texts_have_no_facts_and_no_errors(text):
    assert facts("", text) == facts("Title", text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bath (RP: ; local) is a city.", "Bath is a city."),
        ("The song\" Help\" was a hit .", "The song Help was a hit."),
        ("A ((nested) one) stays.", "A stays."),
    ],
)  # fmt: skip
def test_parentheses_and_quotation_marks_go(text, said):
    assert plain(text) == said


def called(title: str, *texts: str) -> str:
    """What a sentence calls the topic of an article."""
    return topic_of(title, [parser()(text) for text in texts]).name


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("knitting_cooperative", "In 1922 the knitting cooperative was founded.", "the knitting cooperative"),
        ("Grey seals", "In autumn grey seals come ashore.", "grey seals"),
        ("Rhine", "Basel lies on the Rhine.", "the Rhine"),
        ("henrik_voll", "Henrik Voll came in 1897.", "Henrik Voll"),
        ("Warsaw", "The mayor of Warsaw spoke.", "Warsaw"),
        ("Lika", "He lived in the Lika region.", "Lika"),  # the article is the region's
        ("William Fichtner", "William Edward Fichtner Jr. is an American actor.", "William Fichtner"),
        ("minibus", "The minibus has 16 seats.", "the minibus"),
        ("Octopus", "An octopus has eight arms.", "an octopus"),
        ("click", "Click is a Python package.", "Click"),
        ("Vik, Iceland", "Vik is a village.", "Vik"),
        (
            "Knitting cooperative",
            "Knitting cooperative. The cooperative was founded in 1922.",
            "the knitting cooperative",
        ),
        ("The Jump", "The Jump is a series.", "The Jump"),
        ("IMG 0042", "The bridge was built in 1901.", ""),
        ("para_017", "Parachutes are old.", ""),  # the file's name is no word of the text
    ],
)
def test_a_title_is_said_as_in_a_sentence(title, text, said):
    assert called(title, text) == said


def test_a_text_without_a_title_is_about_the_name_with_which_it_begins():
    text = "Ida Holm (3 May 1871 - 1940) was a Danish painter. She moved to Paris in 1901."
    found = asked("para_017", text)
    assert found["When was Ida Holm born?"] == "3 May 1871"
    assert found["When did Ida Holm move to Paris?"] == "1901"
    film = asked("doc_3", "The Territory is a 1981 horror film directed by Anna Lind.")
    assert film["Who directed The Territory?"] == "Anna Lind"
    assert not asked("para_018", "The cat sat there. Holm was born in 1912.")


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Winston Churchill", "Lord Randolph Churchill (1849-1895) was his father."),
        ("Winston Churchill", "Winston Churchill University (born 1895 as a school) closed."),
        ("Ann Lee", "The Second Boer War (1899-1902) changed her."),
        ("Ann Lee", "The Trial of Ann Lee (1899-1902) was a series."),
        ("Martin Luther", "Martin Luther King (1929-1968) was named after him."),
        ("Martin Luther", "Martin Luther III (1929-1968) was named after him."),
        ("George II, Prince of Anhalt", "George, Prince of Anhalt (1390-1474) was his father."),
    ],
)
def test_the_life_of_others_is_not_the_topics(title, text):
    found = asked(title, f"{title.partition(',')[0]} was a writer. " + text)
    assert not [one for one in found if "born" in one or "die" in one], found


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Winston Churchill", "Sir Winston Leonard Spencer Churchill, KG, O.M."),
        ("Winston Leonard Churchill", "Winston Churchill"),
        ("W. L. Churchill", "Winston Leonard Churchill"),
        ("Ida Holm-Lind", "Ida Holm- Lind"),
    ],
)
def test_a_topics_life_stands_behind_its_name_with_more_or_fewer_words(title, name):
    found = asked(title, f"{name} (1874-1965) was a British writer. He moved to Paris in 1901.")
    assert found.get(f"When was {title} born?") == "1874"


def test_people_and_things():
    assert is_human(["painter"])
    assert is_human(["boxer"])
    assert not is_human(["river"])


@pytest.mark.parametrize(
    "things",
    [
        "skyscraper cruiser tanker hamster beer deer silver list",
        "mist twist wrist beer steer career reindeer address illness darkness congress",
        "thermometer parameter wallpaper supertanker battlecruiser takeover playlist laser finger dinner copper",
    ],
)
def test_the_end_of_a_word_does_not_make_a_thing_a_person(things):
    assert [noun for noun in things.split() if is_human([noun])] == []
    people = "artist cyclist dentist pianist engineer pioneer peer actress duchess waitress woman user lover observer"
    assert [noun for noun in people.split() if not is_human([noun])] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Ida Holm appeared in the films Red (2004) and Blue.", "born"),  # the year of a film
        ("Ida Holm (Ukraine, 1886 - Jerusalem, 1976) was a writer.", "1976"),
        ("Ida Holm (died Coswig, 19 January 1405) was a nun.", "born"),
        ("Ida Holm was the first woman who ever sailed alone around the whole of Africa in 1901.", "the first woman in"),
        ("Ida Holm was appointed in 1901.", "appointed?"),  # to what?
        ("Ida Holm was a member of the council in 1901.", "When was Ida Holm a member"),
        ("Ida Holm taught classes in Bonn from 1885 to 1910.", "from 1885?"),
        ("Ida Holm last drove a truck in 2009.", "When did"),
        ("Ida Holm opened in 1927, the first museum in Oslo.", "museum"),
        ("Ida Holm was cancelled in 2007 because of rain and in 2020 because of snow.", "When"),
        ("Ida Holm won 40 games last year.", "How many"),
        ("Ida Holm worked in Oslo for Lind and in (1987).", "in?"),
        ("The parish church is dedicated to Saint Olaf.", "church"),  # which one?
        ("Ida Holm, designated a saint in 2003, is known.", "designated"),
        ("Her first single, Red, was released in 1956.", "released"),
        ("Her film was released in 2013.", "film"),  # which one?
        ("Ida Holm has been described by Danish critics as the best.", "described"),
        ("In 1768 the doctor variolated Catherine the Great of Russia.", "the Great"),
        ("In 1992 a native of Chicago joined the group Red.", "a native"),
        ("Ida Holm was its president from 1934 to 1935.", "its"),
        ("Ida Holm was renamed in 1901 by an act of the United States Congress.", "Who renamed"),
        ("Ida Holm is known for her roles as Medea and Norma.", "known as"),
        ("Ida Holm was opened in 1962 and enlarged in 1989.", "enlarge"),
        ("The conductor, Ines Roth, took over in 2008.", "conductor"),
        ("Davies was replaced in 1912 by Anna Lind.", "Davies"),  # a bare surname
    ],
)  # fmt: skip
def test_doubtful_sentences_are_not_asked(text, wrong):
    found = asked("Ida Holm", "Ida Holm was a Danish painter. " + text)
    assert not [one for one in found.items() if wrong in " ".join(one)], found


@pytest.mark.parametrize(
    ("text", "question", "target"),
    [
        ("The Harbour House was opened on 4 May 1935 by the mayor.", "When was the Harbour House opened?", "4 May 1935"),
        ("The Harbour House was built in 1896 in Vik.", "When was the Harbour House built?", "1896"),
        ("The Harbour House was opened in 1976 by four people with a table of flints.", "When was the Harbour House opened?", "1976"),
        ("The Harbour House was designed in 1934 by Alfred Tunnard.", "Who designed the Harbour House?", "Alfred Tunnard"),
        ("The Harbour House was first painted in 1901.", "When was the Harbour House first painted?", "1901"),
    ],
)  # fmt: skip
def test_a_question_has_what_it_needs_and_no_more(text, question, target):
    assert asked("Harbour House", text).get(question) == target


@pytest.mark.parametrize(
    ("text", "question", "target"),
    [
        ("She buried her husband in 1920.", "When did Ida Holm bury her husband?", "1920"),
        ("She was buried in Oslo in 1940.", "When was Ida Holm buried?", "1940"),
        ("Ida Holm died in Oslo in 1940.", "When did Ida Holm die?", "1940"),
    ],
)  # fmt: skip
def test_only_who_is_buried_or_dies_needs_no_other_words(text, question, target):
    found = asked("Ida Holm", "Ida Holm was a Danish painter. " + text)
    assert found.get(question) == target
    assert "When did Ida Holm bury?" not in found


@pytest.mark.parametrize(
    "text",
    [
        "She may have been born in Oslo in 1871.",
        "She might have moved to Paris in 1901.",
        "She could have moved to Paris in 1901.",
        "She must have moved to Paris in 1901.",
        "She can have moved to Paris in 1901.",
        "She would move to Paris in 1901.",
    ],
)
def test_what_may_be_is_no_fact(text):
    found = asked("Ida Holm", "Ida Holm was a Danish painter. " + text)
    assert list(found) == ["Who was Ida Holm?"]


def test_what_can_be_done_is_a_fact():
    found = asked("Harbour House", "The Harbour House can seat 400 guests.")
    assert found.get("How many guests can the Harbour House seat?") == "400 guests"


def test_names_are_said_in_full_and_common_words_small():
    text = "Isaac Newton was a scientist. The Royal Society elected Newton in 1703. He knew Edmond Halley. "
    found = asked("Isaac Newton", text + "Halley visited Cambridge in 1684. In 1690 Newton moved to London.")
    assert "When did the Royal Society elect Isaac Newton?" in found
    assert "When did Edmond Halley visit Cambridge?" in found
    brand = asked("August Brand", "August Brand (19 August 1863 - 1930) was a botanist. Brand was born in Al-Brand.")
    assert brand["When was August Brand born?"] == "19 August 1863"
    moved = asked("Florence Holm", "Florence Holm was a nurse. She was born in Rome. She moved to Florence in 1901.")
    assert "When did Florence Holm move to Florence?" in moved
    bread = asked("French Revolution", "The price of bread rose. Bread was sold in Paris in 1789.")
    assert not [question for question in bread if "Bread" in question], bread


def test_the_names_of_an_article_cost_a_fact_without_them_no_pattern(monkeypatch):
    """Else the time grows with the square of the article."""
    searched = []
    monkeypatch.setattr(subjects, "TIME", SimpleNamespace(search=searched.append))
    topic = Topic(full_names={f"Holm{number}": f"Ida Holm{number}" for number in range(100)})
    assert in_full("In 1901 Holm7 moved to Paris.", topic) == "In 1901 Ida Holm7 moved to Paris."
    assert searched == ["Holm7"]


def test_a_long_article_is_read_in_groups_of_passages(monkeypatch):
    """So that the parses of a book need not all be in memory."""
    read = []
    monkeypatch.setattr(reading, "TOGETHER", 2)
    monkeypatch.setattr(reading, "_parsed", lambda passage, of=reading._parsed: read.append(passage.id) or of(passage))
    texts = [f"The Harbour House was built in {year}." for year in (1901, 1902, 1903, 1904, 1905)]
    found = find_facts(Passage(str(number), "Harbour House", text) for number, text in enumerate(texts))
    assert next(found).passage == "0"
    assert read == ["0", "1"]
    assert [one.passage for one in found] == ["1", "2", "3", "4"]


def test_a_surname_as_a_title_is_the_person_with_this_name():
    found = asked("lindqvist", "Prof. Eva Lindqvist founded the school in 1996. She was born in Umea in 1958.")
    assert found["When was Eva Lindqvist born?"] == "1958"
    assert asked("pruning", "Pruning is done in February.") == {"When is pruning done?": "February"}


def test_a_title_with_a_comma_has_another_one_behind_it():
    found = asked(
        "George II, Prince of Anhalt", "George II, Prince of Anhalt (1454 - 25 April 1509) was a German prince."
    )
    assert found["When was George II, Prince of Anhalt, born?"] == "1454"
    assert "Who was George II, Prince of Anhalt?" in found


def test_what_is_said_to_be_ends_where_a_phrase_ends():
    found = asked("Click", "Click is a Python package for creating beautiful command line interfaces in a composable way with as little code as necessary.")  # fmt: skip
    assert (
        found["What is Click?"] == "a Python package for creating beautiful command line interfaces in a composable way"
    )
    assert not asked("Click", "Click is a 1990 action - crime film.").get("What is Click?", "").endswith("action")


def test_a_list_with_semicolons_is_not_cut_into_sentences():
    """Its first part alone would be half of the truth."""
    assert asked("Acme", "Acme was founded in 1950; Oslo, Norway; and 1960 in Paris, France.") == {}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Ida Holm took a decision about Oslo in 1920.", "What did Ida Holm take in 1920?"),
        ("Ida Holm sold it to Anna Lind in 1920.", "What did Ida Holm sell to Anna Lind in 1920?"),
        ("Ida Holm knighted Walker in 1910.", "What did Ida Holm knight in 1910?"),
        ("Ida Holm sold a picture.", "What did Ida Holm sell?"),
    ],
)
def test_what_is_not_asked_for_without_a_verb_a_thing_and_a_year_that_say_enough(text, question):
    assert question not in asked("Ida Holm", f"Ida Holm was a painter. {text}")
