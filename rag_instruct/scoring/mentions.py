"""Find mentions of an answer as whole words. Spellings of accents, articles, dates, initials and units may differ."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rag_instruct.words import STOP

ARTICLES = frozenset(("a", "an", "the"))
# Letters that Unicode does not decompose into a letter and an accent, and variants of ' and -.
LETTERS = str.maketrans(
    {
        **dict(zip("\u00f8\u00d8\u0142\u0141\u0111\u0110\u00f0\u0131", "oOlLdDdi", strict=True)),
        **{"\u00fe": "th", "\u00e6": "ae", "\u00c6": "Ae", "\u0153": "oe", "&": " and "},
        **dict.fromkeys("\u2019\u2018\u02bc", "'"),
        **dict.fromkeys("\u2013\u2014\u2212", "-"),
    }
)
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
LONG_MONTHS = {month[:3]: month for month in MONTHS.split("|")}
SHORT_MONTH = re.compile(r"\b(jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?(?= \d)", re.I)
DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({MONTHS})\b(?:,(?= \d{{4}}))?", re.I)
MONTH_DAY = re.compile(rf"\b({MONTHS}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)\b", re.I)
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
INITIALS = re.compile(r"\b(?:[A-Z]\.? ?){1,}(?=[A-Z]\b)[A-Z]\b\.?")
UNITS = re.compile(r"(?<=\d)(?=(?:km|kg|cm|mm|mi|ft|mph|lbs?|hz|m|g|k|bn|million|billion)\b)", re.I)
WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+(?:'[^\W_]+)*|[^\W\d_\s]|[\U0001F300-\U0001FAFF]")

NAMES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"""
ONES, TENS = NAMES.split()[:20], NAMES.split()[20:]


class Word(NamedTuple):
    """A normalized word, and its place in the text."""

    text: str
    start: int
    end: int


def canonical(text: str) -> str:
    """Return the text with accents, dates, numbers, initials and units in one spelling. Case and punctuation stay."""
    text = unicodedata.normalize("NFKD", text.translate(LETTERS))
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = THOUSANDS.sub("", text)
    text = SHORT_MONTH.sub(lambda found: LONG_MONTHS[found[1][:3].lower()], text)
    text = DAY_MONTH.sub(r"\2 \1", text)
    text = MONTH_DAY.sub(r"\1 \2", text)
    text = INITIALS.sub(lambda found: re.sub(r"[. ]", "", found[0]) + " ", text)
    return UNITS.sub(" ", text)


def words_of(text: str) -> list[Word]:
    """Return the words of a canonical text, without articles."""
    found = [Word(_bare(match[0]), match.start(), match.end()) for match in WORD.finditer(text)]
    return [word for word in found if word.text not in ARTICLES]


def _bare(word: str) -> str:
    return re.sub(r"'s$", "", word.casefold()).replace("'", "")


@lru_cache(maxsize=1 << 12)
def normalized(text: str) -> tuple[str, ...]:
    """Return the normalized words without articles. A text of articles only (The The) keeps them."""
    text = canonical(text)
    return tuple(word.text for word in words_of(text)) or tuple(_bare(match[0]) for match in WORD.finditer(text))


class Answer(NamedTuple):
    """An accepted form of an answer."""

    words: tuple[str, ...]
    exactly: str = ""  # the exact spelling that is needed, where the words alone are everyday words (US)


@lru_cache(maxsize=1 << 14)
def forms(answers: tuple[str, ...]) -> tuple[Answer, ...]:
    """Return all accepted forms of the answers."""
    found: dict[Answer, None] = {}
    for answer in answers:
        for variant in _variants(answer):
            words = normalized(variant)
            if not words or all(
                word in STOP or (len(word) == 1 and word.isascii() and word.isalpha()) for word in words
            ):
                if variant.islower() and len(answers) > 1:
                    continue  # an alias such as "no" for Norway would match every denial
                found[Answer(words, canonical(variant).strip())] = None
            else:
                found[Answer(words)] = None
    return tuple(found)


def _variants(answer: str) -> Iterator[str]:
    """Yield the answer and its variants."""
    yield answer
    if match := re.fullmatch(r'(.+?)\s+"(?:the )?(.+)"\s+(\S.*)', answer, re.I):  # Eddie "The Eagle" Edwards
        yield f"{match[1]} {match[3]}"
        yield f"{match[2]} {match[3]}"
        yield f"{match[1]} {match[2]}"
    if match := re.fullmatch(r"(.+\S)\s*\([^()]*\)", answer):
        yield match[1]
    if match := re.fullmatch(
        r"(?:about|around|approximately|nearly|over|more than|roughly|circa|c\.)\s+(.*\d.*)", answer, re.I
    ):
        yield match[1]
    if match := re.fullmatch(r"[A-H][).:]\s*(.+)", answer):  # an option of a quiz, with its letter
        yield match[1]
    if re.search(r"(?:^|\s)[a-z]{3,}$", answer) and not answer.endswith("s"):  # a common noun: accept the plural
        yield f"{answer}s"
    yield from _spelled(answer.strip().lower())


def _spelled(answer: str) -> Iterator[str]:
    """Yield "thirty-five" for 35 and 35 for "thirty-five". 1 is left out, because "one" is also a pronoun."""
    if re.fullmatch(r"\d{1,2}", answer) and answer != "1":
        yield number_name(int(answer))
    elif answer in NUMBER_NAMES and answer != "one":
        yield str(NUMBER_NAMES[answer])


def number_name(number: int) -> str:
    """Return the English name of a number from 0 to 99."""
    if number < 20:
        return ONES[number]
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{ONES[ones]}" if ones else "")


NUMBER_NAMES = {number_name(number): number for number in range(100)}


def mentions(text: str, answers: Sequence[Answer]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each mention of an answer, as whole words, in a canonical text."""
    words = words_of(text)
    places: dict[str, list[int]] = {}
    for number, word in enumerate(words):
        places.setdefault(word.text, []).append(number)
    for answer in answers:
        if answer.exactly:
            pattern = rf"(?<![\w]){re.escape(answer.exactly)}(?![\w])"
            yield from (match.span() for match in re.finditer(pattern, text))
            continue
        length = len(answer.words)
        for first in places.get(answer.words[0], ()):
            if tuple(word.text for word in words[first : first + length]) == answer.words:
                yield words[first].start, words[first + length - 1].end
