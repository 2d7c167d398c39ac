"""Bring texts into one spelling: accents, articles, dates, units, abbreviations, in words of every script."""

import re
from functools import lru_cache
from typing import NamedTuple

import regex

from rag_instruct import words
from rag_instruct.scoring.numerals import ORDINALS, in_digits
from rag_instruct.words import LETTER, UNSPACED, has_other_scripts, without_accents

ARTICLES = frozenset(("a", "an", "the"))
# Letters that Unicode does not decompose into a letter and an accent, and variants of ' and -.
LETTERS = str.maketrans(
    {
        **dict(zip("\u00f8\u00d8\u0142\u0141\u0111\u0110\u00f0\u0131", "oOlLdDdi", strict=True)),
        **{"\u00fe": "th", "\u00e6": "ae", "\u00c6": "Ae", "\u0153": "oe", "&": " and ", "\u2014": " - "},
        **{"\u02bc": "'", "\u2044": "/", "\u00bd": " 1/2"},
    }
)
MONTHS = words.MONTHS.lower()
LONG_MONTHS = {month[:3]: month for month in MONTHS.split("|")}
SHORT_MONTH = re.compile(r"\b(jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?(?= \d)", re.I)
DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({MONTHS})\b(?:,(?= \d{{4}}))?", re.I)
MONTH_DAY = re.compile(rf"\b({MONTHS}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)\b", re.I)
# The fourth of July, July the fourth; 1776-07-04; July of 1776.
NAMED_DAY = re.compile(
    rf"\b(?P<day>{'|'.join(ORDINALS)})(?=(?: of)? (?:{MONTHS})\b)"
    rf"|(?P<before>\b(?:{MONTHS}) (?:the )?)(?P<after>{'|'.join(ORDINALS)})\b",
    re.I,
)
ISO_DATE = re.compile(r"(?<![\w-])(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?![\w-])")
MONTH_OF = re.compile(rf"\b({MONTHS}) of (?=\d{{4}}\b)", re.I)
OTHER_SIGNS = (
    (re.compile(r"\bA\.?D\.? ?(\d+)\b"), r"\1 AD"),
    (re.compile(r"(?<=\d) ?(?:B\.C\.E\.|BCE|B\.C\.(?!\w)|BC)(?!\w)"), " BC"),
    (re.compile(r"(?<=\d) ?(?:C\.E\.|CE|A\.D\.)(?!\w)"), " AD"),
    (re.compile(r"(?<=\d):00(?= ?[ap]\.?m\b)", re.I), ""),
    (re.compile(r"\b(?:No|Nr)\.? ?(?=\d)|\u2116 ?(?=\d)|(?<!\w)# ?(?=\d)"), "number "),
    (re.compile(r"(?<!\d )(?<!\) )\bminus (?=\d)", re.I), "-"),
    (re.compile(r"(?<![\d.])(\d+)\.0+(?!\d|\.\d)"), r"\1"),
    (re.compile(r"(?<![\d./])(\d+) +(?:and (?:a|one) half\b|1/2(?![\d/]))", re.I), r"\1.5"),
    (re.compile(r"\bone[ -]half\b", re.I), "1/2"),
    (re.compile(r"\bhalf a dozen\b", re.I), "6"),
    (re.compile(r"(?<!half )\b(?:a|one) dozen\b", re.I), "12"),
    (re.compile(r"\b(1\d|20)(\d\d)( ?[-\u2013] ?)(?!\2)(\d\d)(?![\w-])"), r"\1\2\3\1\4"),
)
DOZENS = re.compile(r"\b(\d{1,3}) dozen\b", re.I)
SPACED = re.compile(r"(?<![\w.,:/-])(?<!\d )[1-9]\d{0,2}(?: \d{3})+(?![\w]|[.,:/-]\d| \d)")  # 1 000 000
THOUSANDS = re.compile(r"(?<=\d)(?:,|[\u00a0\u2009\u202f])(?=\d{3}(?!\d))")
NUMBER = r"\d+(?:\.\d+)?"
# Units, as names and as signs, become the same word: 5% and 5 percent, $5 million and 5 million dollars.
CURRENCIES = {"$": "dollars", "\u20ac": "euros", "\u00a3": "pounds", "\u00a5": "yen"}
CURRENCY = re.compile(
    rf"(?:\bUS)?(?P<sign>[$\u20ac\u00a3\u00a5]) ?(?P<number>{NUMBER})"
    r"(?P<scale> ?(?:thousand|million|billion|trillion|[mbt]n)\b|[kmbt]\b)?",
    re.I,
)
CURRENCY_SCALES = {"k": " thousand", "m": " million", "mn": " million", "b": " billion", "bn": " billion",
                   "t": " trillion",
                   "tn": " trillion"}  # fmt: skip
CODES = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3", "JPY": "\u00a5"}
CODE_BEFORE = re.compile(rf"\b({'|'.join(CODES)}) ?(?=\d)")
AMOUNT = r"(?:(?<=\d)|(?<=\d[kmbt])|(?<=\d[mbt]n)|(?<= [mbt]n)|(?<=illion)|(?<=thousand))"  # "in USD" has none
CODE_BEHIND = re.compile(rf"{AMOUNT} (?:(US|U\.S\.|American) (?=dollars?\b)|({'|'.join(CODES)})\b)")
THOUSAND = re.compile(r"(?<![\w.,])(\d{1,3}(?:\.\d+)?) thousand\b", re.I)
# In 1950, C. S. Lewis; in 1925, F. Scott Fitzgerald: the same without the comma.
NO_INITIAL = r"(?!\.? ?(?:[B-HJ-Z]\b|[AI]\.)|\. ?[A-Z][\w'\u2019-]+ [A-Z])"
UNIT_SIGNS = (
    (re.compile(r"(?<=\d) ?(?:%|per ?cent\b|percent\b)", re.I), " percent"),
    (re.compile(r"(?<=\d) ?(?:\u00b0|degrees?) ?(?:c|celsius|centigrade)\b", re.I), " degrees celsius"),
    # In names such as iPhone 5c, the letter may be small. B2C is no temperature.
    (re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?)(?:[cC]| C)\b(?![+#'\u2019-]){NO_INITIAL}"), r"\1 degrees celsius"),
    (re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?)(?:[fF]| F)\b(?!['\u2019-]){NO_INITIAL}"), r"\1 degrees fahrenheit"),
    (re.compile(r"(?<=\d) ?(?:\u00b0|degrees?) ?(?:f|fahrenheit)\b", re.I), " degrees fahrenheit"),
)
UNIT_NAMES = {
    "km": "kilomet(?:er|re)s?",
    "kg": "kilogram(?:me)?s?|kilos?",
    "cm": "centimet(?:er|re)s?",
    "mm": "millimet(?:er|re)s?",
    "m": "met(?:er|re)s?",
    "g": "gram(?:me)?s?",
    "mi": "miles?",
    "ft": "foot|feet",
    "lb": "lbs|pounds?",
    "inch": r"inch(?:es)?|in(?=\W*$|[.,;:)/]| (?:tall|long|wide|high|deep|thick|across|diameter)\b)",  # 6 in 10 people
    "oz": "ounces?",
    "hour": "hours|hrs?",
    "minute": "minutes|mins?",
    "year": "years|yrs?",
    "mph": r"miles(?:/| (?:per|an) )h(?:ou)?r|mi/hr?",
    "kph": r"km/hr?|kilomet(?:er|re)s?(?:/| (?:per|an) )h(?:ou)?r|km (?:per|an) hour",
    "hz": "hertz",
    "billion": "bn",
}
UNITS = re.compile(
    r"(?<=\d) ?(?:(?P<sign>km|kg|cm|mm|mi|ft|mph|lb|hz|m|g|k|billion|million)|"
    + "|".join(f"(?P<{unit}>{names})" for unit, names in sorted(UNIT_NAMES.items(), key=lambda item: -len(item[1])))
    + r")\b(?!\.\w)",
    re.I,
)
ABBREVIATIONS = {
    **{"st": "saint", "mt": "mount", "dr": "doctor", "mr": "mister", "jr": "junior", "sr": "senior", "vs": "v"},
    **{"versus": "v", "prof": "professor", "gen": "general", "col": "colonel", "lt": "lieutenant", "capt": "captain"},
    **{"sgt": "sergeant", "gov": "governor", "sen": "senator", "rev": "reverend", "dept": "department"},
    **{"corp": "corporation", "ft": "fort", "bros": "brothers"},
    **ORDINALS,
    **{"colour": "color", "grey": "gray", "theatre": "theater", "centre": "center", "aluminium": "aluminum"},
    **{"labour": "labor", "harbour": "harbor", "favour": "favor", "honour": "honor", "jewellery": "jewelry"},
    **{"plough": "plow", "pyjamas": "pajamas", "moustache": "mustache", "doughnut": "donut", "litre": "liter"},
    **{"defence": "defense", "programme": "program", "catalogue": "catalog", "armour": "armor", "flavour": "flavor"},
    **{"neighbour": "neighbor", "rumour": "rumor", "humour": "humor", "tumour": "tumor", "sulphur": "sulfur"},
    **{"organisation": "organization", "yoghurt": "yogurt", "whisky": "whiskey", "encyclopaedia": "encyclopedia"},
}
EXPANDED = frozenset(ABBREVIATIONS.values())
NO_LETTER = re.compile(r"[\W_]+")
# A number with its minus, a decimal number, a word with its signs (C++, C#, O+), a sign between operands, a symbol.
SIGNED = r"(?<![\w)\]])-\d+(?:\.\d+)*(?![\w-])|\d+(?:\.\d+)+|\b[A-Z][a-z]?\d?[-+](?![\w+-])"
SIGN = r"(?<=[\w)])[+*=<>^](?=[\w(-])|(?<=[\w)] )[+*=<>^](?= ?[\w(-])|[\U0001F300-\U0001FAFF]"
WORD = re.compile(rf"{SIGNED}|[^\W_]+(?:'[^\W_]+)*(?:\+\+|#(?!\w))?|{SIGN}")
# Particles and the copula that Korean writes at the end of a word.
PARTICLE = (
    "(?:\uc785\ub2c8\ub2e4|\uc774\ub2e4|\uc774\uc5d0\uc694|\uc608\uc694|\uc774\uc5c8\ub2e4|\uc600\ub2e4|\uc5d0\uc11c"
    "|\uc73c\ub85c|\uc740|\ub294|\uc774|\uac00|\uc744|\ub97c|\uc758|\uc5d0|\ub85c|\uc640|\uacfc|\ub3c4)"
)
HANGUL = "[\uac00-\ud7a3]"
ANY_WORD = regex.compile(
    rf"{SIGNED}|{HANGUL}+?(?={PARTICLE}(?!{HANGUL}))|{UNSPACED}|{LETTER}+(?:'{LETTER}+)*(?:\+\+|#(?!\w))?|{SIGN}",
    regex.V1,
)


class Word(NamedTuple):
    """A normalized word, and its place in the text."""

    text: str
    start: int
    end: int


def canonical(text: str) -> str:
    """Return the text with accents, dates, numbers and units in one spelling. Case and punctuation stay."""
    text = SPACED.sub(lambda found: found[0].replace(" ", ""), THOUSANDS.sub("", text.translate(LETTERS)))
    text = in_digits(without_accents(text))
    for sign, written in OTHER_SIGNS:
        text = sign.sub(written, text)
    text = DOZENS.sub(lambda found: str(12 * int(found[1])), text)
    text = ISO_DATE.sub(lambda found: f"{MONTHS.split('|')[int(found[2]) - 1]} {int(found[3])} {found[1]}", text)
    text = NAMED_DAY.sub(
        lambda found: (found["before"] or "") + ORDINALS[(found["day"] or found["after"]).lower()], text
    )
    text = MONTH_OF.sub(r"\1 ", text)
    text = SHORT_MONTH.sub(lambda found: LONG_MONTHS[found[1][:3].lower()], text)
    text = DAY_MONTH.sub(r"\2 \1", text)
    text = MONTH_DAY.sub(r"\1 \2", text)
    text = CODE_BEFORE.sub(lambda found: CODES[found[1]], text)
    text = CODE_BEHIND.sub(lambda found: f" {CURRENCIES[CODES[found[2]]]}" if found[2] else " ", text)
    text = THOUSAND.sub(lambda found: f"{1000 * float(found[1]):.15g}", CURRENCY.sub(_amount, text))
    for sign, name in UNIT_SIGNS:
        text = sign.sub(name, text)
    return UNITS.sub(lambda found: f" {found['sign'] or found.lastgroup}", text)


def _amount(found: re.Match[str]) -> str:
    """Return "5 million dollars" for $5m."""
    scale = found["scale"] or ""
    return f"{found['number']}{CURRENCY_SCALES.get(scale.strip().lower(), scale)} {CURRENCIES[found['sign']]}"


def words_of(text: str, articles: bool = False) -> list[Word]:
    """Return the words of a canonical text, without articles unless asked for."""
    pattern = ANY_WORD if has_other_scripts(text) else WORD
    found = (Word(_bare(match[0]), match.start(), match.end()) for match in pattern.finditer(text))
    return [word for word in found if articles or word.text not in ARTICLES or INITIAL.match(text, word.end)]


INITIAL = re.compile(r"\.\w")  # the a of a.m. is no article


def _bare(word: str) -> str:
    word = re.sub(r"'s$", "", word.casefold()).replace("'", "")
    return ABBREVIATIONS.get(word, word)


@lru_cache(maxsize=1 << 12)
def normalized(text: str) -> tuple[str, ...]:
    """Return the normalized words without articles. A text of articles only (The The) keeps them."""
    text = canonical(text)
    return tuple(word.text for word in words_of(text) or words_of(text, articles=True))


HYPHEN = re.compile(r"(?<=\w)[-./'](?=[^\W\d])|(?<=[^\W\d])[-./'](?=\w)")


@lru_cache(maxsize=1 << 12)
def unhyphenated(text: str) -> tuple[str, ...]:
    """Return the normalized words of the text without signs inside words, which SQuAD deletes: Wal-Mart is Walmart."""
    return normalized(HYPHEN.sub("", canonical(text)))
