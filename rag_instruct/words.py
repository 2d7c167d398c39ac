"""Find words, names, numbers and sentences of any script, which the filters compare.

Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces between words. Each character, with its marks, counts as
a word where texts are compared. `count_words` estimates how many words the characters make.
"""

import re
import unicodedata
from functools import lru_cache
from math import ceil

import regex
import snowballstemmer

STOPWORDS = """
a an the and or but nor of in on at by for from to into onto with without within as is are was were be been being
am do does did done has have had can could will would shall should may might must not no yes than then that this
these those it its he him his she her hers they them their theirs we us our you your i me my who whom whose which
what when where why how there here also so such too very more most much many some any all each every either both
one ones other others another same own only just about over under between through during before after above below
out off up down again further once if because while until whether name state describe explain identify list give
say tell compare true false correct correctly following options option year
"""
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
STEMMER = snowballstemmer.stemmer("english")
STOP = frozenset(STOPWORDS.split())
OPTION = re.compile(r"^[(\uff08]?([A-H])[.):\uff0e\uff09\uff1a\u3001]\s*(.+)$", re.M)


# Scripts without spaces, and how many of their characters make a word: ICU 78 finds 1.8 in Chinese and 1.9 in Japanese,
# 2.3 to 5.9 in the others.
EAST, SOUTHEAST = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\u3005", r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
CHARACTERS_PER_WORD = {EAST: 1.8, SOUTHEAST: 4.0}
UNSPACED = rf"[{EAST}{SOUTHEAST}]\p{{M}}*"
WITHOUT_SPACES = regex.compile(UNSPACED, regex.V1)
LETTER = rf"[\w\p{{M}}--[_{EAST}{SOUTHEAST}]]"
# Texts of Latin letters, accents and punctuation alone get faster tests and patterns, without regard for scripts.
OTHER_SCRIPTS = re.compile("[\u0300-\u1fff\u2c00-\ud7ff\uf900-\ufaff\U00010000-\U0003ffff]")


def has_other_scripts(text: str) -> bool:
    """Return whether the text has other letters than Latin ones."""
    return not text.isascii() and OTHER_SCRIPTS.search(text) is not None


# Signs that distinguish: C++ and C#, 5 + 3 and 5 - 3, +1 and -1, O+ and O-, 5 % and $5. A hyphen inside words is none.
SIGN = re.compile(r"[-+*/=<>^%$#]")
OPERAND_BEFORE = r"(?:(?<=\d)|(?<=\d )|(?<=\b\w)|(?<=\b\w )|(?<=\))|(?<=\) ))"
DISTINGUISHES = re.compile(
    rf"{OPERAND_BEFORE}[-*/=<>^](?= ?[-+(]?(?:\d|\w\b|\())|(?:(?<=[\w+])|(?<=[\w)] ))\+(?= ?[\w(+])|(?<=\w\+)\+"
    r"|(?<![\w)\]])[-+](?=\.?\d)|(?:(?<=\d)|(?<=\d ))[%$]|\$(?=\d)|(?<=[a-zA-Z])#(?!\w)"
    r"|(?:(?<=\b[a-zA-Z])|(?<=\b[a-zA-Z]{2})|(?<=\b[a-zA-Z]\d)|(?<=\b[a-zA-Z]{2}\d))[-+](?![\w+-])"
)
SPACES = dict.fromkeys(map(ord, "!\"&'(),.:;?@[\\]_`{|}~"), " ")  # ASCII's other signs distinguish nothing
KEPT = r"[-+*/=<>^%$#]"
LATIN_TOKEN = re.compile(
    rf"[^\W_]+|{KEPT}|[\u00a2-\u00a5\u00ac\u00b0\u00b1\u2044\u20a0-\u20bf\u2190-\u22ff\u2600-\u26ff]"
)
TOKEN = regex.compile(rf"{UNSPACED}|{LETTER}+|{KEPT}|[\p{{Sm}}\p{{Sc}}\u00b0\u2600-\u26ff]", regex.V1)
# Accents of Latin and Greek; the stress and the dots of Cyrillic. Other marks are letters of their own: the vowels of
# Hindi and Thai, the voicing of Japanese, the breve that makes a Russian i short.
ACCENTS = re.compile("[\u0300-\u036f]+")
ACCENTED, CYRILLIC = re.compile("[A-Za-z\u00c0-\u024f\u0370-\u03ff\u1e00-\u1fff]"), re.compile("[\u0400-\u04ff]")
# The vowels and lengtheners that Arabic and Hebrew may leave out, and signs without width.
LEFT_OUT = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u0640\u064b-\u0655\u0670\u200b-\u200d\u200e\u200f\ufeff]"
)
SPELLINGS = dict(
    zip("\u2010\u2011\u2012\u2013\u2212\u00d7\u00f7\u2018\u2019\u201c\u201d", "-----*/''\"\"", strict=True)
)
SPELLING = re.compile(f"[{''.join(SPELLINGS)}]")
APOSTROPHE = re.compile("[\u2018\u2019\u02bc\uff07]")
# The case of a single letter, or of two in a genotype, may change the meaning: R is not r, and Rr is not RR. A and I
# are words, and initials are written in either case.
CASED = re.compile(
    r"\b(?:[B-HJ-Z]|(?!II)([A-Z])\1|Aa|Bb|Cc|Dd|Ee|Ff|Gg|Hh|Ll|Nn|Pp|Rr|Ss|Tt|Ww|Yy)\b(?!'|\.\s?[A-Za-z])"
)


def straight(text: str) -> str:
    """Return the text with one kind of apostrophe, so that a pattern need not list them all."""
    return text if text.isascii() else APOSTROPHE.sub("'", text)


def word_set(text: str) -> frozenset[str]:
    """Return the words between the spaces of a text, for constants."""
    return frozenset(text.split())


def fold(text: str) -> str:
    """Return the text's words and distinguishing signs, without case and accents, with a space between them.

    Two questions are the same if this is equal.
    """
    if not text.isascii():
        text = without_accents(text)
    folded = SIGN.sub(_kept, _small(text))
    if folded.isascii():
        return " ".join(folded.translate(SPACES).split())
    return " ".join((TOKEN if has_other_scripts(folded) else LATIN_TOKEN).findall(folded))


def _kept(found: re.Match[str]) -> str:
    return f" {found[0]} " if DISTINGUISHES.match(found.string, found.start()) else " "


def _small(text: str) -> str:
    """Return the text in small letters, except letters whose case distinguishes."""
    if text.isupper() or not CASED.search(text):
        return text.casefold()
    parts, end = [], 0
    for match in CASED.finditer(text):
        parts += [text[end : match.start()].casefold(), match[0]]
        end = match.end()
    return "".join([*parts, text[end:].casefold()])


def without_accents(text: str) -> str:
    """Return the text in Unicode's compatibility form, without accents, with digits 0 to 9 and one kind of dash."""
    text = ACCENTS.sub(_no_accent, unicodedata.normalize("NFKD", SPELLING.sub(lambda found: SPELLINGS[found[0]], text)))
    if not has_other_scripts(text):
        return text
    text = unicodedata.normalize("NFC", LEFT_OUT.sub("", text))
    return re.sub(r"[^\W0-9a-zA-Z_]", lambda found: str(unicodedata.decimal(found[0], found[0])), text)


def _no_accent(found: re.Match[str]) -> str:
    before = found.string[found.start() - 1 : found.start()]
    if ACCENTED.match(before):
        return ""
    return re.sub("[\u0300\u0301\u0308]", "", found[0]) if CYRILLIC.match(before) else found[0]


def count_words(text: str) -> int:
    """Return the number of words: those between spaces, plus an estimate for scripts without spaces."""
    if not has_other_scripts(text):
        return len(text.split())
    characters = sum(len(UNSPACED_BY[script].findall(text)) / per for script, per in CHARACTERS_PER_WORD.items())
    return ceil(characters) + len(SPACED.findall(text))


def share_of_word(word: str) -> float:
    """Return what share of a word one item of `fold` is: below 1 for a character of a script without spaces."""
    found = (1 / per for script, per in CHARACTERS_PER_WORD.items() if UNSPACED_BY[script].fullmatch(word))
    return next(found, 1.0)


def count_characters(text: str) -> int:
    """Return the number of characters. A Chinese or Japanese one counts as three, because it says as much."""
    return len(text) + (2 * len(UNSPACED_BY[EAST].findall(text)) if has_other_scripts(text) else 0)


def per_words(text: str, number: int) -> int:
    """Return how many items of `fold` make `number` words: more than `number` in scripts without spaces."""
    if not has_other_scripts(text):
        return number
    return max(number, round(number * len(fold(text).split()) / max(count_words(text), 1)))


UNSPACED_BY = {script: regex.compile(rf"[{script}]\p{{M}}*", regex.V1) for script in CHARACTERS_PER_WORD}
SPACED = regex.compile(rf"[^\s\p{{P}}\p{{M}}{EAST}{SOUTHEAST}][^\s{EAST}{SOUTHEAST}]*", regex.V1)


def sentences(text: str) -> list[str]:
    """Split at the end of sentences before a capital or a quote, but not after an initial, St., Dr. or Mt."""
    return [part for part in END_OF_SENTENCE.split(text.strip()) if part] or [""]


END_OF_SENTENCE = re.compile(
    r"(?<!\b[A-Z]\.)(?<!\bSt\.)(?<!\bDr\.)(?<!\bMt\.)(?<=[.!?]) +(?=[A-Z\"])"
    "|(?<=[\u3002\uff01\uff1f\u0964\u061f\u06d4])\\s*(?=[^\\s\u300d\u300f\u201d\"')\uff09])"
)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return the word's root, so that "rises" matches "rise" and "founded" matches "founding"."""
    root: str = STEMMER.stemWord(re.sub(r"['\u2019]s?$", "", word.lower()))
    return root


def content(text: str) -> set[str]:
    """Return the words that carry meaning, as roots."""
    pattern = ANY_WORD if has_other_scripts(text) else LATIN_WORD
    return {stem(word) for word in pattern.findall(text) if word.lower() not in STOP}


LATIN_WORD = re.compile(r"[\w][\w'\u2019.,-]*\w|\w")
ANY_WORD = regex.compile(rf"{UNSPACED}|[{LETTER}_](?:[{LETTER}_'\u2019.,-]*[{LETTER}_])?", regex.V1)


def marks(text: str) -> set[str]:
    """Return the numbers, and the names inside sentences. In an answer, these are either right or wrong."""
    names = re.findall(r"(?<=[\w,;] )[A-Z][\w'\u2019-]+", text)
    return {stem(name) for name in names if name.lower() not in STOP} | set(re.findall(r"\d[\d.,]*\d|\d", text))


def share(part: set[str], whole: set[str]) -> float:
    """Return the share of `part` that is in `whole`, or 1 if `part` is empty."""
    return len(part & whole) / len(part) if part else 1.0


def stem_of(question: str) -> str:
    """Return the question's text before its options."""
    options = _options(question)
    return question[: options[0].start() if options else None].strip()


def options_of(question: str) -> dict[str, str]:
    """Return the texts of a question's options by letter."""
    return {option[1]: option[2].strip() for option in _options(question)}


def _options(question: str) -> list[re.Match[str]]:
    """Return the lettered lines if they are options, and not names such as "E. coli" or "H. G. Wells".

    Options have an A, and a single one has text before it.
    """
    lettered = list(OPTION.finditer(question))
    single = len(lettered) == 1 and not question[: lettered[0].start()].strip()
    return lettered if not single and any(option[1] == "A" for option in lettered) else []


def substance(answer: str) -> str:
    """Return the answer without the letter, yes, no, true or false at its beginning."""
    return re.sub(r"^(\(?[A-H][.):] |(yes|no|true|false)\b[,.:;]? ?)", "", answer.strip(), flags=re.I)


def added_words(question: str, answer: str) -> set[str]:
    """Return the content words that an answer adds to its question. The options of a choice do not count as asked."""
    return content(substance(answer)) - content(stem_of(question))
