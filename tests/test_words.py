"""Words of every script: what is the same, what is not, and how many there are."""

import pytest

from rag_instruct.near_duplicates import NearDuplicates
from rag_instruct.overlap import ContaminationIndex
from rag_instruct.words import content, count_words, fold, options_of, per_words, sentences, stem_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C and C++", "C and C#"), ("C++", "C"), ("F#", "F"), ("5 + 3", "5 - 3"), ("5+3", "5-3"), ("3 × 4", "3 ÷ 4"),
        ("+1", "-1"), ("-5 °C", "5 °C"), ("a charge of +3", "a charge of −3"), ("x < 3", "x > 3"), ("2^3", "2*3"),
        ("What is R?", "What is r?"), ("Rr", "rr"), ("RR", "Rr"), ("H2O", "CO2"), ("Na+", "Na-"), ("O+", "O-"),
        ("50 °C", "50 °F"), ("50 °C", "50 %"), ("5%", "$5"), ("5%", "5"), ("5 €", "5 £"), ("1/2", "12"), ("1.5", "15"),
        ("दिन क्या है", "दीन क्या है"), ("が", "か"), ("น้ำ", "นำ"), ("й", "и"), ("कल", "काल"), ("北京", "南京"),
        ("علم", "عالم"), ("p ∧ q", "p ∨ q"), ("♀", "♂"),
    ],
)  # fmt: skip
def test_what_distinguishes_stays(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WHAT IS IT?", "What is it?"), ("well-known", "well known"), ("Où est  l'Étang?", "ou est l etang"),
        ("J. K. Rowling", "j. k. rowling"), ("What is **it**?", "what is it"), ("Émile – Zola", "emile zola"),
        ("Straße", "STRASSE"), ("北京在哪里？", "北京在哪里"), ("مُحَمَّد", "محمد"), ("١٢", "12"), ("ｆｕｌｌ　１", "full 1"),
        ("ёлка", "елка"), ("Paris - the capital", "Paris the capital"), ("don’t", "don't"), ("WWII", "wwii"),
        ("World War II", "world war ii"), ("می‌خواهم", "میخواهم"), ("- one\n- two", "one two"), ("50 %", "50%"),
        ("한국의 수도는?", "한국의 수도는"), ("20-year-old", "20 year old"), ("5 − 3", "5 - 3"),
    ],
)  # fmt: skip
def test_case_accents_and_punctuation_do_not_count(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What is a fjord?", 4),
        ("北京是中国的首都。", 5),  # 8 characters
        ("東京は Japan の首都 3.5 です", 7),
        ("กรุงเทพมหานครเป็นเมืองหลวง", 6),
        ("दिन में क्या है?", 4),
        ("한국의 수도는 어디입니까?", 3),
        ("ما هي عاصمة مصر؟", 4),
        ("", 0),
    ],
)
def test_words_are_counted_in_every_script(text, words):
    assert count_words(text) == words


def test_texts_are_compared_by_character_where_no_spaces_stand():
    assert content("北京是首都") == {"北", "京", "是", "首", "都"}
    assert content("दिन में") == {"दिन", "में"}
    assert per_words("What is a fjord of Norway?", 13) == 13
    assert per_words("贝多芬的第九交响曲于一八二四年在维也纳首次演出", 13) > 20


def test_sentences_end_without_a_space_too():
    assert sentences("他在北京。她在上海！是吗？再见") == ["他在北京。", "她在上海！", "是吗？", "再见"]
    assert sentences("यह है। वह है।") == ["यह है।", "वह है।"]
    assert sentences('He met J. Smith. "So?" Dr. Who came.') == ["He met J. Smith.", '"So?" Dr. Who came.']
    assert sentences("") == [""]


QUESTIONS = {
    "zh": ("贝多芬的第九交响曲是在哪一年于维也纳首次公开演出的？", "贝多芬的第五交响曲是在哪一年于柏林写成的？"),
    "ja": ("ベートーヴェンの交響曲第九番はどの都市で初めて演奏されましたか？", "モーツァルトの最後の交響曲はどこで書かれましたか？"),
    "th": ("ซิมโฟนีหมายเลขเก้าของเบโธเฟนแสดงครั้งแรกที่เมืองใดในปีใด", "โมสาร์ทแต่งซิมโฟนีสุดท้ายที่เมืองใด"),
    "hi": ("बीथोवेन की नौवीं सिम्फनी पहली बार किस शहर में और किस वर्ष में सार्वजनिक रूप से बजाई गई थी?", "मोज़ार्ट ने अपनी अंतिम सिम्फनी किस शहर में लिखी थी?"),
    "ar": ("في أي مدينة وفي أي سنة عزفت السيمفونية التاسعة لبيتهوفن لأول مرة أمام الجمهور؟", "في أي مدينة كتب موتسارت سيمفونيته الأخيرة؟"),
    "ko": ("베토벤의 교향곡 제9번은 어느 도시에서 몇 년에 처음으로 대중 앞에서 연주되었습니까?", "모차르트는 마지막 교향곡을 어느 도시에서 썼습니까?"),
}  # fmt: skip


@pytest.mark.parametrize("language", QUESTIONS)
def test_benchmarks_and_near_duplicates_are_found_in_every_script(language):
    asked, other = QUESTIONS[language]
    index = ContaminationIndex({"b": [asked]})
    assert index.found(f"- {asked.strip('？?؟')}!")
    assert index.found(other) is None
    near = NearDuplicates(0.8)
    assert near.find_or_add("1", asked) is None
    assert near.find_or_add("2", f"{asked.strip('？?؟')}。") == "1"
    assert near.find_or_add("3", other) is None


TEMPLATES = {
    "en": "Who built the first stone bridge of {}?", "zh": "{}的第一座石桥是由哪位工匠主持修建的？", "ja": "{}の最初の石橋を架けたのは誰ですか",
    "th": "ใครสร้างสะพานแห่งแรกข้ามแม่น้ำที่{}", "hi": "{} के पास पहला पुल किसने बनवाया था?",
}  # fmt: skip
PLACES = {
    "en": ("Rome", "Bern"), "zh": ("南京", "大同"), "ja": ("札幌", "奈良"), "th": ("น่าน", "แพร่"), "hi": ("पुणे", "पटना"),
}  # fmt: skip


@pytest.mark.parametrize("language", TEMPLATES)
def test_questions_of_one_form_about_two_things_are_no_near_duplicates_in_any_script(language):
    near = NearDuplicates(0.8)
    one, other = (TEMPLATES[language].format(place) for place in PLACES[language])
    assert near.find_or_add("1", one) is None
    assert near.find_or_add("2", other) is None
    assert near.find_or_add("3", f"{one} ") == "1"


def test_a_short_question_is_contamination_only_as_the_whole_text():
    index = ContaminationIndex({"b": ["什么是水？", "What is water?", "What is C++?"]})
    assert index.found("什么是水")
    assert index.found("what is WATER")
    assert index.found("请问什么是水和火") is None
    assert index.found("Say what is water for") is None
    assert index.found("What is C#?") is None


@pytest.mark.parametrize(
    ("stem", "options"),
    [
        ("H. G. Wells wrote which novel about an invasion of Martians in England?", {}),
        ("E. coli lives where?\nC. S. Lewis taught where?", {}),
        ("A. A. Milne wrote which book about a bear?", {}),
        ("Which?\nB. Russell", {}),
        ("Which?", {"A": "Main", "B": "Rhine"}),
        ("Which?", {"A": "Main"}),
    ],
)
def test_lines_that_begin_with_an_initial_are_no_options(stem, options):
    question = "\n".join([stem, *(f"{letter}. {text}" for letter, text in options.items())])
    assert (stem_of(question), options_of(question)) == (stem, options)
