"""The filters of pairs that capable teachers write: what they keep, what they refuse, and the command that assesses them."""

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, SHARED, needs_shared

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.exemplars.heuristic import drop_reason
from rag_instruct.files import write_jsonl
from rag_instruct.synthesis.assessment import judge_pairs, summary
from rag_instruct.synthesis.document_filters import answer_in_question, malformed
from rag_instruct.synthesis.grounding import unsupported_name, unsupported_names, unsupported_number
from rag_instruct.synthesis.wording import mentions_documents, points_at_nothing, refusal
from rag_instruct.worked_examples import has_worked_examples
from scripts.assess_pairs import main

PAIRS = ROOT / "tests/data/labelled_pairs.jsonl"


def agreed(path):
    """How many of the good pairs are kept, how many good ones there are, and the same of the bad ones refused."""
    judged = judge_pairs(path, None)
    good, bad = ([one.agrees for one in judged if one.good == label] for label in (True, False))
    return sum(good), len(good), sum(bad), len(bad)


def test_pairs_in_every_form_are_kept_and_bad_ones_refused():
    """Letters, verses, code, tables, JSON, choices, verdicts, dialogues, lists, computations, other languages."""
    kept, good, refused, bad = agreed(PAIRS)
    assert kept == good >= 144
    assert refused >= bad - 1 >= 70, "one has only numbers that any text supports"


@needs_shared
def test_the_pairs_of_the_first_trial():
    """A capable teacher's pairs, labelled by a reader; of 54 good ones, earlier filters refused 27."""
    kept, good, refused, bad = agreed(SHARED / "teacher_trial/pairs.jsonl")
    assert (good, bad) == (54, 2)
    assert kept >= 52
    assert refused == 2


@needs_shared
def test_the_pairs_of_the_second_trial():
    kept, good, _, _ = agreed(SHARED / "teacher_trial/pairs_2.jsonl")
    assert good == 21, "three lines are skips"
    assert kept >= 20


@needs_shared
def test_answers_with_the_documents_of_another_pair_are_mostly_refused(tmp_path):
    """So that filters which refuse nothing would fail."""
    lines = [json.loads(line) for line in (SHARED / "teacher_trial/pairs.jsonl").open(encoding="utf-8")]
    stated = [line for line in lines if line["paradigm"].endswith("_answer") and line["should_keep"]]
    moved = [
        one | {"documents": other["documents"]} for one, other in zip(stated, stated[7:] + stated[:7], strict=True)
    ]
    write_jsonl(tmp_path / "moved.jsonl", moved)
    refused = sum(one.fault is not None for one in judge_pairs(tmp_path / "moved.jsonl", None))
    assert refused >= 0.7 * len(moved)


@pytest.mark.parametrize(
    ("answer", "question", "unsupported"),
    [
        ("It has 120 rooms.", "How many rooms has it?", ""),
        ("It has 121 rooms.", "How many rooms has it?", "121"),
        ("It opened in 1851 and closed in 1900, after 49 years.", "How long was it open?", ""),
        ("It opened 49 years before it closed.", "How long was it open?", ""),
        ("It was open for 57 years.", "How long was it open?", "57"),
        ("It burned in 1903.", "In which year did it burn, three years after it closed?", ""),
        ("It burned in 1907.", "When did it burn?", "1907"),
        ("It cost 2,400,000 dollars.", "What did it cost?", ""),
        ("It cost 20,000 dollars a room.", "What did it cost for each room?", ""),
        ("2.4 million / 120 rooms = 20,000 dollars a room.", "What did it cost for each room?", ""),
        ("The tower is 50 m high, or about 164 feet.", "How high is it?", ""),
        ("The tower is 50 m high, or about 187 feet.", "How high is it?", "187"),
        ("25 % of the rooms, 30 of 120, had a bath.", "What share of the rooms had a bath?", ""),
        ("It cost $2.4 million for 120 rooms, or $20,000 a room.", "What did each room cost?", ""),
        ("It was built in the 1850s.", "In which decade?", ""),
        ("It was built in the 1870s.", "In which decade?", "1870"),
        ("```\nprint(987654)\n```", "Write code.", ""),
        ("Its 12 floors and 7 halls", "What?", ""),
        ("9" * 320, "How many?", ""),
        ("121 rooms", f"{'9' * 320} million, or 9{' 999' * 110}?", ""),
        ("It has 121 rooms.", f"Are {'9' * 320} million more?", "121"),
    ],
)
def test_numbers_that_can_be_computed_are_supported(answer, question, unsupported):
    text = "The hotel opened in 1851 and closed in 1900. It had 120 rooms, 30 with a bath, a tower of 50 m and cost $2.4 million."
    assert unsupported_number(answer, question, text) == unsupported


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("It cost $3.6 million.", "3.6"),
        ("It cost 4.5 hundred dollars.", "4.5"),
        ("It cost 7.5 thousand dollars.", "7.5"),
        ("It cost 3.6 Billion dollars.", "3.6"),
        ("It cost 2,400 thousand dollars.", ""),
        ("It cost 2.4 million, or half of 4.8 million.", ""),
        ("Half of 4.8 million is 2,400,000.", ""),
    ],
)
def test_a_scaled_number_does_not_support_itself(answer, unsupported):
    assert unsupported_number(answer, "What did it cost?", "It cost $2.4 million.") == unsupported


@pytest.mark.parametrize(
    ("answer", "question", "unsupported"),
    [
        ("It is about 1.9 times as long.", "Is it longer than the Spree?", ""),
        ("It is about 1.93-fold.", "Is it longer than the Spree?", "1.93"),
        ("It is 2.7 times as long.", "Is it longer than the Spree?", "2.7"),
        ("The ratio is 1.9.", "What is the ratio of their lengths?", ""),
        ("It has 190 % of the length.", "Is it longer than the Spree?", ""),
        ("It has 1.9 % of the length.", "Is it longer than the Spree?", "1.9"),
    ],
)
def test_ratios_can_be_computed(answer, question, unsupported):
    text = "The Main is 760 km long. The Spree is 400 km long."
    assert unsupported_number(answer, question, text) == unsupported


@pytest.mark.parametrize(
    ("text", "answer", "unsupported"),
    [
        ("He won it in the 2013\u201314 season.", "In 2014.", ""),
        ("He won it in the 2013\u201314 season.", "In the 2013\u20132014 season.", ""),
        ("He won it in the 2013\u201314 season.", "In 2015.", "2015"),
        ("The war of 1939-45 ended it.", "It ended in 1945.", ""),
        ("It began in 1939 and ended in 1945.", "1939/45", ""),
        ("It began in 1939 and ended in 1945.", "1939\u201347", "47"),
        ("The term of 1999-00 was his last.", "It ended in 2000.", ""),
        ("There were 1200 rooms and 45 halls.", "1200-45 = 1155 rooms had no name.", ""),
        ("The lower hall has 500 seats, the upper one 700.", "Together, they have 1200 seats.", ""),
        ("The lower hall has 500 seats, the upper one 700.", "Together, they have 1200 wooden seats.", ""),
        ("The lower hall has 500 seats, the upper one 700.", "Together, they seat 1200 people.", ""),
        ("The lower hall cost $500, the upper one $700.", "Together, they cost $1200.", ""),
        ("The lower hall has 500 seats, the upper one 700.", "It was built in 1200.", "1200"),
        ("The lower hall has 500 seats, the upper one 700.", "In 1200 monks built it.", "1200"),
        ("The lower hall has 500 seats, the upper one 700.", "Together, they have 1337 seats.", "1337"),
        ("The lower hall has 1,200 seats, the upper one 1500 seats.", "Together, they have 2,700 seats.", ""),
        ("人口は3.5万人。", "人口は35000人。", ""),
        ("人口は1,234,567人。", "人口は123万人。", ""),
        ("人口は1,234,567人。", "人口は125万人。", "1250000"),
        ("인구는 3만 5천 명이다.", "인구는 35,000명이다.", ""),
        ("人口は1億2000万人。", "人口は120,000,000人。", ""),
        ("Half of the land is forest.", "50% of it.", ""),
        ("Two thirds of the land are forest.", "About 67 % of it.", ""),
        ("Two thirds of the land are forest.", "About 62 % of it.", "62"),
        ("It has three hundred and sixty rooms.", "It has 360 rooms.", ""),
        ("It has one hundred and twelve rooms.", "It has 112 rooms.", ""),
        ("It has sixty-five thousand two hundred rooms.", "It has 65,200 rooms.", ""),
        ("It has three hundred and sixty rooms.", "It has 370 rooms.", "370"),
        ("It has 10'500 rooms.", "It has 10\u2019500 rooms.", ""),
    ],
)
def test_numbers_are_known_in_other_words_and_signs(text, answer, unsupported):
    assert unsupported_number(answer, "How many, or when?", text) == unsupported


@pytest.mark.parametrize(
    ("text", "question", "answer", "unsupported"),
    [
        ("It ended with 212 shops.", "How many were there before 14 opened and 3 closed?", "201. It ended with 212 shops, 11 more.", ""),
        ("It ended with 212 shops.", "How many were there before 14 opened and 3 closed?", "207. It ended with 212 shops, 11 more.", "207"),
        ("Adults pay $14.50, children $8.25.", "And two adults with three children?", "$53.75 (2 \u00d7 $14.50 + 3 \u00d7 $8.25)", ""),
        ("Adults pay $14.50, children $8.25.", "And two adults with three children?", "$59.85 (2 \u00d7 $14.50 + 3 \u00d7 $8.25)", "59.85"),
        ("Adults pay $14.50.", "And a bus?", "$61.40 (4 \u00d7 $15.35)", "61.40"),
        ("It rose by 8% to 12.4 million.", "What was it before?", "About 11.5 million.", ""),
        ("It rose by 8% to 12.4 million.", "What was it before?", "About 11.7 million.", "11.7"),
        ("Of 412 adults, 18% had asthma.", "How many had asthma?", "About 74.", ""),
        ("It costs 80 euros, or a quarter less in winter.", "What does it cost in winter?", "60 euros", ""),
        ("The dose is 15 mg per kg.", "What is it for a child of 22 kg?", "330 mg", ""),
        ("The dose is 15 mg.", "And for somebody at home?", "330 mg", "330"),
        ("It costs $36.40 a month.", "What does it cost in a year?", "$436.80", ""),
        ("You pay 24 instalments of $189.", "What do you pay in all?", "$4,536", ""),
        ("Serves 4. Take 350 g of pasta.", "How much do six people need?", "525 g of pasta", ""),
        ("Serves 4. Take 350 g of pasta.", "How much do six people need?", "575 g of pasta", "575"),
        ("Heat the oven to 350\u00b0F.", "What is that in Celsius?", "About 177 \u00b0C", ""),
        ("Heat the oven to 350\u00b0F.", "What is that in Celsius?", "About 187 \u00b0C", "187"),
        ("It lasts from 9:15 am to 1:40 pm.", "How many minutes is that?", "265 minutes", ""),
        ("Rest for 20 minutes and bake for 1 hour 45 minutes.", "How many minutes is that?", "125 minutes", ""),
        ("It rose by 15 miles in each of 26 hours.", "How long do 26 miles at 15 miles an hour take?", "1 hour 44 minutes", ""),
        ("It rose by 15 miles in each of 26 hours.", "How long do 26 miles at 15 miles an hour take?", "1 hour 53 minutes", "53"),
        ("Bake it for 50 minutes.", "When is it done if I begin at 3:05 pm?", "At 3:55 pm", ""),
        ("Bake it for 50 minutes.", "When is it done if I begin at 3:05 pm?", "At 3:57 pm", "57"),
        ("It is closed from May 6 to July 3.", "For how many days?", "58 days, or 59 with the last one", ""),
        ("It is closed from May 6 to July 3.", "For how many days?", "67 days", "67"),
        ("It is valid from 2020-02-01 to 2020-05-01.", "For how many days?", "90 days", ""),
        ("She was born on December 9, 1906 and died on 1 January 1992.", "How old did she become?", "85", ""),
        ("She was born on December 9, 1906 and died on 1 January 1992.", "How old did she become?", "84", "84"),
        ("Sales in Q1 were 120, in Q2 135, in Q3 150, in Q4 165.", "What is the mean?", "142.5", ""),
        ("| Town | 2020 | 2021 |\n|---|---|---|\n| A | 61.5 | 72 |\n| B | 33 | 41 |\n| C | 47 | 58 |", "And all in 2020?", "141.5", ""),
        ("Built about 4,500 years ago.", "How old was it in 1798?", "That is over two centuries ago, so 4,300 years.", ""),
        ("Built about 4,500 years ago.", "How old was it in 1798?", "That is over two decades ago, so 4,300 years.", "4,300"),
        ("Built about 4,500 years ago.", "How old was it in 1798?", "That is over 2 centuries ago, so 4,300 years.", ""),
        ("Built about 4,500 years ago.", "How old was it in 1798?", "That is over 2 decades ago, so 4,300 years.", "4,300"),
        ("It ran for two centuries and three decades.", "How many years is that?", "230", ""),
        ("It ran for two centuries and three decades.", "How many years is that?", "2,030", "2,030"),
        ("The mill was founded in 1850.", "When did it close?", "Decades later, in 1860, it closed.", "1860"),
        ("It was founded in 1850. For centuries people had ground corn.", "When did it close?", "It closed in 1950.", "1950"),
        ("For centuries the town had 450 people.", "How many people?", "The town had 550 people then.", "550"),
        ("On 31 February 2021, 1.5 h or 25:61, each " + "9" * 320 + " a year", "How many?", "7654321", "7654321"),
    ],
)  # fmt: skip
def test_numbers_of_a_kind_are_computed_as_a_reader_would(text, question, answer, unsupported):
    """Shares, rates, servings, temperatures, times and dates, columns, and computations that the answer writes out."""
    assert unsupported_number(answer, question, text) == unsupported


@pytest.mark.parametrize(
    ("part", "end"),
    [("1", ""), ("a", ""), ("1 a ", ""), ("(1 x ", ""), ("1 + 1 ", ")"), ("1 May ", ""), ("9:15 ", ""), ("| 1 ", "|"), ("1 h ", "")],
)  # fmt: skip
def test_a_long_text_of_numbers_is_read_once(part, end):
    text = f"7 {part * (40_000 // len(part))}{end}"
    began = time.process_time()
    unsupported_number(text, "What is 7?", text)
    unsupported_number("77", text, "7")
    assert time.process_time() - began < 2


HUMAN = {"hotpotqa_train_60.json": 60, "musique_train_60.json": 60, "pubmedqa_ori_pqal.json": 200}


@needs_shared
@pytest.mark.parametrize("name", HUMAN)
def test_questions_and_answers_of_people_are_kept(tmp_path, name):
    """Benchmarks' gold answers over their gold documents: nobody wrote them for these filters."""
    given = json.loads((SHARED / "benchmarks" / name).read_text(encoding="utf-8"))
    write_jsonl(tmp_path / "pairs.jsonl", list(gold(name.partition("_")[0], given))[: HUMAN[name]])
    kept, good, _, _ = agreed(tmp_path / "pairs.jsonl")
    assert good == HUMAN[name]
    assert kept >= 0.97 * good


def gold(benchmark, records):
    """The benchmark's questions as pairs with their supporting documents."""
    for one in records.values() if isinstance(records, dict) else records:
        if benchmark == "pubmedqa":
            documents, answer = ["\n" + " ".join(one["CONTEXTS"])], one["LONG_ANSWER"]
        elif benchmark == "musique":
            held = [paragraph for paragraph in one["paragraphs"] if paragraph["is_supporting"]]
            documents, answer = [f"{part['title']}\n{part['paragraph_text']}" for part in held], one["answer"]
        else:
            held = {title for title, _ in one["supporting_facts"]}
            documents = [f"{title}\n{' '.join(lines)}" for title, lines in one["context"] if title in held]
            answer = one["answer"]
        question = one.get("question") or one["QUESTION"]
        paradigm = "single_doc_answer" if benchmark == "pubmedqa" else "multi_doc_answer"
        yield {"paradigm": paradigm, "question": question, "answer": answer, "documents": documents}


def test_names_are_judged_together():
    text = "Bosnian writer Ivo Andric was born in Travnik and lived in Belgrade."
    assert unsupported_names("He was born in Bosnia, in Travnik near Zenica.", "Where was Ivo Andric born?", text) == []
    invented = unsupported_names("He was born in Zagreb near Lake Como, in Italy.", "Where was Ivo Andric born?", text)
    assert invented == ["Zagreb", "Lake", "Como", "Italy"]


@pytest.mark.parametrize(
    ("answer", "invented"),
    [("Ida Holm", True), ("Vik, Norway.", True), ("Ida Holm won it by 2.5 lengths.", True), ("Anna Holm won it.", False),
     ("Warm Regards to all!", False), ("Anna Lind", False), ("Lindberg Hall", False), ("Apple", False), ("No", False), ("a Mystery", False)],
)  # fmt: skip
def test_an_answer_that_is_only_a_full_name_is_in_the_documents(answer, invented):
    """Or that is one sentence about it. Of a single word, and of a name within a sentence, a rule cannot be sure."""
    text = "Harbour race\nThe race around the bay was won by Anna Lind, who sailed for the club of the town that year."
    assert bool(unsupported_name(answer, "Who won the race around the bay?", text)) == invented


def test_a_year_that_runs_into_a_time_is_a_year():
    text = "The game was launched on May 15, 2012.12:01 AM PST. Other versions were released the following year."
    assert unsupported_number("May 15, 2012", "When was the game launched?", text) == ""
    assert unsupported_number("May 15, 2021", "When was the game launched?", text) == "2021"


@pytest.mark.parametrize(
    "question",
    [
        "In which document did the colonies declare independence?",
        "Where is the source of the Nile?",
        "Who wrote the text of the Austrian anthem?",
        "What is the document object model in web browsers?",
        "Write an article on bees. The article should mention honey.",
        "How did the passage of the Civil Rights Act change the South?",
        "According to the article by Alan Turing in Mind, can machines think?",
        "How do I open the source code of a web page in Firefox?",
        'What does the term "cell" mean in this context?',
        "Given the following text, name the river: The Danube flows through Vienna.",
        "Read the text below and say which city it describes.\n\nIt lies on the Danube and is the capital of Austria.",
        "Does it rain more in Seattle or in Miami?",
        "How far is it from Paris to Lyon?",
        'What are these called in English: "Schmetterling"?',
        "What do this year's rules say about offside?",
        "What does it say about a person if they never lie?",
    ],
)
def test_questions_that_stand_alone(question):
    assert not mentions_documents(question, "")
    assert not points_at_nothing(question)


def test_a_long_question_without_latin_letters_is_read_in_no_time():
    question = "где же это было? " * 4000
    start = time.perf_counter()
    assert not mentions_documents(question, question)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("question", "answer", "cut"),
    [
        ("Which choice is correct?", "The correct choice here is A", False),
        ("Which vitamin do they have?", "Carrots are rich in vitamin A", False),
        ("Which gate does this?", "The gate that does this is AND", False),
        ("What foods contain vitamin A", "Carrots and eggs do.", False),
        ("Which choice is correct?", "The correct choice here is a", True),
        ("What foods contain the", "Carrots and eggs do.", True),
    ],
)
def test_a_text_that_ends_like_half_a_sentence_is_cut(question, answer, cut):
    assert ("cut off" in malformed(question, answer, "")) == cut


@pytest.mark.parametrize(
    "question",
    [
        "What does the author say in this passage?",
        "In the text, who is the hero?",
        "What is the main idea of the passage?",
        "Who is mentioned in the document?",
        "According to these documents which is older?",
        "Summarize the article.",
        "How is the river described in the given passage?",
        "D'après le texte, combien d'habitants compte Paris ?",
        "Laut dem Text, wie lang ist der Rhein?",
        "根据文章 故宫建于什么时候",
        "What did he do in 1900?",
        "Who was their leader?",
        "Why did it fail?",
        "How old is it?",
        "What does it say about refunds?",
        "Does it mention the price of a ticket?",
    ],
)
def test_questions_that_do_not_stand_alone(question):
    assert mentions_documents(question, "") or points_at_nothing(question)


@pytest.mark.parametrize(
    ("question", "answer", "mentions"),
    [
        ("Quelle est la longueur du canal ?", "D'après le texte, il est long de 240 kilomètres.", True),
        ("Wie lang ist der Rhein?", "Laut dem Dokument ist er 1230 km lang.", True),
        ("¿Qué altura alcanza?", "Según el texto, 70 metros.", True),
        ("故宫建于何时?", "根据文章,建于1420年。", True),
        ("Résume ce texte : « Le canal est long. »", "D'après le texte, le canal est long.", False),
        ("阅读文章:故宫建于1420年。故宫建于何时?", "根据文章,建于1420年。", False),
        ("Name a river.", "The river named above is the Rhine.", False),
        ("How long is it?", "The passage doesn\u2019t say it, but it is short.", True),
        ("Where is a river coldest?", "It is usually coldest close to the source.", False),
        ("Where does it flow?", "It is the main channel from the source, and ends in a lake.", False),
        ("Who is the hero?", "The hero in the text, as told, is Ann.", True),
    ],
)
def test_answers_in_other_languages_mention_no_document(question, answer, mentions):
    assert bool(mentions_documents(question, answer)) == mentions


@pytest.mark.parametrize(
    ("answer", "refuses"),
    [
        ("I'm sorry, but I can't assist with that.", True),
        ("Unfortunately, the documents do not provide information on this.", True),
        ("There is no information in the documents about it.", True),
        ("Sorry, I don't know.", True),
        ("I\u2019m sorry, but I can\u2019t assist with that.", True),
        ("I don\u02bct know.", True),
        ("As an AI, I cannot have opinions.", True),
        ("It cannot be determined from the given information.", True),
        ("Lo siento, no puedo responder a esa pregunta.", True),
        ("Je suis désolé, mais je ne peux pas répondre.", True),
        ("Es tut mir leid, aber ich kann diese Frage nicht beantworten.", True),
        ("抱歉，我无法回答这个问题。", True),
        ("申し訳ありませんが、お答えできません。", True),
        ("عذرًا، لا أستطيع الإجابة.", True),
        ("क्षमा करें, मैं इसका उत्तर नहीं दे सकता।", True),
        ("Le texte ne mentionne pas la longueur.", True),
        ("文中没有提到长度。", True),
        ("As an AI language model, it is not possible to answer this.", True),
        ("Unfortunately, I cannot answer this.", True),
        ("I apologize, but I cannot provide an answer.", True),
        ("From the documents at hand, we cannot determine the year.", True),
        ("The question is about tax. I cannot help with that.", True),
        ("It is not mentioned in the text when it was built.", True),
        ("Als KI-Modell kann ich das nicht sagen.", True),
        ("作为人工智能助手，我没有个人意见。", True),
        ("I'm sorry.", True),
        ("My apologies, but that is beyond what is known to me.", True),
        ("I don't have enough information to answer this question.", True),
        ("I do not have access to real-time data.", True),
        ("There isn't enough information to answer this.", True),
        ("No information is available on this topic.", True),
        ("I'm sorry, but your parcel was lost. We will send another one.", False),
        ("Apologies for the delay! Your refund is on its way.", False),
        ("Siri began as an AI assistant, and grew from there.", False),
        ("She is known for her work as an AI researcher.", False),
        ("BERT was released as a large language model in 2018.", False),
        ("Siri begann als KI im Jahr 2010.", False),
        ("作为人工智能的先驱，他获得了图灵奖。", False),
        ("It covers information that was not provided by the data subject.", False),
        ("Dear Ann, I cannot write to you as often as I should like.", False),
        ("Position and speed belong together: we cannot determine both at once.", False),
        ("Lo siento mucho por tu pérdida.", False),
        ("Es tut mir leid, dass du krank bist.", False),
        ("El canal no puede cerrarse en invierno.", False),
        ("Vegan diets do not contain meat.", False),
        ("The treaty does not include Iceland.", False),
        ("I am sorry for your loss. The funeral will take place on Monday.", False),
        ("The source of the Nile cannot be determined exactly; two lakes compete.", False),
        ('"I don\'t know," said the fox, and ran.', False),
    ],
)
def test_refusals_and_answers_with_words_of_refusals(answer, refuses):
    assert refusal("What about it?", answer) == refuses


def test_what_documents_themselves_do_not_know_is_no_refusal():
    answer = "There were insufficient data to determine the effect on mortality."
    assert refusal("What did the review find on mortality?", answer)
    assert not refusal("What did the review find?", answer, "There were insufficient data to determine some effects.")


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        ("How do I restart it?", "Unplug the device for a minute. " * 3, "answer repeats itself"),
        ("How do I restart it?", "Unplug the device for a minute. " * 2, ""),
        ("Write a chorus", "We sing all night for you.\n" * 3, ""),
        ("List the colours", "1. Red\n2. Blue\n3.", "answer is cut off"),
        ("List the colours", "- Red\n-", "answer is cut off"),
        ("Which item is wrong?", "3.", ""),
        ("When is it open?", "Question: When is it open?\nAnswer: At noon.", "answer has 'Question'"),
        ("When is it open?", "At noon.\n\nQ: What does it cost?\nA: Nothing.", "answer has 'Q'"),
        ("Write two quiz questions", "Q: What does it cost?\nA: Nothing.\nQ: When?\nA: At noon.", ""),
        ("Which problem is it?", "The question: who pays?", ""),
    ],
)
def test_an_answer_that_stops_at_an_item_or_goes_on_with_other_questions_is_malformed(question, answer, fault):
    assert malformed(question, answer, "") == fault


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Q: Where is Rome?\nA: Italy\n\nQ: Where is Oslo?\nA:", True),
        ("Input: Rome\nOutput: Italy\n\nInput: Oslo\nOutput:", True),
        ("Example: Where is Rome? Answer: in Italy.\nNow: Where is Oslo?", True),
        ("Is ice warm? It is frozen. So the answer is no.\n\nIs fire warm?", True),
        ("Question: Where is Oslo?\nAnswer: Let's think step by step.", False),
        ("Where is Oslo?\nA: Norway\nB: Sweden", False),
        ("Q: Where is Oslo?\nA:", False),
        ("My friend says that the answer is no. Is he right that ice is not warm?", False),
    ],
)
def test_worked_examples(text, found):
    assert has_worked_examples(text) == found


@pytest.mark.parametrize(
    "part", ["\n", "A: x\n", "?\n", "Q: x\nA: y\nB: z\n", "answer is \n", "_", "a:\n", "Q: x?\nA:   "]
)
@pytest.mark.parametrize("check", [has_worked_examples, drop_reason])
def test_a_long_text_is_read_once(check, part):
    """Twice the text takes twice the time, and not four times."""
    check("Which languages are there?")  # loads them
    text = f"A sentence that has no end{part * (20_000 // len(part))}"
    began = time.process_time()
    check(text)
    assert time.process_time() - began < 1.5


def test_the_command_prints_each_disagreement_and_last_the_counts(tmp_path, capsys):
    lines = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    wrong = next(line for line in lines if not line["should_keep"])
    labels = tmp_path / "labels.jsonl"
    given = [wrong | {"should_keep": True}, lines[0] | {"should_keep": False}, {"skip": True}]
    row = {**lines[1], "documents": ["Noise\nOf no use.", *lines[1]["documents"]]}
    row["passages"] = [{"role": "noise"}, *({"role": "source"} for _ in lines[1]["documents"])]
    del row["should_keep"]
    labels.write_text("".join(json.dumps(one) + "\n" for one in [*given, row]))
    main(labels)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{wrong['id']}: refused, though good: not standalone (According to the passage)"
    assert f"{lines[0]['id']}: kept, though bad" in out
    assert out[-1] == "kept 1 of 2 good, refused 0 of 1 bad"
    assert summary(judge_pairs(labels, None)) == out[-1]


def test_rows_that_decline_or_cite_are_judged_as_such(tmp_path):
    row = {
        "paradigm": "single_doc_answer",
        "question": "Where does the Danube rise?",
        "documents": ["Vienna\nOn the Danube."],
    }
    declines = {
        **row,
        "answer": "The documents do not say where the Danube rises.",
        "withheld_answer": "In the Black Forest.",
    }
    cites = {**row, "answer": "It passes Vienna [1].", "cited": True}
    write_jsonl(
        tmp_path / "rows.jsonl",
        [declines, cites, {**declines, "answer": "Perhaps in the Black Forest, I cannot tell."}],
    )
    faults = [one.fault for one in judge_pairs(tmp_path / "rows.jsonl", None)]
    assert faults[:2] == [None, None]
    assert str(faults[2].reason) == "not declined"


def test_citations_are_no_part_of_what_is_judged(tmp_path):
    """Rejects have citations, but are not marked; rows that decline have them in the withheld answer."""
    row = {
        "paradigm": "single_doc_answer",
        "question": "Where does the Danube rise?",
        "documents": ["Danube\nIt rises in the Black Forest."],
    }
    reject = {**row, "answer": "In the Black Forest [77]."}
    declines = {**row, "answer": "77 documents do not say it.", "withheld_answer": "In the Black Forest [77]."}
    write_jsonl(tmp_path / "rows.jsonl", [reject, {**declines, "documents": ["Vienna\n77 live here."]}])
    assert [one.fault for one in judge_pairs(tmp_path / "rows.jsonl", None)] == [None, None]


class Stored(list):
    """Passages by row number, as a PassageStore gives them."""

    def __getitem__(self, rows):
        return [super(Stored, self).__getitem__(row) for row in rows]


def test_a_pairs_own_text_that_declines_is_judged(tmp_path):
    passages = [
        Passage("1", "Danube", "The Danube rises in the Black Forest."),
        Passage("2", "Vienna", "Vienna lies on the Danube."),
    ]
    pair = {
        "paradigm": "multi_doc_answer",
        "question": "Where does the river on which Vienna lies rise?",
        "answer": "In the Black Forest.",
        "sources": [{"row": 0}, {"row": 1}],
        "withheld": "1",
    }
    declined = [
        "Vienna lies on the Danube, but nothing says where it rises.",
        "Not known, perhaps in the Black Forest.",
    ]
    write_jsonl(tmp_path / "pairs.jsonl", [pair | {"declined": text} for text in declined])
    faults = [one.fault for one in judge_pairs(tmp_path / "pairs.jsonl", Stored(passages))]
    assert faults[0] is None
    assert str(faults[1]) == "not declined (it has Black)"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"id": "wiki:7", "row": 0}, "line 1: --passages is another corpus .* its row 0 .* is 'other:0', not 'wiki:7'"),
        ({"id": "wiki:7", "row": 9}, "line 1: --passages is another corpus .* it has 1 passages, and none in row 9"),
        ({"row": -1}, "none in row -1"),
    ],
)
def test_a_pair_of_another_corpus_is_not_judged_by_this_one(tmp_path, source, said):
    pair = {"paradigm": "single_doc_answer", "question": "Where does it rise?", "answer": "There.", "sources": [source]}
    write_jsonl(tmp_path / "pairs.jsonl", [pair])
    store = Stored([Passage("other:0", "Danube", "The Danube rises in the Black Forest.")])
    with pytest.raises(UserError, match=said):
        judge_pairs(tmp_path / "pairs.jsonl", store)


def test_labelled_pairs_are_read_like_all_records(tmp_path):
    """Blank lines count as lines, a null of Parquet is no value, and "false" is false."""
    pair = {"paradigm": "useless_doc", "question": "Where?", "answer": "There.", "documents": ["A river."]}
    lines = [{**pair, "should_keep": None, "skip": None}, {**pair, "should_keep": False}]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "pairs.parquet")
    assert [one.good for one in judge_pairs(tmp_path / "pairs.parquet", None)] == [True, False]
    (tmp_path / "pairs.jsonl").write_text("\n" + json.dumps(pair | {"should_keep": "False"}) + "\n")
    assert [one.good for one in judge_pairs(tmp_path / "pairs.jsonl", None)] == [False]
    (tmp_path / "pairs.jsonl").write_text("\n" + json.dumps(pair | {"should_keep": "no"}) + "\n")
    with pytest.raises(UserError, match=r"line 2: `should_keep` must be true or false, but is 'no'"):
        judge_pairs(tmp_path / "pairs.jsonl", None)


def test_a_document_without_a_title_is_all_text(tmp_path):
    """Its words are no title, which would count in each of its sentences."""
    pair = {
        "paradigm": "useless_doc",
        "question": "Where does the river Danube rise?",
        "answer": "In the Black Forest.",
        "documents": ["The Danube rises in the Black Forest."],
    }
    write_jsonl(tmp_path / "pairs.jsonl", [pair])
    (judged,) = judge_pairs(tmp_path / "pairs.jsonl", None)
    assert str(judged.fault) == "answer in document"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"paradigm": "single_doc_answer", "question": "Q?"}, "line 1: 'answer' must be a text"),
        (
            {"paradigm": "p", "question": "Q?", "answer": "A", "documents": []},
            "the paradigm 'p' is none of useless_doc",
        ),
        ({"paradigm": "useless_doc", "question": "Q?", "answer": "A"}, "no documents: give `documents`, or `sources`"),
        (
            {"paradigm": "useless_doc", "question": "Q?", "answer": "A", "documents": "Danube\nIt rises."},
            "line 1: 'documents' must be a list of texts",
        ),
        (
            {
                "paradigm": "useless_doc",
                "question": "Q?",
                "answer": "A",
                "documents": ["T\nx", "T\ny"],
                "passages": [{"role": "source"}],
            },
            "line 1: it has 2 `documents`, but 1 `passages`",
        ),
    ],
)
def test_a_line_that_is_no_labelled_pair_is_named(tmp_path, line, said):
    (tmp_path / "labels.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        judge_pairs(tmp_path / "labels.jsonl", None)


@pytest.mark.parametrize(
    ("text", "answer", "unsupported"),
    [
        ("Die untere Halle hat 500 Plätze, die obere 700 Plätze.", "Zusammen haben sie 1200 Plätze.", ""),
        ("Die untere Halle hat 500 Plätze, die obere 700 Plätze.", "Zusammen haben sie 1250 Plätze.", "1250"),
        ("Die untere Halle hat 500 Plätze, die obere 700 Plätze.", "Sie wurde 1200 erbaut.", "1200"),
        ("Das Gerät kostet 500 Euro, der Einbau 700 Euro.", "Insgesamt zahlt man 1200 Euro.", ""),
        ("L'appareil coûte 500 euros, la pose 700 euros.", "Au total, cela fait 1200 euros.", ""),
        ("Prom mieści 1200 pasażerów i 350 członków załogi.", "Łącznie mieści 1550 osób.", ""),
        ("Билет стоит 500 рублей, экскурсия — 700 рублей.", "Всего 1200 рублей.", ""),
        ("Билет стоит 500 рублей, экскурсия — 700 рублей.", "Всего 1 200 рублей.", ""),
        ("Билет стоит 500 рублей, экскурсия — 700 рублей.", "Всего 1 450 рублей.", "450"),
        ("سعر الجهاز ٥٠٠ ريال والتركيب ٧٠٠ ريال.", "المجموع ١٢٠٠ ريال.", ""),
        ("टिकट 500 रुपये का है और भोजन 700 रुपये का।", "कुल 1200 रुपये।", ""),
        ("本体は500メートル、支線は700メートル。", "合計1200メートルです。", ""),
        ("जनसंख्या 12,34,567 है।", "जनसंख्या 1,234,567 है।", ""),
        ("जनसंख्या 12 लाख है।", "जनसंख्या 1,200,000 है।", ""),
        ("收入从3.2亿元增至4亿元。", "(4 − 3.2) ÷ 3.2 = 25%。", ""),
        ("收入从3.2亿元增至4亿元。", "增加了2.7亿元。", "270000000"),
        ("Die Frist beträgt fünfunddreißig Tage.", "Sie beträgt 35 Tage.", ""),
        ("Die Frist beträgt fünfunddreißig Tage.", "Sie beträgt 45 Tage.", "45"),
        ("La durée est fixée à trente-cinq heures.", "Elle est de 35 heures.", ""),
        ("Il a vécu quatre-vingt-dix-sept ans.", "Il a vécu 97 ans.", ""),
        ("El plazo es de cuarenta y cinco días.", "Son 45 días.", ""),
        ("Il termine è di sessantacinque giorni.", "Sono 65 giorni.", ""),
        ("O prazo para a reclamação é de quarenta e oito horas.", "São 48 horas.", ""),
        ("De termijn is vijfenveertig dagen.", "Dat is 45 dagen.", ""),
        ("Termin wynosi sześćdziesiąt pięć dni.", "To 65 dni.", ""),
        ("Срок составляет тридцать пять дней.", "Это 35 дней.", ""),
        ("Право имеют лица, достигшие возраста семидесяти пяти лет.", "С 75 лет.", ""),
        ("Süre kırk beş gündür.", "45 gündür.", ""),
        ("Sie kostet zweihundertfünfzig Euro.", "250 Euro.", ""),
        ("Hier wohnen dreitausendvierhundert Leute.", "3400 Leute.", ""),
        ("Cuesta trescientos veinte euros.", "320 euros.", ""),
        ("Von 120 Zimmern hatten 42 ein Bad.", "Das sind 35 Prozent.", ""),
        ("De las 120 habitaciones, 42 tenían baño.", "Es el 35 por ciento.", ""),
        ("120 odanın 42'sinde banyo vardı.", "Bu, odaların %35'idir.", ""),
        ("Die Elbe ist 1094 km lang, die Spree 400 km.", "Sie ist 2,7-mal so lang.", ""),
        ("Эльба длиннее: 1094 км, а Шпрее — 400 км.", "Она в 2,7 раза длиннее.", ""),
        ("Le canal fut creusé en 1851.", "Dans les années 1850.", ""),
        ("Le canal fut creusé en 1851.", "Dans les années 1870.", "1870"),
        ("Der Kanal wurde 1851 gegraben.", "In den 1850er Jahren.", ""),
        ("运河于1851年开挖。", "1850年代。", ""),
        ("Der Bau begann 1851 und dauerte 12 Jahre.", "Er endete 1863.", ""),
        ("Les travaux commencèrent en 1851 et durèrent douze ans.", "Ils finirent en 1863.", ""),
    ],
)
def test_numbers_of_other_languages(text, answer, unsupported):
    assert unsupported_number(answer, "?", text) == unsupported


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("Dem Dokument zufolge ist er 161 Meter hoch.", True),
        ("Im vorliegenden Text heißt es, er sei hoch.", True),
        ("Der obige Text nennt 161 Meter.", True),
        ("Le texte ci-dessus indique 161 mètres.", True),
        ("Il fait 161 mètres, comme l'indique le document.", True),
        ("Che cosa dice il testo sopra riportato sul prezzo?", True),
        ("Como se menciona en el texto, mide 161 metros.", True),
        ("O texto acima diz que mede 161 metros.", True),
        ("Volgens de tekst is hij 161 meter hoog.", True),
        ("Według tekstu ma 161 metrów.", True),
        ("Zgodnie z dokumentem ma 161 metrów.", True),
        ("Согласно предоставленному тексту, высота 161 метр.", True),
        ("В данном тексте говорится о башне.", True),
        ("В указанном документе говорится о башне.", True),
        ("Metne göre kule 161 metredir.", True),
        ("بحسب الوثيقة المرفقة، يبلغ طوله 6650 كم.", True),
        ("وفقًا للنص، يبلغ طوله 6650 كم.", True),
        ("दस्तावेज़ के अनुसार इसकी ऊँचाई 161 मीटर है।", True),
        ("提供された文書によると、高さは161mです。", True),
        ("문서에 따르면 높이는 161m입니다.", True),
        ("根据提供的文档，高度为161米。", True),
        ("Según el artículo 12 de la Constitución, a los dieciocho años.", False),
        ("Selon l'article 1103 du Code civil, oui.", False),
        ("Selon l'article de Pierre Dupont, oui.", False),
        ("Laut dem Artikel „Die Brücke“ ist sie lang.", False),
        ("Secondo il testo del trattato, la pace dura.", False),
        ("裁判所の文書によると、無罪です。", False),
        ("Im Text des Liedes geht es um Liebe.", False),
        ("وفقًا للنص القرآني، يجوز ذلك.", False),
        ("Согласно документу ООН, это запрещено.", False),
    ],
)
def test_mentions_of_documents_in_other_languages(text, mentions):
    assert bool(mentions_documents(text, "")) == mentions
    assert bool(mentions_documents("?", text)) == mentions


@pytest.mark.parametrize(
    "answer",
    [
        "К сожалению, в предоставленном тексте нет информации об этом.",
        "Die bereitgestellten Dokumente enthalten dazu keine Informationen.",
        "Leider enthält der Text keine Angaben dazu.",
        "Malheureusement, le document fourni ne contient pas cette information.",
        "Lo siento, pero no puedo ayudar con esa petición.",
        "El documento proporcionado no contiene esa información.",
        "Il documento non fornisce informazioni al riguardo.",
        "Mi dispiace, ma il testo non lo dice.",
        "Infelizmente, o texto não menciona isso.",
        "Het document bevat geen informatie hierover.",
        "Niestety, dokument nie zawiera informacji na ten temat.",
        "Maalesef metinde bu konuda bilgi yok.",
        "لا يحتوي النص على معلومات حول ذلك.",
        "दस्तावेज़ में इसके बारे में कोई जानकारी नहीं है।",
        "提供的文档中没有相关信息。",
        "文書には記載されていません。",
        "문서에는 관련 정보가 없습니다.",
    ],
)
def test_documents_that_do_not_tell_in_other_languages(answer):
    assert refusal("?", answer)


@pytest.mark.parametrize(
    ("question", "points"),
    [
        ("Quel âge avait-elle à cette époque ?", True),
        ("Où est-il né ?", True),
        ("Quelle est sa capitale ?", True),
        ("Wie alt war er damals?", True),
        ("Wann wurde sie geboren?", True),
        ("Hoe oud was hij toen?", True),
        ("Когда он родился?", True),
        ("Какова его длина?", True),
        ("उनका जन्म कब हुआ था?", True),
        ("他是什么时候出生的？", True),
        ("彼はいつ生まれましたか。", True),
        ("그는 언제 태어났나요?", True),
        ("Pourquoi le ciel est-il bleu ?", False),
        ("Est-il possible de voyager sans passeport ?", False),
        ("Quelle heure est-il ?", False),
        ("Où est-il né, Victor Hugo ?", False),
        ("Y a-t-il de l'eau sur Mars ?", False),
        ("Combien de temps faut-il pour cuire un œuf ?", False),
        ("Wann ist es sinnvoll, eine Steuererklärung abzugeben?", False),
        ("Wie heißt er: der höchste Berg der Alpen?", False),
        ("Können Sie mir helfen?", False),
        ("Wie kann er als Mieter kündigen?", False),
        ("Где она снята, картина «Сталкер»?", False),
        ("¿Cuál es su color favorito?", False),
        ("他山之石可以攻玉是什么意思？", False),
    ],
)
def test_pronouns_of_other_languages(question, points):
    assert points_at_nothing(question) == points


@pytest.mark.parametrize(
    ("answer", "cut"),
    [
        ("O ângulo da dança em relação à vertical indica a direção em relação ao", True),
        ("Die Brücke wurde im Jahr 1851 eröffnet und", True),
        ("Le canal relie la ville à la mer et", True),
        ("El canal une la ciudad con el mar y", True),
        ("Мост соединяет город с островом и", True),
        ("这座桥连接香港、珠海和澳门，", True),
        ("Der Zug kommt um acht Uhr an", False),
        ("Der Zug fährt heute wieder ohne Halt durch", False),
        ("Zij wonen nog in het huis waar zij zijn geboren, of", True),
        ("La réponse à cette question est la lettre Y", False),
    ],
)
def test_answers_in_other_languages_that_are_cut(answer, cut):
    assert ("cut off" in malformed("?x", answer, "")) == cut


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("泰山和华山哪座更高？", "华山"),
        ("长城是不是建于秦代？", "是"),
        ("琵琶湖と霞ヶ浦では、どちらが広いですか。", "琵琶湖"),
        ("¿Es más largo el Tajo o el Ebro?", "El Tajo"),
        ("Ist der Main oder die Spree länger?", "Der Main"),
        ("Est-ce le Tage ou l'Èbre qui est le plus long ?", "Le Tage"),
        ("È più lungo il Po o il Tevere?", "Il Po"),
        ("Qual é mais longo o Tejo ou o Douro?", "O Tejo"),
        ("Is de Maas of de Schelde langer?", "De Maas"),
        ("Czy dłuższa jest Wisła czy Odra?", "Odra"),
        ("Что длиннее Волга или Дон?", "Волга"),
        ("Van Gölü mü Tuz Gölü mü daha büyük?", "Van Gölü"),
        ("أيهما أطول النيل أم الفرات؟", "النيل"),
        ("गंगा और यमुना में कौन लंबी है?", "गंगा"),
    ],
)
def test_a_choice_in_another_language_is_an_answer(question, answer):
    assert not answer_in_question(question, answer)
