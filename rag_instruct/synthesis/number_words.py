# ruff: noqa: RUF001 - letters of other languages
"""Reads the numbers that texts of other languages than English write in words, and the words beside their figures.

Only cardinal numbers count (fünfunddreißig, trente-cinq, otuz beş), in the forms that documents have most often. Words
are compared without accents.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count

import regex

from rag_instruct.words import word_set

# For each language, words with their values: "from" a number on, one after the other; "/" is between spellings, and "-"
# stands for a number without a word of its own. Words of 100 and of 1000 and more multiply the number before them.
COUNTED_ON = {
    "de": {
        1: "ein/eins/eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf - - - sechzehn siebzehn",
        20: "zwanzig",
    },
    "fr": {
        1: "un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize",
        20: "vingt",
    },
    "es": {
        1: "un/uno/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
        "diecisiete dieciocho diecinueve veinte/veinti",
    },
    "it": {
        1: "un/uno/una due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici "
        "sedici diciassette diciotto diciannove venti/vent",
    },
    "pt": {
        1: "um/uma dois/duas três quatro cinco seis sete oito nove dez onze doze treze catorze/quatorze quinze "
        "dezesseis/dezasseis dezessete/dezassete dezoito dezenove/dezanove vinte",
    },
    "nl": {1: "een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien", 20: "twintig"},
    "pl": {
        1: "jeden/jedna dwa/dwie/dwóch trzy/trzech cztery/czterech pięć/pięciu sześć/sześciu siedem/siedmiu "
        "osiem/ośmiu "
        "dziewięć/dziewięciu dziesięć/dziesięciu jedenaście/jedenastu dwanaście/dwunastu trzynaście/trzynastu "
        "czternaście/czternastu piętnaście/piętnastu szesnaście/szesnastu siedemnaście/siedemnastu "
        "osiemnaście/osiemnastu dziewiętnaście/dziewiętnastu dwadzieścia/dwudziestu",
    },
    "ru": {
        1: "один/одна/одного два/две/двух три/трех четыре/четырех пять/пяти шесть/шести семь/семи восемь/восьми "
        "девять/девяти десять/десяти одиннадцать/одиннадцати двенадцать/двенадцати тринадцать/тринадцати "
        "четырнадцать/четырнадцати пятнадцать/пятнадцати шестнадцать/шестнадцати семнадцать/семнадцати "
        "восемнадцать/восемнадцати девятнадцать/девятнадцати двадцать/двадцати",
    },
    "tr": {1: "bir iki üç dört beş altı yedi sekiz dokuz on", 20: "yirmi"},
    "ar": {
        1: "واحد/واحدة اثنان/اثنين/اثنتان/اثنتين ثلاث/ثلاثة أربع/أربعة خمس/خمسة ست/ستة سبع/سبعة "
        "ثمان/ثماني/ثمانية تسع/تسعة "
        "عشر/عشرة",
        20: "عشرون/عشرين",
    },
    "hi": {
        1: "एक दो तीन चार पाँच/पांच छह/छः सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस "
        "इक्कीस बाईस तेईस "
        "चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस "
        "अड़तीस उनतालीस चालीस इकतालीस "
        "बयालीस तैंतालीस चवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास पचास इक्यावन बावन तिरेपन चौवन पचपन "
        "छप्पन सत्तावन अट्ठावन "
        "उनसठ साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर इकहत्तर बहत्तर तिहत्तर "
        "चौहत्तर पचहत्तर छिहत्तर सतहत्तर "
        "अठहत्तर उन्यासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी नब्बे इक्यानवे "
        "बानवे तिरानवे चौरानवे "
        "पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे",
    },
}
TENS = {
    "de": "dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "trente quarante cinquante soixante septante huitante/octante/quatrevingt/quatrevingts nonante",
    "es": "treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "trenta/trent quaranta/quarant cinquanta/cinquant sessanta/sessant settanta/settant ottanta/ottant "
    "novanta/novant",
    "pt": "trinta quarenta cinquenta/cinqüenta sessenta setenta oitenta noventa",
    "nl": "dertig veertig vijftig zestig zeventig tachtig negentig",
    "pl": "trzydzieści/trzydziestu czterdzieści/czterdziestu pięćdziesiąt/pięćdziesięciu "
    "sześćdziesiąt/sześćdziesięciu "
    "siedemdziesiąt/siedemdziesięciu osiemdziesiąt/osiemdziesięciu dziewięćdziesiąt/dziewięćdziesięciu",
    "ru": "тридцать/тридцати сорок/сорока пятьдесят/пятидесяти шестьдесят/шестидесяти семьдесят/семидесяти "
    "восемьдесят/восьмидесяти девяносто/девяноста",
    "tr": "otuz kırk elli altmış yetmiş seksen doksan",
    "ar": "ثلاثون/ثلاثين أربعون/أربعين خمسون/خمسين ستون/ستين سبعون/سبعين ثمانون/ثمانين تسعون/تسعين",
}
HUNDREDS = {
    "de": "hundert",
    "fr": "cent/cents",
    "es": "cien/ciento doscientos/doscientas trescientos/trescientas cuatrocientos/cuatrocientas "
    "quinientos/quinientas "
    "seiscientos/seiscientas setecientos/setecientas ochocientos/ochocientas novecientos/novecientas",
    "it": "cento",
    "pt": "cem/cento duzentos/duzentas trezentos/trezentas quatrocentos/quatrocentas quinhentos/quinhentas "
    "seiscentos/seiscentas setecentos/setecentas oitocentos/oitocentas novecentos/novecentas",
    "nl": "honderd",
    "pl": "sto/stu dwieście/dwustu trzysta/trzystu czterysta/czterystu pięćset/pięciuset sześćset/sześciuset "
    "siedemset/siedmiuset osiemset/ośmiuset dziewięćset/dziewięciuset",
    "ru": "сто/ста двести/двухсот триста/трехсот четыреста/четырехсот пятьсот/пятисот шестьсот/шестисот "
    "семьсот/семисот восемьсот/восьмисот девятьсот/девятисот",
    "tr": "yüz",
    "ar": "مئة/مائة مئتان/مئتين/مائتان/مائتين",
    "hi": "सौ",
}
THOUSANDS = {  # 1000, a million, a billion
    "de": "tausend million/millionen milliarde/milliarden",
    "fr": "mille/mil million/millions milliard/milliards",
    "es": "mil millón/millones",
    "it": "mille/mila milione/milioni miliardo/miliardi",
    "pt": "mil milhão/milhões bilhão/bilhões",
    "nl": "duizend miljoen miljard",
    "pl": "tysiąc/tysiące/tysięcy milion/miliony/milionów miliard/miliardy/miliardów",
    "ru": "тысяча/тысячи/тысяч миллион/миллиона/миллионов миллиард/миллиарда/миллиардов",
    "tr": "bin milyon milyar",
    "ar": "ألف/آلاف/ألفا مليون/ملايين مليار",
    "hi": "हज़ार/हजार",
}
OTHERS = {"hi": {"लाख": 1e5, "करोड़": 1e7}}
JOINING = {"de": "und", "fr": "et", "es": "y", "pt": "e", "nl": "en", "ar": "\u0648"}  # between the parts of a number
WORD = regex.compile(r"[\p{L}\p{M}]+")
BETWEEN = word_set("- \u00a0")  # the signs that may stand between the parts of a number, besides a space
# Words beside a figure, in the same languages, Chinese, Japanese and Korean. What counts or measures is no year.
COUNTED = (
    r" (?:euros?|d[oó]lar\w*|pesos|reais|lir[aey]|tl|franken|gulden|zł|złotych|рубл\w*|ريال\w*|درهم\w*"
    r"|جنيه\w*|دينار\w*|دولار\w*"
    r"|يورو|ليرة|रुपये|रुपए|रुपया|डॉलर|\w*m[eè]t(?:ern?|res?|ri|ros|rów)|\w*метр\w*|к?м|кг|\w*متر\w*|كم"
    r"|मीटर|किमी|किलो"
    r"|litr\w*|ton(?:nen|y|ne)|тонн\w*|طن|abitanti|persone|inwoners|mensen|personen|\w+ów|osób|ludzi"
    r"|kişi\w*|человек\w*"
    r"|жителей|домов|мест|نسمة|شخص\w*|लोग|लोगों)(?!\w)"
    "|(?!년)[\uac00-\ud7af]|(?!年)[\u4e00-\u9fff]|[\u30a1-\u30fa]"
)
GERMAN_NOUN = r" [A-ZÄÖÜ][a-zäöüß]{2}"  # "1200 Plätze"
PERCENT = (
    r"[%\u066a\uff05]|per ?cent|pour ?cent|por ?cien|por ?cent|prozent|procent|процент|प्रतिशत|(?:في "
    r"|ب)ال(?:مئة|مائة)"
    "|퍼센트|프로|パーセント"
)
PERCENT_BEFORE = re.compile(r"(?:%|yüzde |百分之)$", re.I)
TIMES = r"times|-?fold|-?mal\b|-?fach|fois|veces|volte|vezes|keer|maal|razy|раза?\b|kat|مرات|مرة|ضعف|गुना|गुनी|倍|배"
RATIO = (
    r"prozent\w*|anteil|durchschnitt\w*|verhältnis|pro|pourcentage|moyenne?|proportion|chaque|porcentaje|promedio"
    r"|proporción|cada|percentuale|media|proporzione|ciascun\w*|porcentagem|percentagem|média|proporção|procent\w*"
    r"|percentage|gemiddeld\w*|verhouding|średni\w*|udział|процент\w*|средн\w*|дол[яюи]|кажд\w*|yüzde"
    r"|ortalama|oran\w*"
    r"|نسبة|متوسط|معدل|لكل|प्रतिशत|औसत|अनुपात|प्रति"
)
RATIO_INSIDE = "百分|比例|比率|平均|占|割合|パーセント|あたり|何倍|几倍|幾倍|퍼센트|비율|평균|몇 배|[%\uff05\u066a]"
DECADE = r"s|er[ns]?\b|'(?:ler|lar|li|lı)|-?х\b|-?е\b|年代|년대"  # after a year: 1850er, 1850年代
DECADE_BEFORE = re.compile(r"\b(?:années|años|anni|anos|jaren|lata|lat|latach|عقد) $", re.I)
YEARS = (
    r"(?<!\w)(\w+)[ -]?(?:jahren?\b|jährig\w*|ans\b|années\b|años\b|anni\b|anos\b|jaar\b|lata?\b|лет\b"
    r"|года?\b|yıl\w*|سنوات|سنة"
    r"|عاما|أعوام|वर्ष|साल|年|년)"
)
LONGEST = 60  # letters of a number in one word
MARKS = re.compile("[\u0300-\u036f\u064b-\u0655]")


def numbers_in_words(text: str, language: str) -> Iterator[float]:
    """Yield the numbers that a text of the language writes in words, each word's own and those of several words."""
    if language not in THOUSANDS:
        return
    run: list[float] = []
    end, joined = 0, False
    text = _plain(text).replace("quatre-vingt", "quatrevingt")
    for found in WORD.finditer(text):
        word = found[0]
        close = found.start() - end == 1 and (text[end] == " " or text[end] in BETWEEN)
        if run and close and not joined and word == JOINING.get(language):
            end, joined = found.end(), True
            continue
        parts = _parts(word, language)
        if run and not (close and parts):
            yield _total(run)
            run = []
        run += parts
        end, joined = found.end(), False
        if parts:
            yield _total(parts)
    if run:
        yield _total(run)


def number_word(word: str, language: str) -> float:
    """Return the number that a single word of the language means, or 0."""
    return _total(parts) if language in THOUSANDS and (parts := _parts(_plain(word), language)) else 0


def _parts(word: str, language: str) -> list[float]:
    """Return the values of the parts of a word, or [] if it is no number: fünf-und-dreißig has 5 and 30."""
    values, pattern = _lexicon(language)
    found: list[float] = []
    place = 0
    while place < len(word) <= LONGEST and (part := pattern.match(word, place)):
        found.append(values[part[1]])
        place = part.end()
    return found if place == len(word) else []


def _total(parts: Sequence[float]) -> float:
    total = current = 0.0
    for value in parts:
        if value >= 1000:
            total, current = total + (current or 1) * value, 0.0
        elif value == 100:
            current = (current or 1) * value
        else:
            current += value
    return total + current


@cache
def _lexicon(language: str) -> tuple[dict[str, float], re.Pattern[str]]:
    """Return the words of a language with their values, and a pattern of one of them, the longest first."""
    values: dict[str, float] = {}
    lists = [(words, count(first)) for first, words in COUNTED_ON[language].items()]
    lists += [(TENS.get(language, ""), count(30, 10)), (HUNDREDS[language], count(100, 100))]
    for words, numbers in lists:
        for forms, number in zip(words.split(), numbers, strict=False):
            values |= {_plain(form): float(number) for form in forms.split("/")}
    for forms, power in zip(THOUSANDS[language].split(), (1e3, 1e6, 1e9), strict=False):
        values |= {_plain(form): power for form in forms.split("/")}
    values |= {_plain(word): number for word, number in OTHERS.get(language, {}).items()}
    joining = JOINING.get(language, "")
    words = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    return values, re.compile(f"(?:{joining})?({words})")


def _plain(text: str) -> str:
    return MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
