"""Texts of other languages, short ones too."""

import pytest
from conftest import SHARED, needs_shared

from rag_instruct.errors import UserError
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet
from rag_instruct.files import read_jsonl
from rag_instruct.language import other_language

# The bar was chosen after most of these had been seen.
OTHERS = """
Wie funktioniert ein Dieselmotor?
Nenne drei berühmte Komponisten
Warum ist der Himmel blau?
Schreibe ein Gedicht über den Herbst
Wann wurde die Berliner Mauer gebaut?
Pourquoi le ciel est-il bleu ?
Qui a écrit Les Misérables ?
Donne un résumé de Candide
Où se trouve le mont Blanc ?
Comment fonctionne un vaccin ?
¿Por qué el cielo es azul?
¿Quién pintó el Guernica?
Traduce esta frase al inglés
¿Cuándo empezó la guerra civil española?
Por que o céu é azul?
Qual é a capital do Brasil?
Como funciona uma vacina?
Perché il cielo è blu?
Dove si trova il Vesuvio?
Waarom is de lucht blauw?
Wie schreef Max Havelaar?
Dlaczego niebo jest niebieskie?
Proč je nebe modré?
Hvorfor er himlen blå?
Miksi taivas on sininen?
Почему небо голубое?
Кто написал «Войну и мир»?
لماذا السماء زرقاء؟
आसमान नीला क्यों है?
天空为什么是蓝色的
空はなぜ青いのですか
하늘은 왜 파란가요?
Tại sao bầu trời màu xanh?
Gökyüzü neden mavi?
De ce este cerul albastru?
Miért kék az ég?
"""


def test_most_short_texts_of_other_languages_are_found():
    texts = OTHERS.split("\n")[1:-1]
    found = [text for text in texts if other_language(text, "en")]
    assert len(found) >= 0.85 * len(texts), set(texts) - set(found)


@pytest.mark.parametrize(
    "text",
    [
        "What is PCR?",
        "Define entropy",
        "Name a Mediterranean Sea island.",
        "What is Valgerður Bjarnadóttir's occupation?",
        "Solve 8 x 8.",
        "Explain Schadenfreude and Weltanschauung",
        "Who wrote La vida es sueño?",
        "12345 67890",
        "",
    ],
)
def test_short_and_odd_english_passes(text):
    assert other_language(text, "en") is None


def test_another_language_may_be_wanted():
    assert other_language("Warum ist der Himmel blau?", "de") is None
    assert other_language("Why is the sky blue in the morning?", "de") == "en"
    with pytest.raises(UserError, match="'english' is not a known language"):
        other_language("What is a fjord?", "english")


@needs_shared
def test_english_questions_and_instructions_pass():
    texts = [row["question"] for row in read_jsonl(SHARED / "corpus/dev_qas.jsonl")]
    alpaca = InstructionSet([SHARED / "exemplars/alpaca_2500.json"], "alpaca", SCHEMAS["alpaca"])
    texts += [text for _, text in alpaca]
    assert len(texts) > 9000
    assert [text for text in texts if other_language(text, "en")] == []
